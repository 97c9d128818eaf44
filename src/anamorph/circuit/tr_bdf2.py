r"""Implicit time steps in charge form: TR-BDF2 with each sample's own time and step, in one compiled loop.

    d/dt Q(v) + I(v, t) = 0,   two stages at t + gamma h and t + h,   gamma = 2 - sqrt 2,  d = gamma / 2
    Q_2 = Q_1 - h d (I_1 + I_2)
    Q_3 = Q_1 - h (w I_1 + w I_2 + d I_3),                          w = sqrt 2 / 4

Second order, L-stable, stiffly accurate (a node without capacitance obeys its algebraic equation at every
accepted time), and both stages have the Jacobian C + d h G. The error is the difference to the embedded
third-order formula, brought to volts by that Jacobian, which also takes out what stiff components put in:
M. E. Hosea and L. F. Shampine, "Analysis and implementation of TR-BDF2", Appl. Numer. Math. 20, 1996.

Charge is conserved: charges are the unknowns' own functions and not capacitance times voltage, and what
Newton's iteration leaves unbalanced in a step is carried into the next ones, not forgotten.

Newton is simplified: one Jacobian a step, at the extrapolated first stage. On a 7-7-7 chip a Jacobian and
its elimination cost as much as four residuals.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.assembly import Conditions, all_voltages, node_charges, static_residual
from anamorph.circuit.compile import Structure
from anamorph.circuit.factorisation import factorise, solve_factorised
from anamorph.circuit.waveform import Waveforms

GAMMA = 2.0 - 2.0**0.5
D = GAMMA / 2
W = 2.0**0.5 / 4
#: Weights of the error estimate: the formula less the third-order one, ((1 - w)/3, (3w + 1)/3, d/3).
ERROR = (W - (1 - W) / 3, W - (3 * W + 1) / 3, D - D / 3)
#: Newton stops at this fraction of the step's tolerance, so that its error is not seen by the step control.
NEWTON_FRACTION = 0.01
#: Iterations of a stage; a step that needs more is cut, since its Jacobian is too far away.
MAX_ITERATIONS = 10
#: Bounds of the ratio of successive steps, and the usual safety factor.
SHRINK, GROW, SAFETY = 0.2, 4.0, 0.9
#: Ratio of steps after Newton failed.
CUT = 0.25
#: After a corner of a waveform the first step is at most this part of the way to the next corner.
RESTART = 0.1

RUNNING, FINISHED, STEP_TOO_SMALL, BUFFER_FULL, NO_START = range(5)

Unknowns = Float[Array, "unknowns batch"]
Nodes = Float[Array, "nodes batch"]


class Case(NamedTuple):
    """What each sample of the batch is subject to, and the limits of its steps."""

    held: Waveforms
    sources: Waveforms
    deviations: Float[Array, "fets batch"]
    temperature: Float[Array, " batch"]
    t_stop: Float[Array, ""]
    tolerance: Float[Array, ""]
    h_min: Float[Array, ""]
    h_max: Float[Array, ""]

    def at(self, t: Float[Array, " batch"]) -> Conditions:
        """Drives at each sample's own time."""
        return Conditions(self.held.at(t), self.sources.at(t), self.deviations, self.temperature)


class Record(NamedTuple):
    """Accepted steps, the first being time zero; what lies beyond `count` is unused."""

    times: Float[Array, "batch steps"]
    voltages: Float[Array, "batch steps probes"]
    conduction: Float[Array, "batch steps held"]
    charges: Float[Array, "batch steps rails"]  # ground last
    energies: Float[Array, "batch steps held"]


class State(NamedTuple):
    """Where each sample stands. Currents and charges are those of all nodes, at `v`."""

    t: Float[Array, " batch"]
    h: Float[Array, " batch"]
    v: Unknowns
    middle: Unknowns  # first stage of the last accepted step
    before: Unknowns  # v before the last accepted step
    h_before: Float[Array, " batch"]  # the last accepted step; zero at the start
    smooth: Bool[Array, " batch"]  # the last step may be extrapolated: no corner at its end
    current: Nodes
    charge: Nodes
    carried: Unknowns  # charge that Newton left unbalanced
    delivered: Float[Array, "rails batch"]
    energy: Float[Array, "held batch"]
    count: Int[Array, " batch"]
    rejected: Int[Array, " batch"]
    iterations: Int[Array, " batch"]
    status: Int[Array, " batch"]
    record: Record


