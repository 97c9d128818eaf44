"""Energy and noise of the simulated cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.cell.differential_pair import DifferentialPair, standard
from anamorph.characterise.differential_pair import characterise_pair
from anamorph.papers.chatterjee_2018.measurements._cells import TAIL
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
    """The standard cells of 8 and 3 bits: whole synapses with both outputs, and read as one branch and one side."""
    context.tell("8 bits")
    eight = _of(standard(8))
    context.tell("3 bits")
    three = _of(standard(3))
    said = [f"{bits} bits, {one.farad * 1e15:.2g} fF at an output" for bits, one in ((8, eight), (3, three))]
    return Findings(
        {
            "energy_synapse": Measured(eight.energy, note=f"Both branches; {said[0]}."),
            "energy_branch": Measured(eight.energy / 2, note=f"One branch; {said[0]}."),
            "noise_synapse": Measured(
                three.noise, note=f"{said[1]}; both sides, integrated exactly, flicker from 1 Hz: 2 n kT/C and flicker."
            ),
            "noise_branch": Measured(
                eight.rectangular / 2,
                note=f"{said[0]}; one side, the paper's rectangular approximation; 3 bits "
                f"{three.rectangular / 2 * 1e6:.2g}e-6 V^2.",
            ),
        }
    )


def _of(design: DifferentialPair) -> _Found:
    found = characterise_pair(design, load("cmos65"), [TAIL], np.array([design.full_code]))
    farad = found.gm / found.gain / (2 * np.pi * found.bandwidth)
    values = (found.energy_per_mac, found.noise, found.noise_rectangular, farad)
    return _Found(*(float(value[0, 0]) for value in values))
