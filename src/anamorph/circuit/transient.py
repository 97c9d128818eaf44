"""Transient of a compiled circuit: waveforms in, node voltages, charges and energies out.

Every sample of a batch has its own time and step, and rests when it has finished or failed. The method is in
`tr_bdf2.py`, its control in `time_steps.py`; this file is their front: names, shapes, the operating point at
time zero, and results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.compile import Circuit
from anamorph.circuit.operating_point import operating_point
from anamorph.circuit.time_steps import integrate
from anamorph.circuit.tr_bdf2 import (
    BUFFER_FULL,
    FINISHED,
    NO_START,
    STEP_TOO_SMALL,
    Case,
    State,
)
from anamorph.circuit.waveform import Drive, Reals, batch_shape, check_names, stack
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, NotConverged, nearest

#: Local error of a step in any node's voltage, V: 0.3 % of a subthreshold current (n U_T = 37 mV). Errors
#: decay as nodes settle, so waveforms are about as good as that; a charge averages over steps and is better.
TOLERANCE = 1e-4
#: Shortest step, as a part of the whole time.
SHORTEST = 1e-12
#: Why a sample ended.
REASONS = {
    FINISHED: "finished",
    STEP_TOO_SMALL: "the step became too small",
    BUFFER_FULL: "max_steps was reached",
    NO_START: "the operating point at time zero did not converge",
}


@dataclass(frozen=True)
class TransientSolution:
    """Accepted steps of every sample. Leading axes are the batch's; steps beyond `steps` repeat the last one.

    Attributes:
        circuit: what was solved.
        probes: names of the recorded nodes.
        times: accepted times, the first being zero, s.
        voltages: of the probes, V.
        conduction: current that each voltage source delivers through elements at each time, A; what its
            capacitances take is in `charges`.
        charges: delivered by each voltage source since time zero, capacitances included, C.
        ground_charge: the same delivered by ground, C.
        energies: delivered by each voltage source since time zero, J.
        converged: the sample reached the end; times, voltages, charges of others end where they failed.
        status: why it ended, a key of `REASONS`.
        steps: entries of `times` in use.
        rejected: steps that were tried and not accepted.
        iterations: Newton iterations.
        unbalanced: charge that Newton left over at the end, all unknown nodes, C. The charges of all rails
            and of the current sources sum to it, up to rounding.
    """

    circuit: Circuit
    probes: tuple[str, ...]
    times: Float[np.ndarray, "*batch steps"]
    voltages: Float[np.ndarray, "*batch steps probes"]
    conduction: Float[np.ndarray, "*batch steps held"]
    charges: Float[np.ndarray, "*batch steps held"]
    ground_charge: Float[np.ndarray, "*batch steps"]
    energies: Float[np.ndarray, "*batch steps held"]
    converged: Bool[np.ndarray, "*batch"]
    status: Int[np.ndarray, "*batch"]
    steps: Int[np.ndarray, "*batch"]
    rejected: Int[np.ndarray, "*batch"]
    iterations: Int[np.ndarray, "*batch"]
    unbalanced: Float[np.ndarray, "*batch"]

    def voltage(self, node: str) -> Float[np.ndarray, "*batch steps"]:
        """Voltage of a probe at the accepted times, V."""
        return self.voltages[..., _index(node, self.probes, "probe")]

    def source_current(self, source: str) -> Float[np.ndarray, "*batch steps"]:
        """Current that a voltage source delivers through elements at the accepted times, A."""
        return self.conduction[..., self._source(source)]

    def supplied_charge(self, source: str) -> Float[np.ndarray, "*batch steps"]:
        """Charge that a voltage source has delivered by each accepted time, C."""
        return self.charges[..., self._source(source)]

    def supplied_energy(self, source: str) -> Float[np.ndarray, "*batch steps"]:
        """Energy that a voltage source has delivered by each accepted time, J."""
        return self.energies[..., self._source(source)]

    def _source(self, name: str) -> int:
        return _index(name, self.circuit.voltage_sources, "voltage source")

    def resample(
        self, values: Float[np.ndarray, "*batch steps"], times: Float[np.ndarray, "..."]
    ) -> Float[np.ndarray, "..."]:
        """`values` at other times, by straight lines between steps; NaN after a sample's last step.

        Args:
            values: one quantity at the accepted times, such as ``voltage("out")``.
            times: s, ``[points]`` or ``[*batch, points]``.
        """
        shape = self.times.shape[:-1]
        spread = np.broadcast_to(times, (*shape, np.shape(times)[-1]))
        found = np.empty(spread.shape)
        for place in np.ndindex(*shape):
            found[place] = np.interp(spread[place], self.times[place], values[place], right=np.nan)
        return found

    def require_converged(self) -> TransientSolution:
        """Itself, or `NotConverged` with a count and the reasons."""
        failed = self.status[~self.converged]
        if failed.size:
            reasons = {REASONS[int(s)]: int((failed == s).sum()) for s in np.unique(failed)}
            raise NotConverged(
                f"{failed.size} of {self.converged.size} transients did not reach the end",
                got=", ".join(f"{reason} ({count})" for reason, count in reasons.items()),
            )
        return self


def _index(name: str, known: tuple[str, ...], kind: str) -> int:
    if name not in known:
        raise BadInput(f"no {kind} '{name}'", advice=nearest(name, known))
    return known.index(name)


def transient(
    circuit: Circuit,
    waveforms: Mapping[str, Drive],
    t_stop: float,
    deviations: Reals | None = None,
    *,
    probes: Sequence[str] = (),
    temperature: float = T_REFERENCE,
    start: Reals | None = None,
    tolerance: float = TOLERANCE,
    max_step: float | None = None,
    max_steps: int = 1000,
    chunk: int = 64,
) -> TransientSolution:
    """Integrate a batch of circuits from their operating points at time zero.

    Args:
        circuit: compiled netlist.
        waveforms: of every source a constant, or (times in s, values in V or A), joined by straight lines;
            arrays are ``[*batch, points]``. Steps end at every corner.
        t_stop: end, s.
        deviations: threshold deviation of every transistor, V, ``[*batch, fets]``; none if left out.
        probes: nodes to record.
        temperature: K.
        start: node voltages to start the operating points from, ``[*batch, unknowns]``.
        tolerance: local error of a step in any node, V.
        max_step: longest step, s; a twentieth of `t_stop` if left out.
        max_steps: size of the record. A sample that needs more has not converged.
        chunk: samples integrated together.

    Returns:
        A `TransientSolution`; samples that failed are marked, and do not spoil the others.

    Raises:
        BadInput: a source without a waveform, NaN, times that do not increase, batches that do not
            broadcast, an unknown probe, limits that are not positive.
    """
    longest = t_stop / 20 if max_step is None else max_step
    for name, value in (("t_stop", t_stop), ("tolerance", tolerance), ("max_step", longest)):
        if not (np.isfinite(value) and value > 0):
            raise BadInput("not a positive number", where=name, got=f"{value:g}")
    if max_steps < 2:
        raise BadInput("no room for a step", where="max_steps", expected="2 or more", got=str(max_steps))
    check_names(circuit, waveforms)
    fets = len(circuit.fets)
    shifts = np.zeros(fets) if deviations is None else np.asarray(deviations, float)
    if shifts.shape[-1:] != (fets,):
        expected = f"one value for each of the {fets} transistors on the last axis"
        raise BadInput("wrong shape", where="deviations", expected=expected, got=str(shifts.shape))
    shape = batch_shape(waveforms, shifts.shape[:-1])
    size = int(np.prod(shape))
    where = jnp.array([_probe(circuit, node) for node in probes], int)
    case = Case(
        held=stack(waveforms, circuit.voltage_sources, shape),
        sources=stack(waveforms, circuit.current_sources, shape),
        deviations=jnp.asarray(np.broadcast_to(shifts, (*shape, fets)).reshape(size, fets).T),
        temperature=jnp.full(size, float(temperature)),
        t_stop=jnp.asarray(float(t_stop)), tolerance=jnp.asarray(float(tolerance)),
        h_min=jnp.asarray(SHORTEST * t_stop), h_max=jnp.asarray(float(longest)),
    )  # fmt: skip
    first = _start(circuit, case, start, shape, temperature)
    return _result(circuit, tuple(probes), _in_chunks(circuit, case, first, where, max_steps, chunk), shape)


def _probe(circuit: Circuit, node: str) -> int:
    nodes = circuit.unknowns + circuit.held
    return _index(node, nodes, "node")


def _start(
    circuit: Circuit, case: Case, start: Reals | None, shape: tuple[int, ...], temperature: float
) -> Float[Array, "unknowns batch"]:
    """Operating points at time zero; NaN where there is none."""
    given = case.at(jnp.zeros(len(case.temperature)))
    names = (*circuit.voltage_sources, *circuit.current_sources)
    drives = dict(zip(names, jnp.concatenate([given.held, given.sources]), strict=True))
    if start is not None:
        unknowns = len(circuit.unknowns)
        start = jnp.broadcast_to(jnp.asarray(start), (*shape, unknowns)).reshape(-1, unknowns)
    found = operating_point(circuit, drives, given.deviations.T, temperature=temperature, start=start)
    return jnp.asarray(found.voltages).reshape(-1, len(circuit.unknowns)).T


def _in_chunks(circuit: Circuit, case: Case, start: Array, probes: Array, max_steps: int, chunk: int) -> State:
    """Integrate in chunks of one size, a power of two for few samples, so that compilations are shared."""
    size = start.shape[1]
    chunk = min(chunk, 2 ** (size - 1).bit_length())
    parts = []
    for low in range(0, size, chunk):
        # the last chunk is filled up with its own last sample; what that adds is cut off again
        index = np.minimum(np.arange(low, low + chunk), size - 1)
        picked, first = jax.tree.map(lambda x, index=index: x[..., index] if x.ndim else x, (case, start))
        done = integrate(circuit.structure, picked, first, probes, max_steps)
        parts.append(jax.tree.map(np.asarray, done))
    # records have the batch first, all else last
    rest = [part._replace(record=None) for part in parts]
    joined = jax.tree.map(lambda *xs: np.concatenate(xs, axis=-1)[..., :size], *rest)
    record = jax.tree.map(lambda *xs: np.concatenate(xs)[:size], *(p.record for p in parts))
    return joined._replace(record=record)


def _result(circuit: Circuit, probes: tuple[str, ...], done: State, shape: tuple[int, ...]) -> TransientSolution:
    count = np.asarray(done.count)
    used = max(int(count.max()), 1)
    # unused entries repeat the last used one, so that interpolation ends there
    place = np.minimum(np.arange(used), count[:, None] - 1)

    def shaped(rows: np.ndarray) -> np.ndarray:
        index = place.reshape(place.shape + (1,) * (rows.ndim - 2))
        taken = np.take_along_axis(rows[:, :used], index, axis=1)
        return taken.reshape(shape + taken.shape[1:])

    record = jax.tree.map(shaped, done.record)
    totals = (done.status, done.rejected, done.iterations, done.carried.sum(0))
    status, rejected, iterations, unbalanced = (np.asarray(x).reshape(shape) for x in totals)
    voltages = np.where((status == NO_START)[..., None, None], np.nan, record.voltages)
    return TransientSolution(
        circuit, probes, record.times, voltages, record.conduction, record.charges[..., :-1],
        record.charges[..., -1], record.energies, np.asarray(status == FINISHED), status,
        count.reshape(shape), rejected, iterations, unbalanced,
    )  # fmt: skip
