"""The bench: the instrument with which a chip is measured, and how much it measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.errors import BadInput


@dataclass(frozen=True)
class Bench:
    """The instrument and the effort.

    Attributes:
        currents: input currents of every curve, A.
        repeats: choices of source and monitor per neuron, or configurations of the whole chip.
        read_noise: standard deviation of one reading, as a fraction of it.
        protocol: how the chip is connected for it, a name of `anamorph.characterise.protocols.PROTOCOLS`.
        setting: of the positive synapses on the way; the largest if left out. A synapse compresses more the more
            of its bits are on, so a setting as networks have it gives exponents and a negative unit closer to theirs.
    """

    currents: tuple[float, ...]
    repeats: int = 5
    read_noise: float = 0.005
    protocol: str = "source_monitor"
    setting: int | None = None

    def __post_init__(self) -> None:
        if not self.currents or not all(np.isfinite(c) and c > 0 for c in self.currents):
            raise BadInput("bench currents", expected="positive, finite currents in A", got=str(self.currents))
        if self.setting is not None and self.setting < 1:
            raise BadInput("bench setting", expected="1 or more", got=str(self.setting))
        if self.repeats < 1:
            raise BadInput("bench repeats", expected="1 or more", got=str(self.repeats))
        if not 0 <= self.read_noise < 1:
            raise BadInput("bench read noise", expected="0 to 1", got=str(self.read_noise))
