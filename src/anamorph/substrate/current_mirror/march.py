r"""Time steps of a network of mirrors: TR-BDF2 as in `circuit.tr_bdf2`, all patterns of a batch with the same step.

    Q_2 = Q_1 + h d (F_1 + F_2),      Q_3 = Q_1 + h (w F_1 + w F_2 + d F_3)

The step follows the difference to the embedded third-order formula, brought to volts: its root mean square over
the nodes of a pattern, in the pattern where it is largest. A single node that moves faster than the others is
thus followed less closely than in the general transient, and the state as a whole as closely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.tr_bdf2 import ERROR, GAMMA, D, W
from anamorph.substrate.current_mirror.cascade import (
    Moment,
    Network,
    Stage,
    charges_at,
    solve_stage,
    supply_charge,
    supply_current,
)
from anamorph.substrate.current_mirror.soma_dynamics import Triples

#: Newton stops at this part of the step's tolerance.
NEWTON_FRACTION = 0.1
#: Bounds of the ratio of successive steps, the usual safety factor, and the ratio after Newton failed.
SHRINK, GROW, SAFETY, CUT = 0.2, 3.0, 0.9, 0.25
#: First step and shortest step, as parts of the switch; longest as a part of the whole.
FIRST, SHORTEST, LONGEST = 0.1, 1e-4, 1 / 50
#: Precision of everything but time. Rounding is 1e-8 V in a voltage and a thousandth of what flows in the first step.
PRECISION = jnp.float32
#: Length of the step that settles the old pattern, s: anything without end.
FOREVER = 1e6
#: How often its slopes are taken before the last time.
SETTLING = 3


class Record(NamedTuple):
    """What is kept of every accepted step, the first being time zero.

    Attributes:
        times: s.
        outputs: A.
        supply: current out of the supply through transistors, A.
        supply_charge: charge that capacitances hold against the supply, C.
        shown: input voltages of every neuron of the shown pattern, V.
    """

    times: Float[Array, " steps"]
    outputs: Float[Array, "steps patterns n_out"]
    supply: Float[Array, "steps patterns"]
    supply_charge: Float[Array, "steps patterns"]
    shown: Float[Array, "steps neurons"]


class March(NamedTuple):
    """A finished record: `count` entries are used; `alive` patterns were solved at every step."""

    record: Record
    count: Int[Array, ""]
    rejected: Int[Array, ""]
    alive: Bool[Array, " patterns"]
    end: Float[Array, ""]


class _State(NamedTuple):
    t: Float[Array, ""]
    h: Float[Array, ""]
    now: Moment
    middle: Triples
    before: Triples
    h_before: Float[Array, ""]
    alive: Bool[Array, " patterns"]
    count: Int[Array, ""]
    rejected: Int[Array, ""]
    record: Record


@eqx.filter_jit
def march(
    network: Network,
    old: Float[Array, "patterns n_in"],
    new: Float[Array, "patterns n_in"],
    start: Triples,
    switch: Float[Array, ""],
    t_stop: Float[Array, ""],
    tolerance: Float[Array, ""],
    show: Int[Array, ""],
    max_steps: int,
) -> March:
    """Settle at the old inputs (A), change to the new ones within `switch` (s), and go on to `t_stop` (s).

    `start` is about where the old inputs settle, V.
    """
    network, old, new, start = jax.tree.map(_single, (network, old, new, start))

    def inputs(t: Array) -> Array:
        return old + (new - old) * _single(jnp.minimum(t / switch, 1.0))

    rest = _settled(network, old, start, tolerance)
    batch, n_out = len(old), network.outlet.weights.shape[1]
    neurons = sum(z.shape[2] for z in start)
    sizes = ((), (batch, n_out), (batch,), (batch,), (neurons,))
    kinds = (float, *[PRECISION] * 4)
    record = Record(*(jnp.zeros((max_steps, *size), kind) for size, kind in zip(sizes, kinds, strict=True)))
    zero = jnp.zeros(())
    state = _State(
        zero, FIRST * switch, rest.moment, rest.moment.z, rest.moment.z, zero, rest.converged,
        jnp.array(1), jnp.array(0), _written(network, record, 0, zero, rest, show),
    )  # fmt: skip

    def body(s: _State) -> _State:
        return _step(network, inputs, switch, t_stop, tolerance, show, s)

    done = jax.lax.while_loop(
        lambda s: (s.t < t_stop) & (s.count < max_steps) & (s.h > 0) & jnp.any(s.alive), body, state
    )
    return March(done.record, done.count, done.rejected, done.alive, done.t)


def _single(x: Array) -> Array:
    return x.astype(PRECISION) if jnp.issubdtype(x.dtype, jnp.floating) else x


def _settled(network: Network, old: Array, start: Triples, tolerance: Array) -> Stage:
    """The static state of the same equations, by a step without end, with slopes taken anew a few times."""
    known = charges_at(network, start)
    small, forever = _single(NEWTON_FRACTION * tolerance), jnp.asarray(FOREVER, PRECISION)

    def again(_: Array, z: Triples) -> Triples:
        return solve_stage(network, old, known, forever, z, small).moment.z

    near = jax.lax.fori_loop(0, SETTLING, again, start)
    return solve_stage(network, old, known, forever, near, small)


def _step(
    network: Network, inputs: Callable[[Array], Array], switch: Array, t_stop: Array,
    tolerance: Array, show: Array, s: _State,
) -> _State:  # fmt: skip
    corner = jnp.where(s.t < switch, switch, t_stop)
    left = corner - s.t
    h = jnp.where(s.h >= left, left, jnp.minimum(s.h, 0.5 * left))
    end = jnp.where(s.h >= left, corner, s.t + h)
    middle, last, error = _attempt(network, inputs, tolerance, s, h)
    fine = middle.converged & last.converged & jnp.isfinite(error)
    ratio = jnp.max(jnp.where(s.alive & fine, error, 0.0)).astype(float) / tolerance
    failed = jnp.any(s.alive & ~fine)
    # patterns that fail even in the shortest step are given up
    given_up = failed & (h <= SHORTEST * switch)
    alive = jnp.where(given_up, s.alive & fine, s.alive)
    good = (ratio <= 1.0) & (~failed | given_up)
    scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)
    scale = jnp.where(failed, CUT, scale)
    after = jnp.maximum(jnp.minimum(scale * h, LONGEST * t_stop), SHORTEST * switch)
    # after the switch the inputs' slope is another one: begin again with a short step
    after = jnp.where(good & (end == switch), jnp.minimum(after, FIRST * switch), after)

    def pick(new: Array, old: Array) -> Array:
        keep = good & alive
        return jnp.where(keep[:, None] if new.ndim == 3 else keep, new, old)

    record = jax.lax.cond(
        good,
        lambda r: _written(network, r, s.count, end, last, show),
        lambda r: r,
        s.record,
    )
    return _State(
        t=jnp.where(good, end, s.t), h=after,
        now=jax.tree.map(pick, last.moment, s.now),
        middle=jax.tree.map(pick, middle.moment.z, s.middle),
        before=jax.tree.map(pick, s.now.z, s.before),
        h_before=jnp.where(good, jnp.where(end == switch, 0.0, h), s.h_before),
        alive=alive, count=s.count + good, rejected=s.rejected + ~good, record=record,
    )  # fmt: skip


def _attempt(
    network: Network, inputs: Callable[[Array], Array], tolerance: Array, s: _State, h: Array
) -> tuple[Stage, Stage, Array]:
    """Both stages of a step, and each pattern's error, V."""
    now, small = s.now, _single(NEWTON_FRACTION * tolerance)
    back, times = _single(s.h_before / h), (s.t + GAMMA * h, s.t + h)

    def extrapolated(z: Array, middle: Array, before: Array) -> Array:
        return _parabola(back, before, middle, z)

    guess = jax.tree.map(extrapolated, now.z, s.middle, s.before)
    h = _single(h)
    known = jax.tree.map(lambda q, f: q + h * D * f, now.charge, now.flow)
    middle = solve_stage(network, inputs(times[0]), known, D * h, guess, small)

    def through(z: Array, half: Array, before: Array) -> Array:
        return _through_middle(back, before, z, half)

    guess = jax.tree.map(through, now.z, middle.moment.z, s.before)
    known = jax.tree.map(lambda q, f, g: q + h * W * (f + g), now.charge, now.flow, middle.moment.flow)
    last = solve_stage(network, inputs(times[1]), known, D * h, guess, small)
    squares, count = jnp.zeros(len(s.alive)), 0
    for flows in zip(last.matrices, now.flow, middle.moment.flow, last.moment.flow, strict=True):
        matrix, f_1, f_2, f_3 = flows
        volts = matrix.solve(h * (ERROR[0] * f_1 + ERROR[1] * f_2 + ERROR[2] * f_3))
        squares, count = squares + (volts**2).sum((0, 2)), count + volts.shape[0] * volts.shape[2]
    return middle, last, jnp.sqrt(squares / count)


