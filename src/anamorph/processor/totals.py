"""Time and energy of a schedule, task by task and tile by tile: what `evaluate` gives in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anamorph.processor.arrays import COUNTED
from anamorph.processor.schedule import Schedule, Task


@dataclass(frozen=True)
class Totals:
    """Of one inference.

    Attributes:
        latency, period: s.
        energy: by component, J.
        macs: multiply-accumulates that were done, cells without a weight included.
    """

    latency: float
    period: float
    energy: dict[str, float]
    macs: int


def totals(schedule: Schedule) -> Totals:
    """Add up a schedule."""
    energy: dict[str, float] = {}
    seen: dict[int, dict[str, float]] = {}
    macs = 0
    for task in schedule.tasks:
        if task.layer not in seen:
            seen[task.layer] = _product(schedule, task) if task.uses is not None else _pass(schedule, task)
        for name, value in seen[task.layer].items():
            energy[name] = energy.get(name, 0.0) + value
        if task.uses is not None and task.walk is not None:
            macs += _macs(schedule, task)
            stacks = len(np.unique(schedule.tiles.stack[task.uses.tile]))
            whole = schedule.plan.layers[task.layer].steps
            on = schedule.period / whole if schedule.processor.pipelined else task.end - task.start
            leak = stacks * on * float(np.asarray(schedule.block.leakage).reshape(-1)[0])
            energy["blocks' leakage"] = energy.get("blocks' leakage", 0.0) + leak
    for name, power in schedule.price.idle.items():
        energy[name] = energy.get(name, 0.0) + float(power[0]) * schedule.period
    return Totals(schedule.latency, schedule.period, energy, macs)


def _share(schedule: Schedule, task: Task, share: int) -> int:
    """Vectors of a step that fall to one copy: every n-th of each line."""
    product = schedule.plan.layers[task.layer].product
    assert product is not None
    n = schedule.mapping.used[task.layer]
    return product.lines * len(range(share, product.line, n))


def _macs(schedule: Schedule, task: Task) -> int:
    assert task.uses is not None
    t, uses = schedule.tiles, task.uses
    counts = {k: _share(schedule, task, k) for k in set(uses.share.tolist())}
    size = (t.group1 - t.group0) * (t.row1 - t.row0) * (t.column1 - t.column0)
    return sum(int(size[i]) * counts[int(k)] for i, k in zip(uses.tile, uses.share, strict=True))


def _product(schedule: Schedule, task: Task) -> dict[str, float]:
    assert task.uses is not None and task.walk is not None
    t, uses, price = schedule.tiles, task.uses, schedule.price
    layer = schedule.plan.layers[task.layer]
    product = layer.product
    assert product is not None
    segments: dict[tuple[int, int], list[int]] = {}
    for tile, share, segment in zip(uses.tile, uses.share, uses.segment, strict=True):
        segments.setdefault((int(share), int(segment)), []).append(int(tile))
    energy: dict[str, float] = {}
    prices: dict[tuple[int, int], dict[str, float]] = {}
    for (share, _), tiles in segments.items():
        size = (int(t.rows_used[tiles].sum()), int(t.columns_used[tiles[0]]))
        if size not in prices:
            found = schedule.block.energy_of(np.array([size[0]]), np.array([size[1]]))
            prices[size] = {name: float(np.asarray(value).reshape(-1)[0]) for name, value in found.items()}
        for name, value in prices[size].items():
            energy[name] = energy.get(name, 0.0) + value * _share(schedule, task, share)
    times = task.walk.chosen
    select = float(np.asarray(schedule.block.select_energy).reshape(-1)[0])
    energy["plane selection"] = times * len(segments) * select
    reserved = math.ceil(math.ceil(product.rows / schedule.processor.block_rows) / _parts(segments, t))
    energy["control"] = times * len(segments) * reserved * float(price.command[0])
    wide = math.ceil(product.columns / schedule.processor.block_columns)
    energy["buffer"] = task.walk.shifts * wide * float(price.shift[0])
    _moving(energy, schedule, task)
    sums = (_parts(segments, t) - 1) * product.columns * product.groups * product.vectors
    behind = sum(layer.operations.get(kind, 0) * float(price.operation[k, 0]) for k, kind in enumerate(COUNTED))
    energy["sums and functions"] = sums * float(price.add[0]) + behind / layer.steps
    return energy


def _parts(segments: dict[tuple[int, int], list[int]], tiles: object) -> int:
    """Segments of one copy that a matrix is high: those that give the same columns of the same groups."""
    heights: dict[tuple[int, int], int] = {}
    for (share, _), found in segments.items():
        if share == 0:
            key = (int(tiles.group0[found[0]]), int(tiles.column0[found[0]]))  # pyright: ignore[reportAttributeAccessIssue]
            heights[key] = heights.get(key, 0) + 1
    return max(heights.values())


def _pass(schedule: Schedule, task: Task) -> dict[str, float]:
    layer, price = schedule.plan.layers[task.layer], schedule.price
    work = sum(layer.operations.get(kind, 0) * float(price.operation[k, 0]) for k, kind in enumerate(COUNTED))
    energy = {"auxiliary unit": work / layer.steps, "control": float(price.command[0])}
    _moving(energy, schedule, task)
    return energy


def _moving(energy: dict[str, float], schedule: Schedule, task: Task) -> None:
    words, price = sum(task.words), schedule.price
    energy["memory"] = energy.get("memory", 0.0) + words * float(price.access[0])
    energy["bus"] = energy.get("bus", 0.0) + task.bits * float(price.transfer[0])
