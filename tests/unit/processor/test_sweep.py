"""Sweeps: grids, their designs one by one, what is left out, interruption."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.processor.capacity import on
from anamorph.processor.design import Processor
from anamorph.processor.grid import Grid, parse_values
from anamorph.processor.layers import Plan, plan
from anamorph.processor.sweep import Sweep, sweep
from anamorph.processor.workloads import load


@pytest.fixture(scope="module")
def lenet() -> Plan:
    return plan(load("lenet5"))


def values(**given: Any) -> Grid:
    return Grid(Processor(), given)


def test_values_as_text() -> None:
    found = parse_values(["memory=2d_nor,1t1r", "block=64:600", "pipelined=true,false", "bus_bits=100"])
    assert found == {"memory": ("2d_nor", "1t1r"), "block": (64, 128, 256, 512), "pipelined": (True, False),
                     "bus_bits": (100,)}  # fmt: skip
    for text in ("memory", "=3", "block=64:", "block=9:3"):
        with pytest.raises(BadInput, match="not a"):
            parse_values([text])
    with pytest.raises(BadInput, match="not a list of values"):
        parse_values(["stack=1", "stack=2"])


def test_grids_that_cannot_be() -> None:
    with pytest.raises(BadInput, match="no such parameter 'blok'.*'block'"):
        values(blok=(1,))
    with pytest.raises(BadInput, match="varied twice"):
        values(block=(64,), block_rows=(64,))
    with pytest.raises(BadInput, match="stack out of range"):
        values(stack=(1, 100))
    with pytest.raises(BadInput, match="designs; expected at most"):
        values(block_rows=tuple(range(1, 5001)), block_columns=tuple(range(1, 5001)))


def test_points_are_what_each_design_gives_alone(lenet: Plan) -> None:
    grid = values(memory=("2d_nor", "3d_nand"), block=(32, 100), stack=(1, 3), pipelined=(False, True), copies=(1, 5))
    found = sweep(lenet, grid)
    assert len(found.number) == len(grid) == 32 and found.complete
    assert {(p.memory, p.encoding) for p in map(found.processor, range(32))} == {("2d_nor", "ins"), ("3d_nand", "exp")}
    assert len({found.processor(i) for i in range(32)}) == 32
    for i in range(32):
        alone = on(lenet, found.processor(i))
        for name, value in (
            ("energy_efficiency", alone.efficiency), ("throughput", alone.throughput), ("latency", alone.latency),
            ("area", alone.chip_area),
        ):  # fmt: skip
            assert found.figures[name][i] == pytest.approx(value[0], rel=1e-12)
    assert found.front.any() and not found.front.all()


def test_what_cannot_work_is_counted_and_on_no_front(lenet: Plan) -> None:
    found = sweep(lenet, Grid(Processor(blocks=4), {"encoding": ("ins", "exp"), "memory": ("3d_nand", "2d_nor")}))
    assert sum(found.refused.values()) == int(np.isnan(found.figures["throughput"]).sum()) > 0
    assert "the network is larger than the chip" in found.refused
    assert not (found.front & np.isnan(found.figures["throughput"])).any()


def test_points_drawn_at_random_repeat_with_their_seed(lenet: Plan) -> None:
    grid = values(block_rows=tuple(range(50, 150)))
    drawn = [sweep(lenet, grid, 7, seed).number.tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2] and len(set(drawn[0])) == 7


def test_stopped_sweeps_keep_what_is_done(lenet: Plan) -> None:
    def stop(done: int, of: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    found: Sweep = sweep(lenet, values(memory=("2d_nor", "1t1r", "3d_nand"), stack=(1, 2)), watch=stop)
    assert (len(found.number), found.asked, found.complete) == (2, 6, False)
    assert found.front.any()
