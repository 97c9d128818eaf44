"""Every combination of excitation current and mismatch sample of a small circuit as a transient, on all cores."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anamorph.circuit.compile import Circuit, Structure
from anamorph.circuit.dense import Given, Lanes, Slopes, Wiring, linearise, wiring
from anamorph.circuit.lanes import NARROW, through_lanes
from anamorph.circuit.oscillation import RESTING, RIPPLING, RUNNING, SETTLED, State, Watch, advance, begin
from anamorph.threads import in_threads

#: Transients in work at a time on each core.
LANES = 256
#: Attempted steps between two looks at who has finished: about half a period.
ROUNDS = 48
#: Relative change of the period, from spike to spike and to come, that counts as steady.
SETTLED_CHANGE = 1.5e-3
#: A sample that needs more is given up as not converged.
MAX_SPIKES, MAX_STEPS, STEPS_PER_SPIKE = 60, 2000, 100


class Case(NamedTuple):
    """Transients in work; lanes on the last axis of everything."""

    held: Float[Array, "held lanes"]
    sources: Float[Array, "sources lanes"]
    deviations: Float[Array, "fets lanes"]
    temperature: Lanes
    charging: Lanes
    low: Lanes
    high: Lanes
    tolerance: Lanes
    max_spikes: Lanes
    every: Lanes
    state: State

    def given(self, structure: Structure) -> Given:
        """Drives and devices, as the equations want them."""
        mosfet = jax.tree.map(lambda column: column[:, None], structure.mosfet)
        fixed = (mosfet, structure.conductance, structure.capacitance)
        return Given(*fixed, self.held, self.sources, self.deviations, self.temperature)

    def watch(self) -> Watch:
        """What is looked for."""
        # a spike takes less than a hundred steps
        steps = MAX_STEPS + STEPS_PER_SPIKE * self.max_spikes
        settled = jnp.asarray(SETTLED_CHANGE)
        return Watch(
            self.low, self.high, self.charging, self.tolerance, settled, self.max_spikes, steps, self.every
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Results per sample and current, ``[samples, points]``. `stable` and `ready` are of the last moment."""

    status: np.ndarray
    stable: np.ndarray
    ready: np.ndarray
    frequency: np.ndarray
    current_mean: np.ndarray  # of the supply, A
    current_rms: np.ndarray
    swing: np.ndarray
    width: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True)
class Bench:
    """A circuit with one current source, and what to watch.

    Attributes:
        circuit: compiled netlist.
        watched: held node whose current is measured.
        output: node that spikes.
        held: potential of every held node, V.
        supply: of the circuit, V.
        temperature: K.
        tolerance: local error of a step, V.
        levels: of a spike, as parts of the supply.
        lanes: transients in work at a time on each core.
        max_spikes: a sample that needs more is given up.
        every: spikes from one look at whether they are steady to the next, see `Watch`.
    """

    circuit: Circuit
    watched: str
    output: str
    held: Mapping[str, float]
    supply: float
    temperature: float
    tolerance: float
    levels: tuple[float, float]
    lanes: int
    max_spikes: int = MAX_SPIKES
    every: int = 1

    def run(self, currents: Float[np.ndarray, " points"], shifts: Float[np.ndarray, "samples fets"]) -> Found:
        """All combinations. The first current may be zero."""
        samples, points = len(shifts), len(currents)
        size, cores = samples * points, os.cpu_count() or 1
        net, output = wiring(self.circuit, self.watched), self.circuit.node(self.output)
        structure, supply = self.circuit.structure, self.supply
        lanes = NARROW if size <= 2 * NARROW else self.lanes
        # without excitation there is no time in which it charges anything: the smallest current's serves
        driving = np.where(currents > 0, currents, currents[currents > 0].min())

        def load(work: np.ndarray) -> Case:
            point, sample = work // samples, work % samples
            held = np.array([[self.held[node]] * len(work) for node in self.circuit.held])
            levels = (level * supply for level in self.levels)
            numbers = (self.temperature, supply, *levels, self.tolerance, self.max_spikes, self.every)
            same = [np.full(len(work), float(x)) for x in numbers]
            return _load(
                net, structure, held, currents[point][None], driving[point], shifts[sample].T, *same, output=output
            )

        def harvest(case: Case) -> dict[str, np.ndarray]:
            current, slopes = _last(net, structure, case)
            return _results(case.state, slopes, current, output, self.levels[0] * supply, self.every)

        def piece(work: np.ndarray) -> dict[str, np.ndarray]:
            forward = partial(_forward, net, structure, output=output)
            return through_lanes(work, lanes, load, forward, lambda c: np.asarray(c.state.status) == RUNNING, harvest)

        split = [np.arange(size)[k::cores] for k in range(cores)] if size > lanes else [np.arange(size)]
        table = {}
        for work, part in zip(split, in_threads(piece, split, warm=True), strict=True):
            for name, values in part.items():
                table.setdefault(name, np.empty(size, values.dtype))[work] = values
        return Found(**{name: values.reshape(points, samples).T for name, values in table.items()})


