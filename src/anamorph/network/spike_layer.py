"""One layer of spiking neurons for one image: spikes of the layer before in, its own spikes out.

See `anamorph.network.spike_events` for the equations. A *row* is an interval without events: it begins at an event of
the sources, or where a long interval was divided, and all neurons of a group are advanced through a block of
rows at once. Sums of exponentials of different ages are sums once each is divided by its own decay since the
block began.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from anamorph.characterise.spiking_cell import SpikingCell

#: Longest row, in units of tau.
FINEST = 1 / 128
#: A block spans at most so many tau, which costs three digits of 16, and so many numbers, which stay in a core's cache.
SPAN, BLOCK = 8.0, 30_000
#: Refinements of a spike's moment within its row: each makes the error about a hundredth.
REFINEMENTS = 5


class Group(NamedTuple):
    """Neurons of a layer that listen to the same sources.

    Attributes:
        sources: neurons of the layer before; None for all, in order.
        neurons: of this layer.
        weights: of them.
        bases: excitation without spikes.
    """

    sources: Int[np.ndarray, " taps"] | None
    neurons: Int[np.ndarray, " neurons"]
    weights: Float[np.ndarray, "taps neurons"]
    bases: Float[np.ndarray, " neurons"]


class Trains(NamedTuple):
    """Spikes of a layer in the order of time, and what each charges its synapses with, s."""

    times: Float[np.ndarray, " spikes"]
    whose: Int[np.ndarray, " spikes"]
    charges: Float[np.ndarray, " spikes"]


class _Rows(NamedTuple):
    """Intervals one after the other: beginning and length, s; which tap spikes at the beginning, with what charge."""

    begin: Float[np.ndarray, " rows"]
    length: Float[np.ndarray, " rows"]
    tap: Int[np.ndarray, " rows"]
    charge: Float[np.ndarray, " rows"]


def trains(cell: SpikingCell, times: np.ndarray, whose: np.ndarray, n_neurons: int) -> Trains:
    """Spikes in any order as trains with their charges."""
    order = np.lexsort((times, whose))
    times, whose = times[order], whose[order]
    counts = np.bincount(whose, minlength=n_neurons)
    number = np.arange(len(times)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((int(counts.max(initial=0)), n_neurons), np.inf)
    table[number, whose] = times
    charges = cell.charges(table)[number, whose]
    order = np.argsort(times, kind="stable")
    return Trains(times[order], whose[order], charges[order])


def constant(
    cell: SpikingCell, x: Float[np.ndarray, " neurons"], phases: Float[np.ndarray, " neurons"], duration: float
) -> tuple[Trains, float]:
    """Neurons whose excitation does not change, and their power, W: spikes come at even intervals."""
    rate, power = tables(cell)(x)
    count = np.floor(phases + rate * duration).astype(int)
    whose = np.repeat(np.arange(len(x)), count)
    number = np.arange(len(whose)) - np.repeat(np.cumsum(count) - count, count) + 1
    times = np.minimum((number - phases[whose]) / np.maximum(rate[whose], 1e-300), duration)
    return trains(cell, times, whose, len(x)), float(power.sum())


def advance(
    cell: SpikingCell,
    group: Group,
    phases: Float[np.ndarray, " neurons"],
    before: Trains,
    duration: float,
    clock: Float[np.ndarray, " moments"],
) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " moments"]]:
    """Spikes of a group, whose they are, and its energy up to each moment of the clock, J."""
    rows = _rows(group, before, duration, cell.tau * FINEST)
    look = tables(cell)
    deviation, phase = np.zeros_like(group.bases), phases.copy()
    times, whose, used = [], [], np.zeros(len(rows.begin))
    most, low = max(BLOCK // len(phases), 1), 0
    while low < len(rows.begin):
        far = int(np.searchsorted(rows.begin, rows.begin[low] + SPAN * cell.tau))
        piece = slice(low, max(min(low + most, far), low + 1))
        block = _Rows(*(column[piece] for column in rows))
        t, n, deviation, phase, used[piece] = _block(cell, look, group, block, deviation, phase)
        times.append(t)
        whose.append(group.neurons[n])
        low = piece.stop
    ends = np.concatenate([[0.0], rows.begin + rows.length])
    spent = np.interp(clock, ends, np.concatenate([[0.0], np.cumsum(used)]))
    return np.concatenate(times), np.concatenate(whose), spent


class tables:  # noqa: N801  (called like a function)
    """Rate and power of a cell at any excitation: linear between the knots, held beyond the ends."""

    def __init__(self, cell: SpikingCell) -> None:
        self.rate, self.power = cell.rate, np.zeros_like(cell.rate) if cell.power is None else cell.power
        self.slopes = np.diff(self.rate), np.diff(self.power)
        self.last = len(self.rate) - 1
        self.scale = self.last / cell.x_max

    def __call__(self, x: Float[np.ndarray, "*any"]) -> tuple[Float[np.ndarray, "*any"], Float[np.ndarray, "*any"]]:
        """Hz and W."""
        place = x * self.scale
        np.clip(place, 0.0, np.nextafter(self.last, 0), out=place)
        knot = place.astype(np.intp)
        place -= knot
        found = []
        for table, slope in zip((self.rate, self.power), self.slopes, strict=True):
            value = slope.take(knot, mode="clip")
            value *= place
            value += table.take(knot, mode="clip")
            found.append(value)
        return found[0], found[1]


def _rows(group: Group, before: Trains, duration: float, finest: float) -> _Rows:
    """The events that a group sees, with long intervals between them divided."""
    times, tap, charge = before.times, before.whose, before.charges
    if group.sources is not None:
        place = np.full(max(int(tap.max(initial=0)), int(group.sources.max())) + 1, -1)
        place[group.sources] = np.arange(len(group.sources))
        seen = place[tap] >= 0
        times, tap, charge = times[seen], place[tap[seen]], charge[seen]
    begin = np.concatenate([[0.0], times])
    gap = np.diff(np.append(begin, duration))
    parts = np.maximum(np.ceil(gap / finest).astype(int), 1)
    which = np.repeat(np.arange(len(begin)), parts)
    number = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
    length = (gap / parts)[which]
    first = number == 0
    return _Rows(
        begin[which] + number * length, length, np.append(0, tap)[which],
        np.where(first, np.append(0.0, charge)[which], 0.0),
    )  # fmt: skip


def _block(
    cell: SpikingCell, look: tables, group: Group, rows: _Rows, deviation: np.ndarray, phase: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spikes and whose, deviation from the base and phase after the last row, and the energy of each row."""
    grown = np.exp((rows.begin - rows.begin[0]) / cell.tau)
    x = group.weights[rows.tap]
    x *= (rows.charge * grown / cell.tau)[:, None]
    x[0] += deviation
    np.cumsum(x, axis=0, out=x)
    share = _mean(rows.length / cell.tau)
    rate, power = look(x * (share / grown)[:, None] + group.bases)
    ends = rate * rows.length[:, None]
    ends[0] += phase
    np.cumsum(ends, axis=0, out=ends)
    whole = np.floor(ends)
    previous = np.concatenate([np.floor(phase)[None], whole[:-1]])
    row, neuron = np.nonzero(whole > previous)
    many = (whole[row, neuron] - previous[row, neuron]).astype(int)
    row, neuron = np.repeat(row, many), np.repeat(neuron, many)
    number = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many) + 1
    start = np.where(row > 0, ends[row - 1, neuron], phase[neuron])
    missing = previous[row, neuron] + number - start
    begins, length = x[row, neuron] / grown[row], rows.length[row]
    passed = length / np.maximum(many.repeat(many), 1)
    for _ in range(REFINEMENTS):
        now = look(begins * _mean(passed / cell.tau) + group.bases[neuron])[0]
        with np.errstate(divide="ignore"):
            passed = np.minimum(missing / now, length)
    after = x[-1] / grown[-1] * np.exp(-rows.length[-1] / cell.tau)
    return rows.begin[row] + passed, neuron, after, ends[-1], (power @ np.ones(len(phase))) * rows.length


def _mean(d: Float[np.ndarray, " any"]) -> Float[np.ndarray, " any"]:
    """Mean of exp(-u) over u from 0 to d."""
    small = np.maximum(d, 1e-12)
    return -np.expm1(-small) / small
