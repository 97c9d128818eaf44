"""Dynamics: the prototype's transient, where its substrate can simulate one; energy and latency come from it.

A substrate takes part by having ``dynamics(die, program, inputs, presentation)``, which returns an object with
``lines`` (`CostLine`s), ``time`` (s), ``currents`` (A, ``[outputs, times]``) and ``latency`` (s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.cost.sheet import CostLine
from anamorph.stages.record import Floats, Record
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die, Program


class Waveforms(Record):
    """Output currents against time."""

    time: Floats
    currents: Floats
    latency: float | None = None


@dataclass(frozen=True)
class Dynamics:
    """Cost lines of a transient, and its waveforms."""

    lines: tuple[CostLine, ...]
    waveforms: Waveforms


def dynamics(setup: Setup, die: Die, program: Program) -> Dynamics | None:
    """Simulate the first test samples one after the other; None where the substrate has no dynamics."""
    simulate = getattr(setup.substrate, "dynamics", None)
    if simulate is None:
        return None
    section = setup.experiment.transient
    found = simulate(die, program, setup.inputs[: section.patterns], section.presentation)
    latency = found.latency
    waveforms = Waveforms(
        time=np.asarray(found.time),
        currents=np.asarray(found.currents)[: setup.task.n_classes],
        latency=float(latency) if latency is not None and np.isfinite(latency) else None,
    )
    return Dynamics(tuple(found.lines), waveforms)
