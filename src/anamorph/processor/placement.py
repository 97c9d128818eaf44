"""How many blocks the matrices of a network take, and in how many turns they multiply: closed form over all designs.

A matrix is cut into tiles of a block's size; small groups stand corner to corner in one tile. Tiles of one block column
whose currents add up on shared bit lines are a segment: it multiplies at once and needs a stack's neurons for itself.
A stack has room for `stack` x planes tiles. Segments of equal height are dealt out to stacks one after another, the
highest first, so that a layer's segments are on as many stacks as there are; what shares a stack takes turns.

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
        needed = (own * p.times).sum(axis=0)
        turns, enabled = -(-segments * used // own), np.minimum(own, segments * used)
    else:
        needed = pooled_stacks(height, wanted * p.stored * p.times, d, room)
        own = np.broadcast_to(needed, wanted.shape)
        chip = np.where(d.blocks > 0, np.maximum(d.blocks // d.stack, needed), needed)
        turns, enabled = -(-segments * used // chip), np.minimum(chip, segments * used)
    tiles = packs * across * down * stored * p.stored
    stacks = np.where(d.blocks > 0, d.blocks // d.stack, needed)
    return Placement(pack, packs, across, down, parts, height, segments, stored, used, turns, enabled, tiles, needed,
                     stacks)  # fmt: skip


def pooled_stacks(height: Table, segments: Table, designs: Designs, room: Row) -> Row:
    """The fewest stacks that have room for all segments, dealt out from the highest to the lowest.

    With S stacks the fullest is the first, which gets every S-th segment: the sum over heights h of h times the
    multiples of S among the ranks of segments of that height. It falls with S, so bisection finds the fewest.
    """
    highest = int(height.max())
    heights = np.arange(highest, 0, -1)[:, None]
    count = np.stack([(segments * (height == h)).sum(axis=0) for h in heights[:, 0]])
    end = count.cumsum(axis=0)
    begin = end - count
    low, high = np.zeros(len(designs), np.int64), end[-1].copy()
    while (open_ := low + 1 < high).any():
        middle = np.where(open_, (low + high) // 2, high)
        filled = (heights * (-(-end // middle) - -(-begin // middle))).sum(axis=0)
        enough = filled <= room
        high, low = np.where(open_ & enough, middle, high), np.where(open_ & ~enough, middle, low)
    return high
