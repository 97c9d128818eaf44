r"""One implicit time step in charge form: TR-BDF2 for a batch, each sample with its own time and step.

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

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.assembly import Conditions, node_charges, static_residual
from anamorph.circuit.compile import Structure
from anamorph.circuit.factorisation import Factors, factorise, solve_factorised
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


class Stages(NamedTuple):
    """Both stages of an attempted step."""

    v: Float[Array, "2 unknowns batch"]
    current: Float[Array, "2 nodes batch"]
    charge: Float[Array, "2 nodes batch"]
    converged: Bool[Array, " batch"]
    iterations: Int[Array, " batch"]


def evaluate(structure: Structure, v: Unknowns, given: Conditions) -> tuple[Nodes, Nodes]:
    """Current leaving every node, A, and charge on every node, C."""
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


def attempt(
    structure: Structure, case: Case, state: State, h: Float[Array, " batch"], share: Array
) -> tuple[Stages, Float[Array, " batch"]]:
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
    return Stages(stages[0], currents, stages[2], fine, spent), largest


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
    structure: Structure, factors: Factors, given: Conditions, right: Unknowns,
    h: Float[Array, " batch"], tolerance: Array, begin: _Newton,
) -> _Newton:  # fmt: skip
    """Simplified Newton on Q(v) + d h I(v) = `right`.

    What it returns was evaluated at the v that it returns: the step that shows convergence is not taken.
    """
    n = structure.n_unknowns

    def body(s: _Newton) -> _Newton:
        current, charge = jax.lax.cond(s.known, lambda: (s.current, s.charge), lambda: evaluate(structure, s.v, given))
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
