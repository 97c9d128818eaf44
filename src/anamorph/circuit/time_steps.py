"""Adaptive time steps of a batch in one compiled loop: control of the step, corners, and the record.

Each sample has its own time, step and record, and rests when it has finished or failed; the loop runs
until the last one rests. The steps themselves are those of `tr_bdf2.py`.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from anamorph.circuit.assembly import all_voltages
from anamorph.circuit.compile import Structure
from anamorph.circuit.tr_bdf2 import (
    BUFFER_FULL,
    FINISHED,
    GAMMA,
    NO_START,
    RUNNING,
    STEP_TOO_SMALL,
    Case,
    D,
    Record,
    Stages,
    State,
    Unknowns,
    W,
    attempt,
    evaluate,
)

#: Bounds of the ratio of successive steps, and the usual safety factor.
SHRINK, GROW, SAFETY = 0.2, 4.0, 0.9
#: Ratio of steps after Newton failed.
CUT = 0.25
#: After a corner of a waveform the first step is at most this part of the way to the next corner.
RESTART = 0.1


def _length(case: Case, state: State) -> tuple[Float[Array, " batch"], Float[Array, " batch"]]:
    """Length of the next step, and where it ends: never beyond a corner, nor just before one."""
    corner = jnp.minimum(case.held.next_corner(state.t), case.sources.next_corner(state.t))
    corner = jnp.minimum(corner, case.t_stop)
    left = corner - state.t
    h = jnp.where(state.h < 0.5 * left, state.h, 0.5 * left)
    reaches = state.h >= left
    return jnp.where(reaches, left, h), jnp.where(reaches, corner, state.t + h)


def _delivered(
    structure: Structure, case: Case, state: State, stages: Stages, h: Array, end: Array
) -> tuple[Float[Array, "nodes batch"], Float[Array, "held batch"]]:
    """Charge that left every node in a step, C, and energy that held nodes gave, J, by the step's own rule."""
    i_1, (i_2, i_3) = state.current, stages.current
    q_1, (q_2, q_3) = state.charge, stages.charge
    flow = q_3 - q_1 + h * (W * (i_1 + i_2) + D * i_3)
    v_1, v_2, v_3 = (case.held.at(t) for t in (state.t, state.t + GAMMA * h, end))
    held = slice(structure.n_unknowns, structure.n_nodes - 1)
    work = h * (W * (v_1 * i_1[held] + v_2 * i_2[held]) + D * v_3 * i_3[held])
    work += 0.5 * ((v_1 + v_2) * (q_2 - q_1)[held] + (v_2 + v_3) * (q_3 - q_2)[held])
    return flow, work


