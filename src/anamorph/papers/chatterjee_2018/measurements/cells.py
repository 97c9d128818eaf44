"""Energy and noise of the simulated cell, at several capacitances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.differential_pair import characterise_pair
from anamorph.papers.chatterjee_2018.measurements._cells import SMALL, TAIL
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.technology import load


@dataclass(frozen=True)
class _Found:
    """Of a whole synapse but for `farad`, which is that of one output."""

    energy: float
    noise: float
    rectangular: float
    farad: float


def measure(context: Context) -> Findings:
    """The default 8 and 3 bit cells as they are, differential; and 8 bits in small pairs, read as one branch."""
    context.tell("8 bits")
    default = _of(DifferentialPair(8))
    context.tell("8 bits in pairs of two bits")
    small = _of(SMALL)
    context.tell("3 bits")
    three = _of(DifferentialPair(3))
    pairs = f"8 bits in four pairs of two bits, {small.farad * 1e15:.2g} fF at an output"
    return Findings(
        {
            "energy_synapse": Measured(
                default.energy,
                note=f"Both branches of the default cell, two pairs of four bits: {default.farad * 1e15:.2g} fF at an "
                f"output. In pairs of two bits {small.energy * 1e15:.2g} fJ.",
            ),
            "energy_branch": Measured(small.energy / 2, note=f"{pairs}; one branch."),
            "noise_synapse": Measured(
                three.noise, note="3 bits, both sides, integrated exactly, flicker from 1 Hz: 2 n kT/C and flicker."
            ),
            "noise_branch": Measured(
                small.rectangular / 2, note=f"{pairs}; one side, the paper's rectangular approximation."
            ),
        }
    )


def _of(design: DifferentialPair) -> _Found:
    found = characterise_pair(design, load("cmos65"), [TAIL], np.array([design.full_code]))
    farad = found.gm / found.gain / (2 * np.pi * found.bandwidth)
    values = (found.energy_per_mac, found.noise, found.noise_rectangular, farad)
    return _Found(*(float(value[0, 0]) for value in values))
