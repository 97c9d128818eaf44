"""Does a small circuit spike, how often, and what does it take from the supply: many samples in one compiled loop.

Each sample has its own time and step (`rodas3.py`), and rests when its answer is known:

    SETTLED     spikes follow each other at a steady period and swing
    RESTING     nothing moves any more: an equilibrium, which the caller must check for stability, since an implicit
                method with long steps also sits on an unstable one
    RIPPLING    the output turns up and down, too little to be spikes
    UNSETTLED   none of these within the allowed number of spikes or steps

A spike is a rise of the output through the level `high` after it was below `low`; its time is where a parabola through
the last three steps crosses the level. Charge and squared current of the supply are taken from spike to spike.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.dense import Given, Lanes, Nodes, Point, Slopes, Wiring, evaluate, linearise
from anamorph.circuit.rodas3 import Step, step

RUNNING, SETTLED, RESTING, RIPPLING, UNSETTLED = range(5)

#: Bounds of the ratio of successive steps, and the usual safety factor.
SHRINK, GROW, SAFETY = 0.2, 5.0, 0.9
#: A circuit rests when it moves less than the step's tolerance in a step this many charging times long.
REST_TIMES = 1.0
#: First step, as a part of the charging time.
FIRST_STEP = 1e-5
#: Counted spikes after which the bound of a steady period begins to rise in proportion to their number.
PATIENCE = 10
#: Largest ratio of successive changes of the period that is believed.
SLOWEST = 0.98
#: A swing is read off the steps' ends, and may change this many times more than a period.
SWING_SLACK = 5.0
#: Turns of the output without a spike after which it is taken to ripple; how far a turn goes back, in parts of `high`.
RIPPLES, TURN = 16, 0.02


class Watch(NamedTuple):
    """What is looked for, and how closely.

    Attributes:
        low: the output is ready for the next spike below this, V.
        high: a spike is a rise through this, V.
        charging: time in which the excitation would charge all capacitances to the supply, s.
        tolerance: local error of a step in any node, V.
        settled: a sample whose period and swing change by less is steady, relative.
        max_spikes: spikes after which a sample is given up.
        max_steps: steps after which a sample is given up.
        every: steadiness is judged from spike to spike with so many spikes in between: what changes slowly against a
            period shows, and the noise of the time steps does not.
    """

    low: Lanes
    high: Lanes
    charging: Lanes
    tolerance: Lanes
    settled: Float[Array, ""]
    max_spikes: Lanes
    max_steps: Lanes
    every: Lanes


class Spikes(NamedTuple):
    """What is known of a sample's spikes.

    A mark is time (s), charge delivered by the supply (C), and its current squared and integrated (A^2 s), at a spike
    that is counted: one in `Watch.every`.
    """

    armed: Bool[Array, " lanes"]
    count: Int[Array, " lanes"]
    last: Float[Array, "3 lanes"]  # mark of the last counted spike
    before: Float[Array, "3 lanes"]  # of the last but one
    per_spike: Float[Array, "3 lanes"]  # from one of them to the next, mean over the last two
    drift: Lanes  # of the last period, or its charge, against the one before, relative
    change: Lanes  # how far from steady: see `_unsteady`
    top: Lanes  # of the output since the last counted spike, V
    bottom: Lanes
    swing: Lanes  # from the last but one spike to the last, V
    extreme: Lanes  # of the output since it last turned, V
    rising: Bool[Array, " lanes"]  # or falling, since then
    turns: Int[Array, " lanes"]  # since the last spike
    rose: Lanes  # when the output rose through `high`, s
    width: Lanes  # from the last spike to its fall through `high`, s


class State(NamedTuple):
    """Where each sample stands; `out` and `at` are the output and the time at the last three accepted points."""

    t: Lanes
    h: Lanes
    v: Nodes
    q: Nodes
    supplied: Lanes  # conducted by the supply, C
    delivered: Lanes  # the same with displacement, at the last accepted point
    square: Lanes
    mean: Lanes  # mean current of the last step, A
    span: Lanes  # its length, s
    out: Float[Array, "3 lanes"]
    at: Float[Array, "3 lanes"]
    moved: Lanes  # largest movement of a node in the last step, V
    fresh: Bool[Array, " lanes"]  # the last attempt was accepted
    spikes: Spikes
    steps: Int[Array, " lanes"]
    status: Int[Array, " lanes"]


def _crossing(at: Float[Array, "3 lanes"], out: Float[Array, "3 lanes"], level: Lanes) -> Lanes:
    """Part of the last step at which the parabola through three points takes the value `level`."""
    h, before = at[2] - at[1], at[1] - at[0]
    safe_h, safe_b = jnp.where(h > 0, h, 1.0), jnp.where(before > 0, before, jnp.inf)
    rise = (out[2] - out[1]) / safe_h
    bend = (rise - (out[1] - out[0]) / safe_b) / (safe_h + safe_b)
    bend = jnp.where(before > 0, bend, 0.0)
    a, b, c = bend * h * h, (rise - bend * h) * h, out[1] - level
    # the root that is continuous with the straight line's
    root = jnp.sqrt(jnp.maximum(b * b - 4 * a * c, 0.0))
    x = -2 * c / jnp.where(b + root != 0, b + root, 1.0)
    line = -c / jnp.where(out[2] != out[1], out[2] - out[1], 1.0)
    return jnp.where((x >= 0) & (x <= 1), x, jnp.clip(line, 0.0, 1.0))


def _book(watch: Watch, state: State, point: Point) -> State:
    """Enter the last accepted step: charge, squares, and a spike if there is one."""
    new = state.fresh & (state.span > 0)
    delivered = state.supplied + point.charge[-1]
    flown = delivered - state.delivered
    h = jnp.where(new, state.span, 1.0)
    mean = flown / h
    # within a step the current is taken for a straight line; its slope is that of the means
    gap = 0.5 * (state.at[2] - state.at[0])
    slope = jnp.where(gap > 0, (mean - state.mean) / jnp.where(gap > 0, gap, 1.0), 0.0)
    rise = jnp.clip(slope * h, -2 * jnp.abs(mean), 2 * jnp.abs(mean))
    square = h * (mean * mean + rise * rise / 12)
    spikes = _spike(watch, state, new, flown, square)
    return state._replace(
        delivered=jnp.where(state.fresh, delivered, state.delivered),
        square=state.square + jnp.where(new, square, 0.0),
        mean=jnp.where(new, mean, state.mean),
        spikes=spikes,
    )


def _spike(watch: Watch, state: State, new: Array, flown: Lanes, square: Lanes) -> Spikes:
    s, out = state.spikes, state.out
    part = _crossing(state.at, out, watch.high)
    time = state.at[1] + part * (state.at[2] - state.at[1])
    mark = jnp.stack([time, state.delivered + part * flown, state.square + part * square])
    rises = new & s.armed & (out[1] < watch.high) & (out[2] >= watch.high)
    falls = new & (out[1] >= watch.high) & (out[2] < watch.high)
    counts = rises & (jnp.mod(s.count, watch.every) == 0)
    swing, drifts = s.top - s.bottom, (mark - s.last) / (s.last - s.before) - 1
    # of the period or of the charge: a filter behind the neuron settles later than the neuron
    drift = jnp.where(jnp.abs(drifts[1]) > jnp.abs(drifts[0]), drifts[1], drifts[0])
    change = _unsteady(drift, s.drift, jnp.abs(swing / s.swing - 1))
    back = jnp.where(s.rising, s.extreme - out[2], out[2] - s.extreme)
    turned = new & (back > TURN * watch.high)
    extreme = jnp.where(s.rising, jnp.maximum(s.extreme, out[2]), jnp.minimum(s.extreme, out[2]))

    def at_spike(value: Array, otherwise: Array) -> Array:
        return jnp.where(counts, value, otherwise)

    return Spikes(
        armed=~rises & (s.armed | (out[2] < watch.low)),
        count=s.count + rises,
        last=at_spike(mark, s.last),
        before=at_spike(s.last, s.before),
        per_spike=at_spike(0.5 * (mark - s.before), s.per_spike),
        drift=at_spike(drift, s.drift),
        change=at_spike(jnp.where(jnp.isfinite(change), change, jnp.inf), s.change),
        top=at_spike(out[2], jnp.maximum(s.top, out[2])),
        bottom=at_spike(out[2], jnp.minimum(s.bottom, out[2])),
        swing=at_spike(swing, s.swing),
        extreme=jnp.where(turned, out[2], extreme),
        rising=s.rising ^ turned,
        turns=jnp.where(rises, 0, s.turns + turned),
        rose=jnp.where(rises, time, s.rose),
        width=jnp.where(falls, time - s.rose, s.width),
    )


def _unsteady(drift: Lanes, before: Lanes, swing: Lanes) -> Lanes:
    """How far a sample is from a steady state: the largest of three relative changes, NaN before the fourth spike.

    The period's; what is still to come of it, if it creeps towards its end as a geometric series does (a neuron
    with a slow state changes little from spike to spike, and much in the end); and the swing's, with slack.
    """
    ratio = jnp.clip(jnp.abs(drift / before), 0.0, SLOWEST)
    ahead = jnp.where(drift * before > 0, jnp.abs(drift) * ratio / (1 - ratio), 0.0)
    known = jnp.isfinite(before)
    return jnp.where(known, jnp.maximum(jnp.maximum(jnp.abs(drift), ahead / 2), swing / SWING_SLACK), jnp.nan)


def _advance(
    wiring: Wiring, given: Given, watch: Watch, output: int, state: State, point: Point, slopes: Slopes
) -> State:
    running = state.status == RUNNING
    done: Step = step(wiring, given, state.h, state.v, state.q, point, slopes)
    ratio = done.error / watch.tolerance
    fine = jnp.isfinite(ratio) & jnp.isfinite(done.v).all(0)
    good = running & fine & (ratio <= 1.0)
    scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)
    scale = jnp.where(fine, scale, SHRINK)

    def pick(new: Array, old: Array) -> Array:
        return jnp.where(good, new, old)

    t = state.t + state.h
    return state._replace(
        t=pick(t, state.t),
        h=jnp.where(running, scale * state.h, state.h),
        v=pick(done.v, state.v),
        q=pick(done.q, state.q),
        supplied=pick(state.supplied + done.supplied, state.supplied),
        span=pick(state.h, state.span),
        out=pick(jnp.stack([state.out[1], state.out[2], done.v[output]]), state.out),
        at=pick(jnp.stack([state.at[1], state.at[2], t]), state.at),
        moved=pick(jnp.max(jnp.abs(done.v - state.v), axis=0), state.moved),
        fresh=good,
        steps=state.steps + running,
    )


def _judge(watch: Watch, state: State) -> State:
    s = state.spikes
    rests = (state.span >= REST_TIMES * watch.charging) & (state.moved <= watch.tolerance)
    # noise of the time steps may keep a sample above the bound: it is raised while spikes go by
    settled = s.change <= watch.settled * jnp.maximum(1.0, s.count / (watch.every * PATIENCE))
    spent = (state.steps >= watch.max_steps) | (s.count >= watch.max_spikes)
    status = jnp.where(spent, UNSETTLED, RUNNING)
    status = jnp.where(s.turns >= RIPPLES, RIPPLING, status)
    status = jnp.where(rests, RESTING, status)
    status = jnp.where(settled, SETTLED, status)
    return state._replace(status=jnp.where(state.status == RUNNING, status, state.status))


def begin(wiring: Wiring, given: Given, watch: Watch, start: Nodes, output: int) -> State:
    """The state at time zero.

    Args:
        wiring: connections.
        given: drives, deviations, temperature.
        watch: what to look for.
        start: node voltages, V.
        output: number of the node that spikes.
    """
    lanes = start.shape[1]
    first = evaluate(wiring, given, start)
    zero, never = jnp.zeros(lanes), jnp.full(lanes, jnp.nan)
    out = start[output]
    none = jnp.full((3, lanes), jnp.nan)
    spikes = Spikes(
        armed=out < watch.low, count=jnp.zeros(lanes, int), last=none, before=none, per_spike=none,
        drift=never, change=jnp.full(lanes, jnp.inf), top=out, bottom=out, swing=never,
        extreme=out, rising=jnp.ones(lanes, bool), turns=jnp.zeros(lanes, int), rose=never, width=never,
    )  # fmt: skip
    return State(
        t=zero, h=FIRST_STEP * watch.charging, v=start, q=first.charge[:-1], supplied=zero,
        delivered=first.charge[-1], square=zero, mean=zero, span=zero,
        out=jnp.stack([out, out, out]), at=jnp.zeros((3, lanes)), moved=jnp.full(lanes, jnp.inf),
        fresh=jnp.zeros(lanes, bool), spikes=spikes, steps=jnp.zeros(lanes, int),
        status=jnp.where(jnp.isfinite(start).all(0), RUNNING, UNSETTLED),
    )  # fmt: skip


def advance(wiring: Wiring, given: Given, watch: Watch, state: State, output: int, rounds: int) -> State:
    """At most `rounds` attempted steps of every sample whose answer is not known yet."""

    def body(carry: tuple[Array, State]) -> tuple[Array, State]:
        count, state = carry
        point, slopes = linearise(wiring, given, state.v)
        state = _judge(watch, _book(watch, state, point))
        return count + 1, _advance(wiring, given, watch, output, state, point, slopes)

    def unfinished(carry: tuple[Array, State]) -> Array:
        return (carry[0] < rounds) & jnp.any(carry[1].status == RUNNING)

    return jax.lax.while_loop(unfinished, body, (jnp.zeros((), int), state))[1]
