"""How many blocks the matrices of a network take, and in how many turns they multiply: closed form over all designs.

A matrix is cut into tiles of a block's size; small groups stand corner to corner in one tile. Tiles of one block column
whose currents add up on shared bit lines are a segment: it multiplies at once and needs a stack's neurons for itself.
A stack has room for `stack` x planes tiles. What shares a stack takes turns, so a layer's segments are dealt out to
stacks one after another: either to all stacks, the highest segments first (which wastes little where stacks have room
for many), or those of each height to stacks of their own (where they have room for few); whichever takes fewer stacks,
and the former where the chip has enough. Pipelined, each layer has stacks of its own.

`mapping.place` does the same tile by tile; tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from anamorph.processor.arrays import Products
from anamorph.processor.designs import Designs

Table = Int[np.ndarray, "layers designs"]
Row = Int[np.ndarray, " designs"]


@dataclass(frozen=True)
class Placement:
    """Whole numbers of a mapping.

    Attributes:
        pack: groups in one tile.
        packs: tiles beside each other that hold the groups.
        across: tiles that a matrix is wide.
        down: tiles that it is high.
        parts: segments that it is high.
        height: tiles of a segment (the last of a matrix may have fewer).
        segments: of one copy of the layer.
        stored: copies of the layer on the chip.
        used: vectors of a line multiplied at once.
        turns: one after another until all segments have multiplied.
        enabled: stacks at work while the layer runs.
        tiles: that hold weights, all copies; 0 where another layer's cells are used.
        needed: stacks that the network needs.
        stacks: on the chip.
        occupied: stacks with tiles; the others are switched off.
    """

    pack: Table
    packs: Table
    across: Table
    down: Table
    parts: Table
    height: Table
    segments: Table
    stored: Table
    used: Table
    turns: Table
    enabled: Table
    tiles: Table
    needed: Row
    stacks: Row
    occupied: Row

    @property
    def fits(self) -> np.ndarray:
        """Whether the chip has the stacks that the network needs."""
        return self.needed <= self.stacks


def place(products: Products, designs: Designs, planes: Row) -> Placement:
    """The mapping of all layers on all designs; `planes` is how many tiles a block holds."""
    p, d = products, designs
    pack = np.minimum(np.minimum(d.block_rows // p.rows, d.block_columns // p.columns), p.groups)
    pack = np.maximum(pack, 1)
    packs = -(-p.groups // pack)
    across, down = -(-p.columns // d.block_columns), -(-p.rows // d.block_rows)
    parts = -(-down // d.summed)
    height = -(-down // parts)
    segments = packs * across * parts
    most = (p.family * (p.stored > 0)).max()
    stored = np.clip(-(-d.copies * p.family // most), 1, p.room)
    rounds = -(-p.line // np.minimum(stored, p.line))
    used = -(-p.line // rounds)
    wanted = segments * stored
    room = d.stack * planes
    if d.pipelined:
        own = -(-wanted // (room // height))
        occupied = needed = (own * p.times).sum(axis=0)
        turns, enabled = -(-segments * used // own), np.minimum(own, segments * used)
    else:
        heights, count = by_height(height, wanted * p.stored * p.times)
        pooled, zones = pooled_stacks(heights, count, room), -(-count // (room // heights).clip(1))
        needed = np.minimum(pooled, zones.sum(axis=0))
        chip = np.where(d.blocks > 0, np.maximum(d.blocks // d.stack, needed), needed)
        zone = np.take_along_axis(zones, heights[0] - height, axis=0)
        own = np.where(pooled <= chip, chip, zone)
        occupied = np.where(pooled <= chip, np.minimum(chip, count.sum(axis=0)), needed)
        turns, enabled = -(-segments * used // own), np.minimum(own, segments * used)
    tiles = packs * across * down * stored * p.stored
    stacks = np.where(d.blocks > 0, d.blocks // d.stack, needed)
    return Placement(pack, packs, across, down, parts, height, segments, stored, used, turns, enabled, tiles, needed,
                     stacks, occupied)  # fmt: skip


def by_height(height: Table, segments: Table) -> tuple[np.ndarray, np.ndarray]:
    """Heights from the largest down to 1, ``[heights, 1]``, and how many segments have each, ``[heights, designs]``."""
    heights = np.arange(int(height.max()), 0, -1)[:, None]
    return heights, np.stack([(segments * (height == h)).sum(axis=0) for h in heights[:, 0]])


def pooled_stacks(heights: np.ndarray, count: np.ndarray, room: Row) -> Row:
    """The fewest stacks that have room for all segments, dealt out from the highest to the lowest.

    With S stacks the fullest is the first, which gets every S-th segment: the sum over heights h of h times the
    multiples of S among the ranks of segments of that height. It falls with S, so bisection finds the fewest.
    """
    end = count.cumsum(axis=0)
    begin = end - count
    low, high = np.zeros(len(room), np.int64), end[-1].copy()
    while (open_ := low + 1 < high).any():
        middle = np.where(open_, (low + high) // 2, high)
        filled = (heights * (-(-end // middle) - -(-begin // middle))).sum(axis=0)
        enough = filled <= room
        high, low = np.where(open_ & enough, middle, high), np.where(open_ & ~enough, middle, low)
    return high
