"""What multiplies vectors with the stored matrices of a network: the one place where memory cells come in."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float


class Products(ABC):
    """Products with stored matrices."""

    @abstractmethod
    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """What each group's matrix makes of its vectors.

        Args:
            name: of the product, as in its `Network`.
            x: inputs.
            w: the stored matrices, the same ones at every call with this name.
        """


class Exact(Products):
    """Floating point, as precise as the values that come in."""

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """X w, in the precision of x."""
        return x @ w