class _Stages(NamedTuple):
    """Both stages of an attempted step."""

    v: Float[Array, "2 unknowns batch"]
    current: Float[Array, "2 nodes batch"]
    charge: Float[Array, "2 nodes batch"]
    converged: Bool[Array, " batch"]
    iterations: Int[Array, " batch"]


def _evaluate(structure: Structure, v: Unknowns, given: Conditions) -> tuple[Nodes, Nodes]:
    return static_residual(structure, v, given)[0], node_charges(structure, v, given)[0]


def _extrapolate(state: State, to: Float[Array, " batch"]) -> Unknowns:
    """Parabola through the three points of the last step, `to` (s) after its end; constant after a corner."""
    span = jnp.where(state.smooth, state.h_before, 1.0)
    x = 1 + to / span
    a = (x - GAMMA) * (x - 1) / GAMMA
    b = x * (x - 1) / (GAMMA * (GAMMA - 1))
    c = x * (x - GAMMA) / (1 - GAMMA)
    guess = a * state.before + b * state.middle + c * state.v
    return jnp.where(state.smooth, guess, state.v)


def _second_guess(state: State, h: Float[Array, " batch"], middle: Unknowns) -> Unknowns:
    """Parabola through the last accepted points and the first stage; a line after a corner."""
    back = jnp.where(state.smooth, state.h_before / h, 1.0)
    before = jnp.where(state.smooth, state.before, (1 + back / GAMMA) * state.v - back / GAMMA * middle)
    a = (1 - GAMMA) / (back * (back + GAMMA))
    b = -(1 + back) * (1 - GAMMA) / (back * GAMMA)
    return a * before + b * state.v + (1 - a - b) * middle


def _attempt(
    structure: Structure, case: Case, state: State, h: Float[Array, " batch"], share: Array
) -> tuple[_Stages, Float[Array, " batch"]]:
    """Both stages, and the error of the step in volts."""
    n = structure.n_unknowns
    active = state.status == RUNNING
    released = share * state.carried
    guess = _extrapolate(state, GAMMA * h)
    given = case.at(state.t + GAMMA * h)
    current, _, conductances = static_residual(structure, guess, given)
    charge, capacitances = node_charges(structure, guess, given)
    factors = factorise(structure, capacitances + D * h * conductances)

    def known(stage: Array, middle: Nodes) -> Unknowns:
        first = state.charge[:n] + GAMMA * released - h * D * state.current[:n]
        second = state.charge[:n] + released - h * W * (state.current[:n] + middle[:n])
        return jnp.where(stage == 0, first, second)

    def one_stage(carry: tuple, stage: Array) -> tuple[tuple, tuple]:
        first_v, current, charge, fine, spent = carry
        when = case.at(state.t + jnp.where(stage == 0, GAMMA, 1.0) * h)
        right = known(stage, current)
        v = jnp.where(stage == 0, first_v, _second_guess(state, h, first_v))
        begin = _Newton(
            v, current, charge, jnp.zeros_like(fine), ~fine, jnp.full_like(h, jnp.inf), stage == 0, spent * 0
        )
        found = _newton(structure, factors, when, right, h, case.tolerance * NEWTON_FRACTION, begin)
        fine = fine & found.converged
        return (found.v, found.current, found.charge, fine, spent + found.count), (
            found.v,
            found.current,
            found.charge,
        )

    begin = (guess, current, charge, active, jnp.zeros_like(state.count))
    (_, _, _, fine, spent), stages = jax.lax.scan(one_stage, begin, jnp.arange(2))
    currents = stages[1]
    error = ERROR[0] * state.current[:n] + ERROR[1] * currents[0, :n] + ERROR[2] * currents[1, :n]
    volts = solve_factorised(structure, factors, h * error)
    largest = jnp.max(jnp.abs(volts), axis=0, initial=0.0)
    return _Stages(*stages, fine, spent), largest


