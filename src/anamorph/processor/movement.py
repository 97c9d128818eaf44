"""What moves while a layer runs, and for how long: words on the bus, shifts of the buffer chain, seconds.

A step of a product goes in rounds; in each, as many vectors of a line as there are copies are multiplied at once. While
round r multiplies, the bus brings the inputs of round r + 1 and takes the outputs of round r - 1. So a step takes

    load(1) + sum over r of max(multiply, load(r + 1) + store(r - 1)) + store(last)

and the latency that conversion has beyond the multiplier's interval.

Where segments share stacks, either each round goes through all turns, or all rounds go through the first turn, then
through the second, and so on: then a plane has to be chosen only once per turn, but inputs come again for each, and
parts of sums go to memory and back. The quicker way is taken, layer by layer. `rounds.walk` goes through the rounds one
by one; tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from anamorph.processor.arrays import Passes, Products
from anamorph.processor.designs import Designs
from anamorph.processor.placement import Placement

Seconds = Float[np.ndarray, "layers designs"]
Words = Int[np.ndarray, "layers designs"]


@dataclass(frozen=True)
class Moved:
    """Per inference, for one layer of each kind (not times the number of equal ones).

    Attributes:
        rounds: of a step.
        read, written: words.
        bits: on the bus, both ways.
        shifts: stages of the buffer chain that take a new value.
        duration: of all steps, s.
        bus: seconds during which the bus is busy.
        chosen: how often a step tells a segment to begin, and chooses its plane.
    """

    rounds: Words
    read: Words
    written: Words
    bits: Words
    shifts: Words
    duration: Seconds
    bus: Seconds
    chosen: Words


def quicker(a: Moved, b: Moved) -> Moved:
    """The quicker of two ways, layer by layer and design by design; the first where they are equal."""
    return Moved(
        *(np.where(b.duration < a.duration, two, one) for one, two in zip(_columns(a), _columns(b), strict=True))
    )


def _columns(moved: Moved) -> list[np.ndarray]:
    return [getattr(moved, name) for name in Moved.__dataclass_fields__]


def product_moves(
    products: Products,
    designs: Designs,
    place: Placement,
    word: Float[np.ndarray, " designs"],
    multiply: Seconds,
    extra: Seconds,
    turn_by_turn: bool = False,
) -> Moved:
    """Movement of all products.

    Args:
        products: layers.
        designs: processors.
        place: their mapping.
        word: seconds per word on the bus.
        multiply: seconds per round in the blocks.
        extra: seconds that the last results are later than the blocks are free again, and that begin takes.
        turn_by_turn: all rounds go through one turn, then through the next.
    """
    p, bits = products, designs.value_bits
    passes = place.turns if turn_by_turn else np.ones_like(place.turns)
    outputs = p.columns * p.groups
    results, again = outputs, np.zeros_like(place.parts)
    if turn_by_turn:  # every part of a sum is written, and all but the first are added to what is there
        results, again = -(-place.parts * outputs // passes), -(-(place.parts - 1) * outputs // passes)
    per_line = -(-p.line // place.used)
    rounds = p.lines * per_line
    first_values = p.first + (place.used - 1) * p.slide + place.used * again
    next_values, results = place.used * (p.slide + again), place.used * results
    first, next_, store = (_words(n, bits, designs) for n in (first_values, next_values, results))
    middle_first = p.lines - 1 - (per_line == 1)
    middle_next = rounds - 2 - middle_first
    second = np.where(per_line == 1, first, next_)
    t_first, t_next, t_store, t_second = first * word, next_ * word, store * word, second * word
    many = (
        np.maximum(multiply, t_second)
        + middle_first * np.maximum(multiply, t_first + t_store)
        + middle_next * np.maximum(multiply, t_next + t_store)
        + np.maximum(multiply, t_store)
    )
    step = passes * (t_first + np.where(rounds == 1, multiply, many) + t_store + extra)
    times = p.steps * passes
    read = times * (p.lines * first + (rounds - p.lines) * next_)
    written = times * rounds * store
    moved = times * (p.lines * first_values + (rounds - p.lines) * next_values + rounds * results) * bits
    shifts = times * p.lines * (p.rows * p.groups * place.across) * (p.fill + p.line - 1)
    chosen = np.where((place.turns > 1) & (not turn_by_turn), rounds, 1)
    return Moved(rounds, read, written, moved, shifts, p.steps * step, (read + written) * word, chosen)


def pass_moves(
    passes: Passes,
    designs: Designs,
    word: Float[np.ndarray, " designs"],
    clock: float,
    begin: Float[np.ndarray, " designs"],
) -> tuple[Moved, Seconds]:
    """Movement of passes of the auxiliary unit, and the seconds during which that unit is busy.

    Values stream in, through as many lanes as there are, and out: the slower of bus and lanes decides.
    """
    bits, q = designs.value_bits, passes
    taken, given = -(-q.taken // q.steps), -(-q.given // q.steps)
    read, written = _words(taken, bits, designs), _words(given, bits, designs)
    longest = q.operations.max(axis=1, initial=0).reshape(-1, 1)
    cycles = -(-longest // (q.steps * designs.aux_lanes))
    bus, busy = (read + written) * word, cycles * clock
    step = np.maximum(bus, busy) + begin
    n = np.ones_like(read)
    both = q.steps * (taken + given) * bits
    moved = Moved(n, q.steps * read, q.steps * written, both, 0 * n, q.steps * step, q.steps * bus, n)
    return moved, q.steps * busy


def _words(values: Int[np.ndarray, "layers #designs"], bits: Int[np.ndarray, " designs"], designs: Designs) -> Words:
    return -(-values * bits // designs.bus_bits)
