"""Cutting matrices into tiles: by hand where it can be done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from anamorph.processor.arrays import columns_of
from anamorph.processor.design import Processor
from anamorph.processor.designs import designs_of
from anamorph.processor.layers import plan
from anamorph.processor.placement import Placement, place, pooled_stacks
from anamorph.processor.workloads.build import Builder


def placed(b: Builder, planes: int = 1, **given: Any) -> Placement:
    small: dict[str, Any] = {"block_rows": 10, "block_columns": 10, "stack": 1}
    one = designs_of([Processor(**small | given)])
    columns = columns_of(plan(b.network()), pipelined=one.pipelined)
    return place(columns.products, one, np.array([planes]))


def dense(rows: int, columns: int, vectors: int = 1) -> Builder:
    b = Builder("n", "here")
    b.dense("dense", b.take("x", vectors, rows), columns)
    return b


def test_a_matrix_of_several_blocks() -> None:
    p = placed(dense(25, 31))
    assert (p.down[0, 0], p.across[0, 0], p.parts[0, 0], p.segments[0, 0]) == (3, 4, 3, 12)
    assert (p.tiles[0, 0], p.needed[0], p.turns[0, 0]) == (12, 12, 1)


def test_sums_on_shared_lines_take_a_stack_and_one_conversion() -> None:
    p = placed(dense(45, 31), stack=3)
    assert (p.parts[0, 0], p.height[0, 0], p.segments[0, 0]) == (2, 3, 8)  # 5 blocks high: 3 and 2
    assert p.needed[0] == 8
    digital = placed(dense(45, 31), stack=3, accumulation="digital")
    assert (digital.parts[0, 0], digital.height[0, 0], digital.needed[0]) == (5, 1, 7)
    assert digital.turns[0, 0] == 3  # 20 segments on 7 stacks


def test_small_groups_stand_corner_to_corner() -> None:
    b = Builder("n", "here")
    b.convolution("depthwise", b.take("x", 32, 4, 4), 32, 3, groups=32)
    assert placed(b).tiles[0, 0] == 32  # a group has 9 of 10 rows
    assert placed(b, block_rows=90).tiles[0, 0] == 4  # 10 groups of 9 rows and one column
    assert placed(b, block_rows=90, block_columns=3).tiles[0, 0] == 11


def test_copies_go_with_vectors() -> None:
    b = Builder("n", "here")
    x = b.convolution("many", b.take("x", 1, 8, 8), 1, 3)
    b.convolution("few", x, 1, 3, stride=2)
    p = placed(b, copies=8)
    assert p.stored[:, 0].tolist() == [8, 2] and p.used[:, 0].tolist() == [8, 2]
    assert placed(b, copies=100).stored[:, 0].tolist() == [8, 4]  # no more than vectors in a line


def test_planes_hold_many_tiles_and_multiply_with_one() -> None:
    p = placed(dense(25, 31), planes=4)
    assert (p.needed[0], p.turns[0, 0], p.enabled[0, 0]) == (3, 4, 3)
    chip = placed(dense(25, 31), planes=4, blocks=6)
    assert (chip.needed[0], chip.turns[0, 0], chip.enabled[0, 0]) == (3, 2, 6)


def test_fewest_stacks_by_trying_all() -> None:
    rng = np.random.default_rng(0)
    heights = np.arange(5, 0, -1)[:, None]
    for _ in range(50):
        count, room = rng.integers(0, 9, (5, 1)), int(rng.integers(5, 20))
        count[0] += 1
        items = np.repeat(heights[:, 0], count[:, 0])
        fewest = next(s for s in range(1, 99) if max(items[j::s].sum() for j in range(min(s, len(items)))) <= room)
        assert pooled_stacks(heights, count, np.array([room]))[0] == fewest