def _step(structure: Structure, case: Case, probes: Int[Array, " probes"], state: State) -> State:
    n = structure.n_unknowns
    running = state.status == RUNNING
    h, end = _length(case, state)
    h = jnp.where(running, h, 1.0)
    # after a long step a short one gets only its share of what Newton left over: the same small current
    share = jnp.minimum(1.0, h / jnp.where(state.h_before > 0, state.h_before, h))
    stages, error = attempt(structure, case, state, h, share)
    ratio = error / case.tolerance
    good = running & stages.converged & (ratio <= 1.0)
    scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)
    scale = jnp.where(stages.converged & jnp.isfinite(ratio), scale, CUT)

    flow, work = _delivered(structure, case, state, stages, h, end)

    # a corner ends what can be extrapolated
    corner = jnp.minimum(case.held.next_corner(state.t), case.sources.next_corner(state.t)) <= end
    ahead = jnp.minimum(case.held.next_corner(end), case.sources.next_corner(end))
    after = jnp.minimum(scale * h, case.h_max)
    restart = RESTART * (jnp.minimum(ahead, case.t_stop) - end)
    after = jnp.where(good & corner & (restart > 0), jnp.minimum(after, restart), after)

    def pick(new: Array, old: Array) -> Array:
        return jnp.where(good, new, old)

    moved = state._replace(
        t=pick(end, state.t),
        h=jnp.where(running, after, state.h),
        v=pick(stages.v[1], state.v),
        middle=pick(stages.v[0], state.middle),
        before=pick(state.v, state.before),
        h_before=pick(h, state.h_before),
        smooth=jnp.where(good, ~corner, state.smooth),
        current=pick(stages.current[1], state.current),
        charge=pick(stages.charge[1], state.charge),
        # what leaves an unknown node should be nothing; what Newton left of it goes into the next steps
        carried=pick(state.carried - flow[:n], state.carried),
        delivered=pick(state.delivered + flow[n:], state.delivered),
        energy=pick(state.energy + work, state.energy),
        count=state.count + good,
        rejected=state.rejected + (running & ~good),
        iterations=state.iterations + jnp.where(running, stages.iterations, 0),
    )
    moved = moved._replace(record=_write(structure, case, probes, moved, state.record, good))
    most = moved.record.times.shape[1]
    status = jnp.where(moved.t >= case.t_stop, FINISHED, RUNNING)
    status = jnp.where((status == RUNNING) & (moved.count >= most), BUFFER_FULL, status)
    status = jnp.where((status == RUNNING) & ~good & (moved.h < case.h_min), STEP_TOO_SMALL, status)
    return moved._replace(status=jnp.where(running, status, state.status))


def _write(
    structure: Structure, case: Case, probes: Int[Array, " probes"], state: State, record: Record, good: Array
) -> Record:
    """Add the state to the record of the samples that accepted it."""
    held = case.held.at(state.t)
    nodes = all_voltages(state.v, held)
    current = state.current[structure.n_unknowns : -1]
    row = jnp.arange(good.size)
    # a sample that has nothing to write aims beyond the end, where writes are dropped
    place = jnp.where(good, state.count - 1, record.times.shape[1])
    values = Record(state.t, nodes[probes].T, current.T, state.delivered.T, state.energy.T)
    return jax.tree.map(lambda old, new: old.at[row, place].set(new, mode="drop"), record, values)


@partial(jax.jit, static_argnames="max_steps")
def integrate(
    structure: Structure,
    case: Case,
    start: Unknowns,
    probes: Int[Array, " probes"],
    max_steps: int,
) -> State:
    """From `start` at time zero to ``case.t_stop``. Samples whose start is not finite rest."""
    n, batch = structure.n_unknowns, start.shape[1]
    usable = jnp.isfinite(start).all(0)
    v = jnp.where(usable, start, 0.0)
    zero = jnp.zeros(batch)
    current, charge = evaluate(structure, v, case.at(zero))
    n_held = structure.n_nodes - n - 1
    widths = ((), (len(probes),), (n_held,), (n_held + 1,), (n_held,))
    record = Record(*(jnp.zeros((batch, max_steps, *width)) for width in widths))
    corner = jnp.minimum(case.held.next_corner(zero), case.sources.next_corner(zero))
    state = State(
        t=zero, h=jnp.minimum(1e-3 * jnp.minimum(corner, case.t_stop), case.h_max),
        v=v, middle=v, before=v, h_before=zero,
        smooth=jnp.zeros(batch, bool), current=current, charge=charge, carried=jnp.zeros_like(v),
        delivered=jnp.zeros((n_held + 1, batch)), energy=jnp.zeros((n_held, batch)),
        count=jnp.ones(batch, int), rejected=jnp.zeros(batch, int), iterations=jnp.zeros(batch, int),
        status=jnp.where(usable, RUNNING, NO_START), record=record,
    )  # fmt: skip
    state = state._replace(record=_write(structure, case, probes, state, record, usable))
    return jax.lax.while_loop(
        lambda s: jnp.any(s.status == RUNNING),
        lambda s: _step(structure, case, probes, s),
        state,
    )