@partial(jax.jit, static_argnames=("net", "output"))
def _load(
    net: Wiring, structure: Structure, held: Array, sources: Array, driving: Lanes, shifts: Array,
    temperature: Lanes, supply: Lanes, low: Lanes, high: Lanes, tolerance: Lanes, max_spikes: Lanes,
    every: Lanes, *, output: int,
) -> Case:  # fmt: skip
    """Transients at their beginning: every node discharged."""
    start = jnp.zeros((net.n_unknowns, len(driving)))
    mosfet = jax.tree.map(lambda column: column[:, None], structure.mosfet)
    given = Given(mosfet, structure.conductance, structure.capacitance, held, sources, shifts, temperature)
    _, slopes = linearise(net, given, start)
    # all nodes' own capacitances: what the excitation has to charge is less than that
    total = sum((slopes.capacitance[k][k] for k in range(net.n_unknowns)), start=jnp.zeros(len(driving)))
    watch = Watch(low, high, total * supply / driving, tolerance, jnp.zeros(()), max_spikes, max_spikes, every)
    state = begin(net, given, watch, start, output)
    return Case(held, sources, shifts, temperature, watch.charging, low, high, tolerance, max_spikes, every, state)


@partial(jax.jit, static_argnames=("net", "output"))
def _forward(net: Wiring, structure: Structure, case: Case, output: int) -> Case:
    done = advance(net, case.given(structure), case.watch(), case.state, output, ROUNDS)
    return case._replace(state=done)


@partial(jax.jit, static_argnames="net")
def _last(net: Wiring, structure: Structure, case: Case) -> tuple[Lanes, Slopes]:
    """The supply's conducted current, and the slopes, at the last accepted point."""
    point, slopes = linearise(net, case.given(structure), case.state.v)
    return point.current[-1], slopes


def _results(
    state: State, slopes: Slopes, current: Array, output: int, low: float, every: int
) -> dict[str, np.ndarray]:
    """What a chunk's lanes found."""
    s = state.spikes
    status = np.asarray(state.status)
    spiking, rippling = status == SETTLED, status == RIPPLING
    time, elapsed = np.where(spiking, s.per_spike[0], np.nan), np.asarray(state.t)
    # what only ripples has no period to average over: the whole transient serves
    charge = np.where(rippling, state.delivered / elapsed, current)
    square = np.where(rippling, np.sqrt(state.square / elapsed), np.abs(current))
    return {
        "status": status,
        "stable": _stable(slopes, np.flatnonzero(status == RESTING), len(status)),
        "ready": np.asarray(state.v[output]) < low,
        "frequency": np.where(spiking, every / time, 0.0),
        "current_mean": np.where(spiking, s.per_spike[1] / time, charge),
        "current_rms": np.where(spiking, np.sqrt(np.maximum(s.per_spike[2], 0) / time), square),
        "swing": np.where(spiking, s.swing, np.nan),
        "width": np.where(spiking, s.width, np.nan),
        "steps": np.asarray(state.steps, float),
    }


def _stable(slopes: Slopes, lanes: np.ndarray, count: int) -> Bool[np.ndarray, " count"]:
    """Whether small deviations die out: all eigenvalues of -C^-1 G have negative real parts. True outside `lanes`."""

    def matrices(rows: Iterable[Iterable[Array | float]]) -> np.ndarray:
        square = list(rows)[:-1]
        return np.stack([np.stack([np.asarray(x)[lanes] for x in row]) for row in square]).transpose(2, 0, 1)

    stable = np.ones(count, bool)
    if len(lanes):
        rates = np.linalg.eigvals(np.linalg.solve(matrices(slopes.capacitance), -matrices(slopes.conductance)))
        stable[lanes] = rates.real.max(1) < 0
    return stable
