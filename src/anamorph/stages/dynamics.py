"""Dynamics: the prototype's transient, where its substrate can simulate one; energy and latency come from it.

A substrate takes part by having ``dynamics``, with the arguments and the answer of
`anamorph.substrate.current_mirror.dynamics.dynamics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.cost.sheet import CostLine
from anamorph.stages.record import Floats, Record
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die, Program


class Waveforms(Record):
    """Output currents (A, ``[outputs, times]``) against time (s) for one pattern, and its decision (s)."""

    time: Floats
    currents: Floats
    latency: float | None = None


@dataclass(frozen=True)
class Dynamics:
    """Cost lines of a transient, its waveforms, and what a reader must know."""

    lines: tuple[CostLine, ...]
    waveforms: Waveforms
    warnings: tuple[str, ...]


def dynamics(setup: Setup, die: Die, program: Program) -> Dynamics | None:
    """Show the first test samples one after the other; None where there are none or none are wanted."""
    simulate = getattr(setup.substrate, "dynamics", None)
    section = setup.experiment.transient
    if simulate is None or not section.patterns:
        return None
    inputs = setup.inputs[: section.patterns]
    operations = sum(wiring.n_synapses for wiring in setup.model.wirings)
    n_classes = setup.task.n_classes
    previous = jnp.roll(inputs, 1, axis=0)
    found = simulate(die, program, inputs, previous, section.presentation, operations, n_classes=n_classes)
    decided = float(found.time_to_output[0])
    waveforms = Waveforms(
        time=np.asarray(found.waveform.times),
        currents=np.asarray(found.waveform.outputs)[:, :n_classes].T,
        latency=decided if np.isfinite(decided) else None,
    )
    return Dynamics(_lines(found, operations), waveforms, _warnings(found, section.presentation))


def _lines(found: Any, operations: int) -> tuple[CostLine, ...]:
    fixed = f"supply current times V_DD over a presentation of {found.presentation:g} s"
    decision = "last time at which the largest output is not the settled one, after a switch of patterns"
    each = f"{fixed}, over {operations} multiply-accumulate operations"
    return (
        _line("energy_per_inference", found.energy, "J", fixed),
        _line("energy_per_operation", np.asarray(found.energy) / operations, "J", each),
        _line("energy_to_output", found.energy_to_output, "J", f"the same, up to the decision: {decision}"),
        _line("latency", found.time_to_output, "s", decision),
        _line("power", found.power, "W", f"{fixed}, mean"),
    )


def _line(quantity: str, values: Float[np.ndarray, " patterns"], unit: str, source: str) -> CostLine:
    """Mean over the patterns that have a value; the bounds are the smallest and the largest."""
    known = np.asarray(values)[np.isfinite(values)]
    if not known.size:
        nan = float("nan")
        return CostLine(quantity, nan, unit, nan, nan, "simulated", source, 0)
    low, mean, high = float(known.min()), float(known.mean()), float(known.max())
    return CostLine(quantity, mean, unit, low, high, "simulated", source, known.size)


def _warnings(found: Any, presentation: float) -> tuple[str, ...]:
    said = []
    if found.unconverged:
        said.append(f"{found.unconverged} transients did not converge; energy and latency are without them.")
    if found.unsettled:
        said.append(f"{found.unsettled} patterns had not reached their class after {presentation:g} s.")
    return tuple(said)
