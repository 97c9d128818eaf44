"""A component: four functions of its bits and of its size, and where their figures come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real

#: A number, or an array of them that broadcasts.
Numbers = Real[np.ndarray, "..."] | np.number | float | int
Law = Callable[[np.ndarray, np.ndarray], Numbers]


@dataclass(frozen=True)
class Component:
    """What a peripheral circuit takes, as functions of bits and size that broadcast.

    Attributes:
        name: of the component.
        what: one use of it, which `energy` is of.
        bits_are: meaning of the first argument of every method.
        size_is: meaning of the second.
        source: of the figures.
        basis: the weakest of the figures that energy and area hang on (leakage is assumed throughout).
    """

    name: str
    what: str
    bits_are: str
    size_is: str
    source: str
    basis: str
    energy_law: Law
    area_law: Law
    latency_law: Law
    leakage_law: Law

    def energy(self, bits: Numbers, size: Numbers = 1) -> Float[np.ndarray, "..."]:
        """Energy of one use, J."""
        return _evaluated(self.energy_law, bits, size)

    def area(self, bits: Numbers, size: Numbers = 1) -> Float[np.ndarray, "..."]:
        """Area, m²."""
        return _evaluated(self.area_law, bits, size)

    def latency(self, bits: Numbers, size: Numbers = 1) -> Float[np.ndarray, "..."]:
        """Time of one use, s."""
        return _evaluated(self.latency_law, bits, size)

    def leakage(self, bits: Numbers, size: Numbers = 1) -> Float[np.ndarray, "..."]:
        """Power while it is on and idle, W."""
        return _evaluated(self.leakage_law, bits, size)


def _evaluated(law: Law, bits: Numbers, size: Numbers) -> Float[np.ndarray, "..."]:
    bits, size = np.broadcast_arrays(np.asarray(bits, float), np.asarray(size, float))
    return np.broadcast_to(np.asarray(law(bits, size), float), bits.shape)
