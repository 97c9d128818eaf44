r"""Energy against error: what a cell of less capacitance saves, and what its noise then costs a network.

Nothing here is fitted to a network. Of a simulated cell with capacitance C at an output (its transconductance over
``2 pi`` gain and bandwidth), energy E and noise ``v_t^2 + v_f^2`` are known, thermal and flicker. A cell that is the
same but for its load capacitor has

    E' = E C'/C,    v'^2 = v_t^2 C/C' + v_f^2,

because neither the transconductance nor the bias knows the capacitor: the bandwidth goes with 1/C, the time and so the
energy of a multiplication with C, and the densities of noise stay. So a noise power is a capacitance is an energy. What
the transistors bring along is the least capacitance there is: noise beyond that cell's would need smaller transistors,
and what it would save by the same law is no cell that exists here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.differential_pair import characterise_pair
from anamorph.mixed_signal.study import TAIL, Case, Study, allowed_power
from anamorph.technology import Technology


@dataclass(frozen=True)
class CellTrade:
    """A simulated cell, and by it all that differ from it in the load capacitor alone.

    Attributes:
        energy: per multiplication, whole synapse, J.
        thermal: noise power at the differential output, over all frequencies, V^2.
        flicker: likewise.
        farad: at an output, F.
        c_load: of it the capacitor, F.
    """

    energy: float
    thermal: float
    flicker: float
    farad: float
    c_load: float

    @classmethod
    def of(cls, technology: Technology, design: DifferentialPair, bias: float = TAIL) -> CellTrade:
        """Simulate a cell at a tail current (A).

        Raises:
            NotConverged: an operating point was not found.
        """
        found = characterise_pair(design, technology, [bias], np.array([design.full_code]))
        farad = found.gm / found.gain / (2 * np.pi * found.bandwidth)
        values = (found.energy_per_mac, found.noise_thermal, found.noise_flicker, farad)
        energy, thermal, flicker, farad = (float(value[0, 0]) for value in values)
        return cls(energy, thermal, flicker, farad, design.c_load)

    @property
    def least(self) -> tuple[float, float]:
        """Energy (J) and noise power (V^2) without any capacitor."""
        share = 1 - self.c_load / self.farad
        return self.energy * share, self.thermal / share + self.flicker

    def energies(
        self, power: Float[np.ndarray, " powers"]
    ) -> tuple[Float[np.ndarray, " powers"], Bool[np.ndarray, " powers"]]:
        """Energy of a multiplication with that noise (J; NaN below the flicker noise), and whether such a cell is."""
        left = np.asarray(power, float) - self.flicker
        energy = np.where(left > 0, self.energy * self.thermal / np.where(left > 0, left, 1.0), np.nan)
        return energy, energy >= self.least[0] * (1 - 1e-9)


@dataclass(frozen=True)
class Line:
    """One set of weights: an error for each energy of an inference, falling energies.

    Attributes:
        case: of which network and bits.
        aware: trained through noise.
        energy: J, of all the network's multiplications.
        error: mean share of wrong images, noise of every branch.
        exists: whether a cell has that little capacitance.
        at_one_per_cent: energy at which the error is one per cent above the plain network's without noise, J; that of
            the cell without a capacitor where even its noise costs less; None where flicker noise alone costs more.
        allowed: noise power that costs one per cent, V^2; None where all that were tried cost less.
    """

    case: Case
    aware: bool
    energy: Float[np.ndarray, " points"]
    error: Float[np.ndarray, " points"]
    exists: Bool[np.ndarray, " points"]
    at_one_per_cent: float | None
    allowed: float | None

    @property
    def name(self) -> str:
        """For legends."""
        return f"{self.case.n_bits} bits" + (", trained through noise" if self.aware else "")


def lines(found: Study, trades: dict[int, CellTrade]) -> tuple[Line, ...]:
    """All sets of weights, those of a network together.

    Args:
        found: errors over noise powers.
        trades: a cell for each number of bits.
    """
    made = []
    for case in found.cases:
        for judged in (case.plain, case.aware):
            if judged is None:
                continue
            trade, macs = trades[case.n_bits], found.macs[case.network]
            # with the cell that has no capacitor: its noise lies between two that were tried
            least, most = trade.least
            powers = np.unique([*found.powers, most])
            error = np.interp(np.log(powers), np.log(found.powers), judged.branches.mean)
            energy, exists = trade.energies(powers)
            known = np.isfinite(energy)
            allowed = allowed_power(judged.branches, found.powers, case.plain.clean)
            made.append(
                Line(case, judged is case.aware, macs * energy[known], error[known], exists[known],
                     _at(trade, allowed, macs), allowed)
            )  # fmt: skip
    return tuple(made)


def _at(trade: CellTrade, allowed: float | None, macs: int) -> float | None:
    least = trade.least[0]
    if allowed is None:
        return macs * least
    energy = float(trade.energies(np.array([allowed]))[0][0])
    return None if np.isnan(energy) else macs * max(energy, least)


def front(points: Iterable[tuple[float, float]]) -> list[int]:
    """Numbers of the points (energy, error) than which no other is better in both, by rising energy."""
    held = list(points)
    chosen, best = [], np.inf
    for index in sorted(range(len(held)), key=lambda i: held[i]):
        if held[index][1] < best:
            chosen.append(index)
            best = held[index][1]
    return chosen


def front_of(of_network: Iterable[Line]) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Energies and errors of the Pareto front of some lines, of cells that exist."""
    points = [(float(e), float(y)) for line in of_network
              for e, y, real in zip(line.energy, line.error, line.exists, strict=True) if real]  # fmt: skip
    chosen = [points[i] for i in front(points)]
    return np.array([e for e, _ in chosen]), np.array([y for _, y in chosen])
