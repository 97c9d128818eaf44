"""A small circuit in many lanes, each driven by waveforms of its own: node voltages and supply charge over time.

Where `oscillation.py` asks whether a neuron spikes, this follows one that is being told something: its held nodes and
current sources follow waveforms, such as the gate voltages of the mirrors that drive it. Each lane has its own time and
step (`rodas3.py`); every accepted step is kept.

Waveforms are signals of one table on an even grid of times, joined by straight lines, and a held node or a source names
its signal, so that lanes share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.interpolate import PchipInterpolator

from anamorph.circuit.dense import Given, Lanes, Nodes, Wiring, evaluate, linearise
from anamorph.circuit.rodas3 import step
from anamorph.device.mosfet import MosfetParameters
from anamorph.errors import BadInput, NotConverged

#: Bounds of the ratio of successive steps, and the usual safety factor.
SHRINK, GROW, SAFETY = 0.2, 5.0, 0.9
#: First step, and the shortest that is not taken for a failure, s.
FIRST, SHORTEST = 1e-10, 1e-18
#: Attempted steps between two looks at who has finished.
ROUNDS = 256


class Drives(NamedTuple):
    """What held nodes and current sources do.

    Attributes:
        table: V or A; the first point is at time zero, and the last holds on.
        spacing: of the points, s.
        held: signal that each held node of each lane follows.
        sources: the same of each current source.
    """

    table: Float[Array, "signals points"]
    spacing: Float[Array, ""]
    held: Int[Array, "held lanes"]
    sources: Int[Array, "sources lanes"]

    def at(self, t: Lanes) -> tuple[Float[Array, "held lanes"], Float[Array, "sources lanes"]]:
        """Potentials and currents at each lane's own time."""
        last = self.table.shape[1] - 1
        place = jnp.clip(t / self.spacing, 0.0, float(last))
        knot = jnp.clip(place.astype(int), 0, max(last - 1, 0))
        part, after = place - knot, jnp.minimum(knot + 1, last)

        def of(signal: Int[Array, "_ lanes"]) -> Float[Array, "_ lanes"]:
            low = self.table[signal, knot]
            return low + (self.table[signal, after] - low) * part

        return of(self.held), of(self.sources)


class Lot(NamedTuple):
    """Circuits in work: what of `Given` does not change, and the drives.

    Attributes:
        mosfet: parameters; a lane's transistors may have sizes of their own.
        conductance: of the resistors, S.
        capacitance: of the capacitors, F.
        deviations: threshold deviations, V.
        temperature: K.
        drives: waveforms.
    """

    mosfet: MosfetParameters
    conductance: Float[Array, " resistors"]
    capacitance: Float[Array, " capacitors"]
    deviations: Float[Array, "fets lanes"]
    temperature: Lanes
    drives: Drives

    def given(self, t: Lanes) -> Given:
        """Drives and devices at each lane's own time."""
        return Given(
            self.mosfet, self.conductance, self.capacitance, *self.drives.at(t), self.deviations, self.temperature
        )


class _State(NamedTuple):
    t: Lanes
    h: Lanes
    v: Nodes
    q: Nodes
    supplied: Lanes
    fresh: Bool[Array, " lanes"]  # the last attempt was accepted


@dataclass(frozen=True)
class Trace:
    """One lane's accepted steps.

    Attributes:
        t: s, from zero.
        v: voltages of the probes, V.
        delivered: charge that the watched held node's source has given since time zero, C.
        end: voltages of all unknown nodes at the end, V.
    """

    t: Float[np.ndarray, " steps"]
    v: Float[np.ndarray, "probes steps"]
    delivered: Float[np.ndarray, " steps"]
    end: Float[np.ndarray, " unknowns"]

    def at(self, times: Float[np.ndarray, " points"], probe: int = 0) -> Float[np.ndarray, " points"]:
        """A probe's voltage at other times, by a monotone cubic."""
        return np.asarray(PchipInterpolator(self.t, self.v[probe])(times))


