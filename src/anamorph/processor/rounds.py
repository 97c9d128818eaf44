"""A step of a product round by round: what the bus brings and takes while the blocks multiply."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from anamorph.processor.design import Processor
from anamorph.processor.layers import Product


@dataclass(frozen=True)
class Walk:
    """One step.

    Attributes:
        seconds: from its first word to its last.
        read, written: words.
        bits: on the bus, both ways.
        shifts: of single values in the buffer chains of one copy of the matrix's column of blocks.
        rounds: of multiplication.
        vectors: multiplied.
        chosen: how often a segment is told to begin, and its plane chosen.
    """

    seconds: float
    read: int
    written: int
    bits: int
    shifts: int
    rounds: int
    vectors: int
    chosen: int


@dataclass(frozen=True)
class Pace:
    """How fast a product can go.

    Attributes:
        word: seconds per word on the bus.
        interval: seconds per turn in the blocks.
        choose: seconds to choose a plane.
        late: seconds before the first round and after the last beyond moving, multiplying and choosing.
    """

    word: float
    interval: float
    choose: float
    late: float


def walk(p: Product, processor: Processor, at_once: int, turns: int, parts: int, pace: Pace) -> Walk:
    """The quicker of going through all turns in each round and through all rounds in each turn.

    Args:
        p: the product.
        processor: bits of values and of the bus.
        at_once: vectors of a line in a round.
        turns: until all segments have multiplied.
        parts: of which a sum is made.
        pace: of bus and blocks.
    """
    choose = pace.choose if turns > 1 else 0.0
    begin = pace.late + (pace.choose if turns == 1 else 0.0)
    outputs = p.columns * p.groups
    multiply = turns * (pace.interval + choose)
    found = _through(p, processor, at_once, pace.word, multiply, begin, outputs, 0)
    found = replace(found, chosen=found.rounds if turns > 1 else 1)
    if turns > 1 and pace.choose > 0:
        results, again = math.ceil(parts * outputs / turns), math.ceil((parts - 1) * outputs / turns)
        late = pace.late + pace.choose
        one = _through(p, processor, at_once, pace.word, pace.interval, late, results, again)
        if turns * one.seconds < found.seconds:
            return Walk(turns * one.seconds, turns * one.read, turns * one.written, turns * one.bits,
                        turns * one.shifts, one.rounds, one.vectors, 1)  # fmt: skip
    return found


def _through(
    p: Product, processor: Processor, at_once: int, word: float, multiply: float, extra: float, results: int, again: int
) -> Walk:
    """Go through all rounds; of each vector `results` values are written, and `again` of them were read before."""
    loads: list[int] = []
    vectors = shifts = values = 0
    for _ in range(p.lines):
        done = 0
        while done < p.line:
            fresh = p.first + (at_once - 1) * p.slide if done == 0 else at_once * p.slide
            fresh += at_once * again
            loads.append(_words(fresh, processor))
            values += fresh + at_once * results
            now = min(at_once, p.line - done)
            shifts += p.rows * p.groups * (now + (p.fill - 1 if done == 0 else 0))
            done, vectors = done + now, vectors + now
    store = _words(at_once * results, processor)
    seconds = loads[0] * word
    for r in range(len(loads)):
        behind = loads[r + 1] if r + 1 < len(loads) else 0
        before = store if r > 0 else 0
        seconds += max(multiply, (behind + before) * word)
    seconds += store * word + extra
    written = store * len(loads)
    return Walk(seconds, sum(loads), written, values * processor.value_bits, shifts, len(loads), vectors, 1)


def _words(values: int, processor: Processor) -> int:
    return math.ceil(values * processor.value_bits / processor.bus_bits)
