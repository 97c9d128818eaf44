"""Which synapses join two layers, and which of them share a parameter.

What is trained are *parameters*, a matrix with one row per tap of a kernel and one column per kernel; what is
written to a chip is the *matrix* ``[n_in, n_out]`` that they unroll to, one synapse for every time that a tap is
used. Parameters are rounded before they are unrolled, so synapses that share one have the same setting; each still
is a circuit of its own, with its own deviations.

A layer of images counts its neurons channel by channel, row by row: ``(c height + y) width + x``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Array, Bool, Float

#: Channels, height, width.
Image = tuple[int, int, int]


class Wiring(ABC):
    """One weight matrix: hashable, since compiled training depends on it."""

    #: Neurons before and after.
    n_in: int
    n_out: int
    #: No negative weights.
    positive: bool
    #: What the layer after is, as an image; None where it is none.
    image_out: Image | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Taps and kernels: shape of the parameters."""

    @property
    @abstractmethod
    def exists(self) -> Bool[np.ndarray, "n_in n_out"]:
        """Where there is a synapse."""

    @abstractmethod
    def matrix(self, parameters: Float[Array, "*batch taps kernels"]) -> Float[Array, "*batch n_in n_out"]:
        """The weight matrix that parameters unroll to; zero where there is no synapse."""

    @property
    def n_synapses(self) -> int:
        """How many synapses there are."""
        return int(self.exists.sum())


@dataclass(frozen=True)
class Dense(Wiring):
    """Every neuron to every neuron, each synapse with its own weight."""

    n_in: int
    n_out: int
    positive: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """One tap per source, one kernel per neuron."""
        return self.n_in, self.n_out

    @cached_property
    def exists(self) -> Bool[np.ndarray, "n_in n_out"]:
        """Everywhere."""
        return np.ones(self.shape, bool)

    def matrix(self, parameters: Float[Array, "*batch taps kernels"]) -> Float[Array, "*batch n_in n_out"]:
        """The parameters themselves."""
        return parameters
