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
import numpy as np
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
#: How many such steps, of two stages each.
SETTLING = 2
#: Shares in a guess that is the newest state, before a step's first stage and after it; see `_parabola`.
_NEWEST = np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


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
    settling: Int[Array, ""]
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

    batch, n_out = len(old), network.outlet.weights.shape[1]
    neurons = sum(z.shape[2] for z in start)
    sizes = ((), (batch, n_out), (batch,), (batch,), (neurons,))
    kinds = (float, *[PRECISION] * 4)
    record = Record(*(jnp.zeros((max_steps, *size), kind) for size, kind in zip(sizes, kinds, strict=True)))
    nothing = jax.tree.map(jnp.zeros_like, start)
    state = _State(
        t=jnp.zeros(()), h=FIRST * switch, now=Moment(start, charges_at(network, start), nothing),
        middle=start, before=start, h_before=jnp.zeros(()), alive=jnp.ones(batch, bool),
        count=jnp.array(0), rejected=jnp.array(0), settling=jnp.array(SETTLING), record=record,
    )  # fmt: skip

    def body(s: _State) -> _State:
        return _step(network, inputs, switch, t_stop, tolerance, show, s)

    done = jax.lax.while_loop(
        lambda s: (s.t < t_stop) & (s.count < max_steps) & (s.h > 0) & jnp.any(s.alive), body, state
    )
    return March(done.record, done.count, done.rejected, done.alive, done.t)


def _single(x: Array) -> Array:
    return x.astype(PRECISION) if jnp.issubdtype(x.dtype, jnp.floating) else x


def _step(
    network: Network, inputs: Callable[[Array], Array], switch: Array, t_stop: Array,
    tolerance: Array, show: Array, s: _State,
) -> _State:  # fmt: skip
    """Try one step. While the old pattern settles the steps are without end, and time stands still."""
    settling = s.settling > 0
    corner = jnp.where(s.t < switch, switch, t_stop)
    left = corner - s.t
    h = jnp.where(s.h >= left, left, jnp.minimum(s.h, 0.5 * left))
    end = jnp.where(settling, s.t, jnp.where(s.h >= left, corner, s.t + h))
    middle, last, error = _attempt(network, inputs, tolerance, s, h)
    fine = middle.converged & last.converged & jnp.isfinite(error)
    ratio = jnp.max(jnp.where(s.alive & fine, error, 0.0)).astype(float) / tolerance
    failed = jnp.any(s.alive & ~fine)
    # patterns that fail even in the shortest step are given up, and those that have not settled in the end
    given_up = jnp.where(settling, s.settling == 1, failed & (h <= SHORTEST * switch))
    alive = jnp.where(given_up, s.alive & fine, s.alive)
    good = ((ratio <= 1.0) & (~failed | given_up)) | settling
    scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)
    scale = jnp.where(failed, CUT, scale)
    after = jnp.maximum(jnp.minimum(scale * h, LONGEST * t_stop), SHORTEST * switch)
    # after the switch the inputs' slope is another one: begin again with a short step
    after = jnp.where(good & (end == switch), jnp.minimum(after, FIRST * switch), after)

    def pick(new: Array, old: Array) -> Array:
        keep = good & alive
        return jnp.where(keep[:, None] if new.ndim == 3 else keep, new, old)

    now, record = jax.tree.map(pick, last.moment, s.now), _written(network, s.record, s.count, end, last, show)
    return _State(
        t=jnp.where(good, end, s.t), h=jnp.where(settling, s.h, after), now=now,
        middle=jax.tree.map(pick, middle.moment.z, s.middle),
        before=jax.tree.map(pick, s.now.z, s.before),
        h_before=jnp.where(good, jnp.where(settling | (end == switch), 0.0, h), s.h_before),
        alive=alive, count=s.count + (good & (s.settling <= 1)), rejected=s.rejected + ~good,
        settling=jnp.maximum(s.settling - 1, 0), record=record,
    )  # fmt: skip