def follow(
    net: Wiring, lot: Lot, start: Nodes, t_stop: float, probes: tuple[int, ...], *, tolerance: float, longest: float
) -> list[Trace]:
    """Every lane from its start to `t_stop`.

    Args:
        net: connections; the watched held node's charge is followed.
        lot: the circuits.
        start: node voltages at time zero, V, such as zero where all drives begin at zero.
        t_stop: end, s.
        probes: numbers of the unknown nodes to keep.
        tolerance: local error of a step in any node, V.
        longest: longest step, s: shorter than what the drives do must not be missed.

    Raises:
        BadInput: times that are not positive.
        NotConverged: a lane whose steps became too short.
    """
    if not (0 < longest <= t_stop and np.isfinite(t_stop) and tolerance > 0):
        raise BadInput("impossible times", where="follow", got=f"t_stop {t_stop:g}, longest step {longest:g}")
    state = _begin(net, lot, start)
    kept = []
    limits = jnp.array([t_stop, longest, tolerance])
    while True:
        state, (fresh, t, v, delivered) = _forward(net, lot, state, limits, probes)
        kept.append([np.asarray(part) for part in (fresh, t, v, delivered)])
        _check(state, t_stop)
        if not bool(jnp.any((state.t < t_stop) | state.fresh)):
            break
    fresh, t, v, delivered = (np.concatenate(part) for part in zip(*kept, strict=True))
    on = [fresh[:, lane] for lane in range(fresh.shape[1])]
    end = np.asarray(state.v)
    return [
        Trace(t[rows, lane], v[rows, :, lane].T, delivered[rows, lane] - delivered[rows, lane][0], end[:, lane])
        for lane, rows in enumerate(on)
    ]


def _check(state: _State, t_stop: float) -> None:
    h = np.asarray(state.h)
    failed = (np.asarray(state.t) < t_stop) & ~(h >= SHORTEST)
    if failed.any():
        raise NotConverged("the step became too small", where="follow", got=f"{failed.sum()} of {failed.size} lanes")


@partial(jax.jit, static_argnames="net")
def _begin(net: Wiring, lot: Lot, start: Nodes) -> _State:
    zero = jnp.zeros(start.shape[1])
    charge = evaluate(net, lot.given(zero), start).charge[:-1]
    return _State(zero, zero + FIRST, start, charge, zero, jnp.ones(start.shape[1], bool))


@partial(jax.jit, static_argnames=("net", "probes"))
def _forward(
    net: Wiring, lot: Lot, state: _State, limits: Float[Array, "3"], probes: tuple[int, ...]
) -> tuple[_State, tuple[Array, Array, Array, Array]]:
    """`ROUNDS` attempted steps of every lane that has not finished; what it looked like before each of them."""
    t_stop, longest, tolerance = limits

    def body(state: _State, _: None) -> tuple[_State, tuple[Array, Array, Array, Array]]:
        here = lot.given(state.t)
        point, slopes = linearise(net, here, state.v)
        seen = (state.fresh, state.t, state.v[jnp.array(probes, int)], state.supplied + point.charge[-1])
        running = state.t < t_stop
        h = jnp.where(running, jnp.minimum(state.h, jnp.minimum(longest, t_stop - state.t)), FIRST)
        reaches = running & (h >= t_stop - state.t)
        end = jnp.where(reaches, t_stop, state.t + h)
        done = step(net, here, h, state.v, state.q, point, slopes, lot.given(end))
        ratio = done.error / tolerance
        fine = jnp.isfinite(ratio) & jnp.isfinite(done.v).all(0)
        good = running & fine & (ratio <= 1.0)
        scale = jnp.clip(SAFETY * jnp.maximum(ratio, 1e-12) ** (-1 / 3), SHRINK, GROW)

        def pick(new: Array, old: Array) -> Array:
            return jnp.where(good, new, old)

        return _State(
            t=pick(end, state.t),
            h=jnp.where(running, jnp.where(fine, scale, SHRINK) * h, state.h),
            v=pick(done.v, state.v),
            q=pick(done.q, state.q),
            supplied=pick(state.supplied + done.supplied, state.supplied),
            fresh=good,
        ), seen

    return jax.lax.scan(body, state, None, length=ROUNDS)
