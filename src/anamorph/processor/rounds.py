"""A step of a product round by round: what the bus brings and takes while the blocks multiply."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """

    seconds: float
    read: int
    written: int
    bits: int
    shifts: int
    rounds: int
    vectors: int


def walk(p: Product, processor: Processor, at_once: int, word: float, multiply: float, extra: float) -> Walk:
    """Go through all rounds.

    Args:
        p: the product.
        processor: bits of values and of the bus.
        at_once: vectors of a line in a round.
        word: seconds per word.
        multiply: seconds per round in the blocks.
        extra: seconds before the first round and after the last beyond moving and multiplying.
    """
    loads: list[int] = []
    vectors = shifts = values = 0
    for _ in range(p.lines):
        done = 0
        while done < p.line:
            fresh = p.first + (at_once - 1) * p.slide if done == 0 else at_once * p.slide
            loads.append(_words(fresh, processor))
            values += fresh + at_once * p.columns * p.groups
            now = min(at_once, p.line - done)
            shifts += p.rows * p.groups * (now + (p.fill - 1 if done == 0 else 0))
            done, vectors = done + now, vectors + now
    store = _words(at_once * p.columns * p.groups, processor)
    seconds = loads[0] * word
    for r in range(len(loads)):
        behind = loads[r + 1] if r + 1 < len(loads) else 0
        before = store if r > 0 else 0
        seconds += max(multiply, (behind + before) * word)
    seconds += store * word + extra
    return Walk(seconds, sum(loads), store * len(loads), values * processor.value_bits, shifts, len(loads), vectors)


def _words(values: int, processor: Processor) -> int:
    return math.ceil(values * processor.value_bits / processor.bus_bits)