def _attempt(
    network: Network, inputs: Callable[[Array], Array], tolerance: Array, s: _State, h: Array
) -> tuple[Stage, Stage, Array]:
    """Both stages of a step, and each pattern's error, V.

    The stages differ in numbers alone, and a loop takes both: what is compiled is the stage, which takes long, once.
    """
    now, settling, small = s.now, s.settling > 0, _single(NEWTON_FRACTION * tolerance)
    back = s.h_before / h
    times = jnp.where(settling, 0.0, s.t + h * jnp.array([GAMMA, 1.0]))
    # K = Q + a F_1 + b F_2, and without end K = Q: whatever charge there is, it is nothing beside what flows
    flows = _single(jnp.where(settling, 0.0, h * jnp.array([[D, 0.0], [W, W]])))
    length = _single(jnp.where(settling, FOREVER, D * h))
    guesses = _single(jnp.where(settling, _NEWEST, jnp.stack([_parabola(back), _through_middle(back)])))

    def stage(index: Array, found: tuple[Stage, Stage]) -> tuple[Stage, Stage]:
        one, (a, b), share = found[1].moment, flows[index], guesses[index]
        known = jax.tree.map(lambda q, f, g: q + a * f + b * g, now.charge, now.flow, one.flow)

        def guess(before: Array, old: Array, z: Array, new: Array) -> Array:
            return share[0] * before + share[1] * old + share[2] * z + share[3] * new

        guessed = jax.tree.map(guess, s.before, s.middle, now.z, one.z)
        return found[1], solve_stage(network, inputs(times[index]), known, length, guessed, small)

    kind = jax.eval_shape(lambda: solve_stage(network, inputs(s.t), now.charge, length, now.z, small))
    none = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), kind)
    middle, last = jax.lax.fori_loop(0, 2, stage, (none, none))
    squares, count = jnp.zeros(len(s.alive)), 0
    for parts in zip(last.matrices, now.flow, middle.moment.flow, last.moment.flow, strict=True):
        matrix, f_1, f_2, f_3 = parts
        volts = matrix.solve(_single(h) * (ERROR[0] * f_1 + ERROR[1] * f_2 + ERROR[2] * f_3))
        squares, count = squares + (volts**2).sum((0, 2)), count + volts.shape[0] * volts.shape[2]
    return middle, last, jnp.sqrt(squares / count)


def _parabola(back: Array) -> Float[Array, "4"]:
    """Shares in the guess of a first stage: on the parabola through the last step, `back` times as long as this one.

    Of the state before, that step's first stage, the state now, and this step's first stage.
    """
    x = 1 + GAMMA / jnp.where(back > 0, back, 1.0)
    before = (x - GAMMA) * (x - 1) / GAMMA
    middle = x * (x - 1) / (GAMMA * (GAMMA - 1))
    now = x * (x - GAMMA) / (1 - GAMMA)
    return jnp.where(back > 0, jnp.stack([before, middle, now, jnp.zeros_like(x)]), _NEWEST[0])


def _through_middle(back: Array) -> Float[Array, "4"]:
    """The same at the end of a step: through its first stage and the states before; a line where there are none."""
    x = jnp.where(back > 0, back, 1.0)
    before = (1 - GAMMA) / (x * (x + GAMMA))
    now = -(1 + x) * (1 - GAMMA) / (x * GAMMA)
    none, new = jnp.zeros_like(x), 1 - before - now
    line = jnp.stack([none, none, now + before * (1 + x / GAMMA), new - before * x / GAMMA])
    return jnp.where(back > 0, jnp.stack([before, none, now, new]), line)


def _written(network: Network, record: Record, place: Array | int, t: Array, stage: Stage, show: Array) -> Record:
    z = stage.moment.z
    shown = jnp.concatenate([own[0, show] for own in z])
    outputs = network.outlet.current(z[-1][1])
    values = Record(t, outputs, supply_current(network, stage), supply_charge(network, z), shown)
    return jax.tree.map(lambda old, new: old.at[place].set(new), record, values)
