"""Every tile of every matrix on its block: the mapping written out, for the schedule and its check.

See `placement` for the rules in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from anamorph.processor.design import Processor
from anamorph.processor.layers import Plan, Product

Numbers = Int[np.ndarray, " tiles"]


@dataclass(frozen=True)
class Tiles:
    """Parts of matrices and where they are, as columns of one table.

    Attributes:
        layer: index of the layer that stores it.
        copy: of the layer.
        segment: number within the layer; tiles of one segment multiply at once and their currents add up.
        group0, group1, row0, row1, column0, column1: the part of the matrices, ends excluded. Tiles with more than one
            group hold these corner to corner.
        stack, block, plane: where; `block` counts within its stack.
    """

    layer: Numbers
    copy: Numbers
    segment: Numbers
    group0: Numbers
    group1: Numbers
    row0: Numbers
    row1: Numbers
    column0: Numbers
    column1: Numbers
    stack: Numbers
    block: Numbers
    plane: Numbers

    def __len__(self) -> int:
        return len(self.layer)

    def changed(self, **columns: Numbers) -> Tiles:
        """With other columns."""
        return replace(self, **columns)

    @property
    def rows_used(self) -> Numbers:
        """Word lines of the block that carry an input."""
        return (self.group1 - self.group0) * (self.row1 - self.row0)

    @property
    def columns_used(self) -> Numbers:
        """Bit lines whose sum is wanted."""
        return (self.group1 - self.group0) * (self.column1 - self.column0)


@dataclass(frozen=True)
class Mapping:
    """Tiles, and what of the chip they need.

    Attributes:
        tiles: all of them.
        stacks: that the network needs.
        on_chip: stacks that the chip has.
        copies: layer -> copies of it that are stored (also for a layer that uses another's).
        used: layer -> vectors of a line multiplied at once.
    """

    tiles: Tiles
    stacks: int
    on_chip: int
    copies: dict[int, int]
    used: dict[int, int]


@dataclass(frozen=True)
class _Segment:
    layer: int
    copy: int
    number: int
    height: int
    boxes: tuple[tuple[int, int, int, int, int, int], ...]


def place_tiles(plan: Plan, processor: Processor, planes: int) -> Mapping:
    """Put every tile on a block.

    Args:
        plan: layers.
        processor: its blocks, stacks and copies.
        planes: tiles that a block holds.
    """
    products = {i: one.product for i, one in enumerate(plan.layers) if one.product is not None}
    owner = {i: i if processor.pipelined else p.owner for i, p in products.items()}
    copies, used = _copies(products, owner, processor)
    cut = {i: _segments(i, products[i], copies[i], processor) for i in products if owner[i] == i}
    room = processor.stack * planes
    placed: list[tuple[_Segment, int, int]] = []
    if processor.pipelined:
        base = 0
        for segments in cut.values():
            own = math.ceil(len(segments) / (room // segments[0].height))
            placed += [(s, base + k, y) for s, k, y in _dealt(segments, own)]
            base += own
        stacks = chip = base
        if processor.blocks is not None:
            chip = processor.blocks // processor.stack
    else:
        ordered = sorted((s for segments in cut.values() for s in segments), key=lambda s: -s.height)
        pooled, zones = _fewest(ordered, room), _zones(ordered, room)
        stacks = min(pooled, sum(zones.values()))
        chip = stacks if processor.blocks is None else processor.blocks // processor.stack
        if pooled <= max(stacks, chip):
            placed = _dealt(ordered, max(stacks, chip))
        else:
            base = 0
            for height, zone in zones.items():
                placed += [(s, base + k, y) for s, k, y in _dealt([s for s in ordered if s.height == height], zone)]
                base += zone
    return Mapping(_table(placed, processor.stack), stacks, chip, copies, used)


def _copies(products: dict[int, Product], owner: dict[int, int], processor: Processor) -> tuple[dict, dict]:
    """Copies in proportion to the vectors of a step, those of a layer that shares its cells to the most demanding."""
    vectors: dict[int, int] = {}
    room: dict[int, int] = {}
    for i, p in products.items():
        vectors[owner[i]] = max(vectors.get(owner[i], 1), p.vectors)
        room[owner[i]] = max(room.get(owner[i], 1), p.line)
    most = max(vectors.values())
    stored = {i: max(1, min(room[o], math.ceil(processor.copies * vectors[o] / most))) for i, o in owner.items()}
    used = {}
    for i, p in products.items():
        rounds = math.ceil(p.line / min(stored[i], p.line))
        used[i] = math.ceil(p.line / rounds)
    return stored, used


def _segments(layer: int, p: Product, copies: int, processor: Processor) -> list[_Segment]:
    high, wide = processor.block_rows, processor.block_columns
    pack = max(1, min(high // p.rows, wide // p.columns, p.groups))
    down = math.ceil(p.rows / high)
    parts = math.ceil(down / processor.summed)
    height = math.ceil(down / parts)
    found: list[_Segment] = []
    for copy in range(copies):
        for g in range(0, p.groups, pack):
            for c in range(0, p.columns, wide):
                for first in range(0, down, height):
                    boxes = tuple(
                        (g, min(g + pack, p.groups), r * high, min((r + 1) * high, p.rows), c, min(c + wide, p.columns))
                        for r in range(first, min(first + height, down))
                    )
                    found.append(_Segment(layer, copy, len(found), height, boxes))
    return found


def _dealt(segments: list[_Segment], stacks: int) -> list[tuple[_Segment, int, int]]:
    """Each segment with its stack and the first place in it."""
    filled = [0] * stacks
    placed = []
    for i, segment in enumerate(segments):
        placed.append((segment, i % stacks, filled[i % stacks]))
        filled[i % stacks] += segment.height
    return placed


def _fewest(segments: list[_Segment], room: int) -> int:
    """The fewest stacks with room for all, found by trying."""
    total = sum(s.height for s in segments)
    stacks = max(1, math.ceil(total / room))
    while sum(s.height for s in segments[::stacks]) > room:  # the first stack is the fullest: heights fall
        stacks += 1
    return stacks


def _zones(segments: list[_Segment], room: int) -> dict[int, int]:
    """Stacks that the segments of each height take for themselves, the highest first."""
    count: dict[int, int] = {}
    for s in segments:
        count[s.height] = count.get(s.height, 0) + 1
    return {height: math.ceil(n / (room // height)) for height, n in count.items()}


def _table(placed: list[tuple[_Segment, int, int]], stack: int) -> Tiles:
    rows = [
        (s.layer, s.copy, s.number, *box, at, (y + k) % stack, (y + k) // stack)
        for s, at, y in placed
        for k, box in enumerate(s.boxes)
    ]
    table = np.array(rows, np.int64).reshape(len(rows), 12)
    return Tiles(*(np.ascontiguousarray(column) for column in table.T))