class _Newton(NamedTuple):
    v: Unknowns
    current: Nodes
    charge: Nodes
    converged: Bool[Array, " batch"]
    failed: Bool[Array, " batch"]
    last: Float[Array, " batch"]
    known: Bool[Array, ""]  # current and charge are those at v
    count: Int[Array, " batch"]


def _newton(
    structure: Structure, factors: tuple, given: Conditions, right: Unknowns,
    h: Float[Array, " batch"], tolerance: Array, begin: _Newton,
) -> _Newton:  # fmt: skip
    """Simplified Newton on Q(v) + d h I(v) = `right`.

    What it returns was evaluated at the v that it returns: the step that shows convergence is not taken.
    """
    n = structure.n_unknowns

    def body(s: _Newton) -> _Newton:
        current, charge = jax.lax.cond(
            s.known, lambda: (s.current, s.charge), lambda: _evaluate(structure, s.v, given)
        )
        step = solve_factorised(structure, factors, charge[:n] + D * h * current[:n] - right)
        moved = jnp.max(jnp.abs(step), axis=0, initial=0.0)
        active = ~(s.converged | s.failed)
        converged = active & (moved <= tolerance)
        # growing steps diverge; NaN compares as false
        failed = active & ~converged & ~(moved < 2 * s.last)
        failed = failed | (active & ~converged & (s.count + 1 >= MAX_ITERATIONS))
        v = jnp.where(active & ~converged & ~failed, s.v - step, s.v)
        return _Newton(
            v, current, charge, s.converged | converged, s.failed | failed,
            jnp.where(active, moved, s.last), jnp.zeros((), bool), s.count + active,
        )  # fmt: skip

    return jax.lax.while_loop(lambda s: jnp.any(~(s.converged | s.failed)), body, begin)


def _length(case: Case, state: State) -> tuple[Float[Array, " batch"], Float[Array, " batch"]]:
    """Length of the next step, and where it ends: never beyond a corner, nor just before one."""
    corner = jnp.minimum(case.held.next_corner(state.t), case.sources.next_corner(state.t))
    corner = jnp.minimum(corner, case.t_stop)
    left = corner - state.t
    h = jnp.where(state.h < 0.5 * left, state.h, 0.5 * left)
    reaches = state.h >= left
    return jnp.where(reaches, left, h), jnp.where(reaches, corner, state.t + h)


def _step(structure: Structure, case: Case, probes: Int[Array, " probes"], state: State) -> State:
    n = structure.n_unknowns
    running = state.status == RUNNING
    h, end = _length(case, state)
    h = jnp.where(running, h, 1.0)
    # after a long step a short one gets only its share of what Newton left over: the same small current
    share = jnp.minimum(1.0, h / jnp.where(state.h_before > 0, state.h_before, h))
    stages, error = _attempt(structure, case, state, h, share)
    ratio = error / case.tolerance
    good = running & stages.converged & (ratio <= 1.0)
    scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)
    scale = jnp.where(stages.converged & jnp.isfinite(ratio), scale, CUT)

    i_1, (i_2, i_3) = state.current, stages.current
    q_1, (q_2, q_3) = state.charge, stages.charge
    flown = h * (W * (i_1 + i_2) + D * i_3)
    v_1, v_2, v_3 = (case.held.at(t) for t in (state.t, state.t + GAMMA * h, end))
    held = slice(n, structure.n_nodes - 1)
    work = h * (W * (v_1 * i_1[held] + v_2 * i_2[held]) + D * v_3 * i_3[held])
    work += 0.5 * ((v_1 + v_2) * (q_2 - q_1)[held] + (v_2 + v_3) * (q_3 - q_2)[held])
    carried = state.carried - (q_3 - q_1 + flown)[:n]

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
        current=pick(i_3, i_1),
        charge=pick(q_3, q_1),
        carried=pick(carried, state.carried),
        delivered=pick(state.delivered + (q_3 - q_1 + flown)[n:], state.delivered),
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
    current, charge = _evaluate(structure, v, case.at(zero))
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
