"""Operating points by Newton's method, batched, with continuation where plain Newton fails.

A sample has converged when no node's current is out of balance by more than a fixed number of amperes *and*
the last step moved no node by more than a fixed number of volts: the first alone passes nodes that
float on femtoamperes, the second alone passes a damped step. Both are sized for picoamperes.
The continuation's conductance is a means to a starting point; the answer is always solved without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.assembly import Conditions, diagonal, static_residual
from anamorph.circuit.compile import Circuit, Structure
from anamorph.circuit.linear import solve_partitioned
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, NotConverged, nearest

#: Drives and deviations may come as numpy arrays, of any shapes that broadcast to one batch.
Reals = Float[Array | np.ndarray, "..."]
#: Largest imbalance of any node's current, A: a thousandth of the smallest current of interest (1 pA).
CURRENT_TOLERANCE = 1e-15
#: Rounding of float64 sums of currents, relative to the magnitudes summed.
ROUNDING = 1e-13
#: Largest last step, V: moves a subthreshold current by 3e-8 of itself.
VOLTAGE_TOLERANCE = 1e-9
#: No node moves further than this in one step, V (about ten thermal voltages).
STEP_LIMIT = 0.25
#: Newton iterations of the first attempt, and of each stage of the continuation.
MAX_ITERATIONS = 60
#: Conductances to the starting point used by the continuation, S; then none.
CONTINUATION = tuple(10.0**-k for k in range(4, 16))


@dataclass(frozen=True)
class Solution:
    """Node voltages and how far to trust them. Leading axes are the batch's.

    Attributes:
        circuit: what was solved.
        voltages: ``[*batch, unknowns]``, V; NaN where not converged.
        held: ``[*batch, held]``, V.
        supplied: current delivered by each voltage source, ``[*batch, held]``, A.
        converged: ``[*batch]``.
        residual: largest imbalance, ``[*batch]``, A.
        step: largest last step, ``[*batch]``, V.
        iterations: Newton iterations spent, ``[*batch]``.
    """

    circuit: Circuit
    voltages: Float[Array, "*batch unknowns"]
    held: Float[Array, "*batch held"]
    supplied: Float[Array, "*batch held"]
    converged: Bool[Array, "*batch"]
    residual: Float[Array, "*batch"]
    step: Float[Array, "*batch"]
    iterations: Int[Array, "*batch"]

    def voltage(self, node: str) -> Float[Array, "*batch"]:
        """Voltage of one node by its hierarchical name, V."""
        if node in self.circuit.held:
            return self.held[..., self.circuit.held.index(node)]
        return self.voltages[..., self.circuit.node(node)]

    def source_current(self, source: str) -> Float[Array, "*batch"]:
        """Current that a voltage source delivers into its node, A."""
        known = self.circuit.voltage_sources
        if source not in known:
            raise BadInput(f"no voltage source '{source}'", advice=nearest(source, known))
        return self.supplied[..., known.index(source)]

    def require_converged(self) -> Solution:
        """Itself, or `NotConverged` with a count."""
        failed = int((~self.converged).sum())
        if failed:
            raise NotConverged(
                f"{failed} of {self.converged.size} operating points did not converge",
                expected=f"residual below {CURRENT_TOLERANCE:g} A and step below {VOLTAGE_TOLERANCE:g} V",
                got=f"worst residual {np.nan_to_num(self.residual, nan=np.inf).max():.2g} A",
            )
        return self


def conditions(
    circuit: Circuit,
    drives: Mapping[str, Reals | float],
    deviations: Reals | None = None,
    temperature: float = T_REFERENCE,
) -> tuple[Conditions, tuple[int, ...]]:
    """Broadcast drives and deviations to one flat batch; also returns the batch's shape.

    Raises:
        BadInput: a source without a value, a value without a source, NaN, an empty batch, or shapes that do
            not broadcast.
    """
    known = (*circuit.voltage_sources, *circuit.current_sources)
    for name in drives:
        if name not in known:
            raise BadInput(f"no source '{name}' to drive", advice=nearest(name, known))
    missing = [name for name in known if name not in drives]
    if missing:
        raise BadInput(f"no value for source '{missing[0]}'", got=f"values for {len(drives)} sources")
    values = {name: jnp.asarray(drives[name], float) for name in known}
    deviations = jnp.zeros(len(circuit.fets)) if deviations is None else jnp.asarray(deviations)
    for name, value in [*values.items(), ("deviations", deviations)]:
        if not bool(jnp.isfinite(value).all()):
            kind = "NaN" if bool(jnp.isnan(value).any()) else "infinity"
            raise BadInput(f"{kind} in data", where=name)
    if deviations.shape[-1:] != (len(circuit.fets),):
        expected = f"one value for each of the {len(circuit.fets)} transistors on the last axis"
        raise BadInput("wrong shape", where="deviations", expected=expected, got=str(deviations.shape))
    shapes = {name: v.shape for name, v in values.items()} | {"deviations": deviations.shape[:-1]}
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        got = ", ".join(f"{name} {s}" for name, s in shapes.items() if s)
        raise BadInput("batches that do not broadcast", where="drives", got=got) from None
    if 0 in shape:
        raise BadInput("an empty batch", where="drives", got=str(shape))
    size = int(np.prod(shape))

    def stack(names: tuple[str, ...]) -> Array:
        if not names:
            return jnp.zeros((0, size))
        return jnp.stack([jnp.broadcast_to(values[n], shape).reshape(size) for n in names])

    spread = jnp.broadcast_to(deviations, (*shape, len(circuit.fets))).reshape(size, -1)
    flat = Conditions(
        held=stack(circuit.voltage_sources),
        sources=stack(circuit.current_sources),
        deviations=spread.T,
        temperature=jnp.full(size, float(temperature)),
    )
    return flat, shape


def operating_point(
    circuit: Circuit,
    drives: Mapping[str, Reals | float],
    deviations: Reals | None = None,
    *,
    temperature: float = T_REFERENCE,
    start: Reals | None = None,
    chunk: int = 256,
) -> Solution:
    """Solve Kirchhoff's current law at DC for a batch of drives and deviations.

    Args:
        circuit: compiled netlist.
        drives: value of every source, V or A, scalars or arrays that broadcast to the batch's shape.
        deviations: threshold deviation of every transistor, V; none if left out.
        temperature: K.
        start: node voltages to start from; half the highest held potential if left out.
        chunk: samples solved together.

    Returns:
        A `Solution`; samples that did not converge are marked, and do not spoil the others.
    """
    flat, shape = conditions(circuit, drives, deviations, temperature)
    size = len(flat.temperature)
    if start is None:
        highest = jnp.max(flat.held, axis=0, keepdims=True, initial=0.0)
        guess = jnp.broadcast_to(0.5 * highest, (len(circuit.unknowns), size))
    else:
        guess = jnp.broadcast_to(start, (*shape, len(circuit.unknowns))).reshape(size, -1).T
    found = _solve(circuit.structure, guess, flat, chunk, newton)
    failed = np.flatnonzero(~np.asarray(found.converged))
    if failed.size:
        again, case = jax.tree.map(lambda x: x[..., failed], (guess, flat))
        retry = _solve(circuit.structure, again, case, 16, follow)
        found = jax.tree.map(lambda all_, new: all_.at[..., failed].set(new), found, retry)
    voltages = jnp.where(found.converged, found.voltages, jnp.nan)
    supplied = jnp.where(found.converged, found.supplied, jnp.nan)

    def shaped(rows: Array) -> Array:
        return jnp.moveaxis(rows, -1, 0).reshape(shape + rows.shape[:-1])

    values = (voltages, flat.held, supplied, *found[2:])
    return Solution(circuit, *(shaped(v) for v in values))


def _solve(structure: Structure, start: Array, given: Conditions, chunk: int, method: Callable) -> _Found:
    """Solve in chunks of one size, a power of two for few samples, so that compilations are shared."""
    size = start.shape[1]
    chunk = min(chunk, max(16, 2 ** (size - 1).bit_length()))
    parts = []
    for low in range(0, size, chunk):
        # the last chunk is filled up with its own last sample; what that adds is cut off again
        index = np.minimum(np.arange(low, low + chunk), size - 1)
        picked = jax.tree.map(lambda x, index=index: x[..., index], (start, given))
        parts.append(_solve_chunk(structure, *picked, method))
    return jax.tree.map(lambda *xs: jnp.concatenate(xs, axis=-1)[..., :size], *parts)


class _Found(NamedTuple):
    voltages: Array
    supplied: Array
    converged: Array
    residual: Array
    step: Array
    iterations: Array


@partial(jax.jit, static_argnames="method")
def _solve_chunk(structure: Structure, start: Array, given: Conditions, method: Callable) -> _Found:
    v, done, residual, step, count = method(structure, start, given)
    leaving, _, _ = static_residual(structure, v, given)
    supplied = leaving[structure.n_unknowns : -1]
    return _Found(v, supplied, done & jnp.isfinite(v).all(0), residual, step, count)


_State = tuple[
    Float[Array, "unknowns batch"],
    Bool[Array, " batch"],
    Float[Array, " batch"],
    Float[Array, " batch"],
    Int[Array, " batch"],
]


def newton(
    structure: Structure,
    start: Float[Array, "unknowns batch"],
    given: Conditions,
    pull: Float[Array, ""] | float = 0.0,
    anchor: Float[Array, "unknowns batch"] | None = None,
    voltage_tolerance: float = VOLTAGE_TOLERANCE,
) -> _State:
    """Damped Newton: voltages, converged, residual (A), last step (V), iterations of each sample.

    `pull` is a conductance from every node to its `anchor`; zero for an answer. A sample that has
    converged, or has left the finite numbers, rests while others go on.
    """
    anchor = start if anchor is None else anchor
    n, batch = structure.n_unknowns, start.shape[1]

    def body(state: _State) -> _State:
        v, done, residual, longest, count = state
        active = ~done & jnp.isfinite(residual)
        leaving, magnitude, jacobian = static_residual(structure, v, given)
        imbalance = leaving[:n] + pull * (v - anchor)
        tied = jacobian + diagonal(structure, jnp.full(batch, pull))
        step = solve_partitioned(structure, tied, imbalance)
        moved = jnp.max(jnp.abs(step), axis=0, initial=0.0)
        limited = jnp.clip(step, -STEP_LIMIT, STEP_LIMIT)
        excess = jnp.maximum(jnp.abs(imbalance) - ROUNDING * magnitude[:n], 0.0)
        balance = jnp.max(excess, axis=0, initial=0.0)
        good = (balance <= CURRENT_TOLERANCE) & (moved <= voltage_tolerance)
        return (
            jnp.where(active, v - limited, v),
            jnp.where(active, good, done),
            jnp.where(active, balance, residual),
            jnp.where(active, moved, longest),
            count + active,
        )

    def unfinished(state: _State) -> Array:
        _, done, residual, _, count = state
        return jnp.any(~done & (count < MAX_ITERATIONS) & jnp.isfinite(residual))

    begin = (
        start,
        jnp.zeros(batch, bool),
        jnp.zeros(batch),
        jnp.full(batch, jnp.inf),
        jnp.zeros(batch, int),
    )
    return jax.lax.while_loop(unfinished, body, begin)


def follow(structure: Structure, start: Float[Array, "unknowns batch"], given: Conditions) -> _State:
    """Continuation: from a circuit tied to its starting point to the circuit itself."""

    def stage(v: Array, pull: Array) -> tuple[Array, None]:
        better = newton(structure, v, given, pull, start)[0]
        return jnp.where(jnp.isfinite(better).all(0), better, v), None

    v, _ = jax.lax.scan(stage, start, jnp.array(CONTINUATION))
    return newton(structure, v, given)