def _parabola(back: Array, before: Array, middle: Array, now: Array) -> Array:
    """At the first stage, through the three points of the last step, `back` times as long; constant after none."""
    x = 1 + GAMMA / jnp.where(back > 0, back, 1.0)
    a = (x - GAMMA) * (x - 1) / GAMMA
    b = x * (x - 1) / (GAMMA * (GAMMA - 1))
    c = x * (x - GAMMA) / (1 - GAMMA)
    return jnp.where(back > 0, a * before + b * middle + c * now, now)


def _through_middle(back: Array, before: Array, now: Array, middle: Array) -> Array:
    """At the end of a step, through its first stage and the points before; a line where there are none."""
    x = jnp.where(back > 0, back, 1.0)
    before = jnp.where(back > 0, before, (1 + x / GAMMA) * now - x / GAMMA * middle)
    a = (1 - GAMMA) / (x * (x + GAMMA))
    b = -(1 + x) * (1 - GAMMA) / (x * GAMMA)
    return a * before + b * now + (1 - a - b) * middle


def _written(network: Network, record: Record, place: Array | int, t: Array, stage: Stage, show: Array) -> Record:
    z = stage.moment.z
    shown = jnp.concatenate([own[0, show] for own in z])
    outputs = network.outlet.current(z[-1][1])
    values = Record(t, outputs, supply_current(network, stage), supply_charge(network, z), shown)
    return jax.tree.map(lambda old, new: old.at[place].set(new), record, values)
