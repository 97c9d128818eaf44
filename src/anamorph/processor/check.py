"""Judge a schedule: every multiply-accumulate once, nothing used twice at a time, memory never too full, order kept.

Nothing here asks how the schedule was made; the plan, the processor and the chip are believed, the rest is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anamorph.errors import BadInput
from anamorph.processor.check_shared import memory_faults, order_faults, shared_faults
from anamorph.processor.mapping import Tiles
from anamorph.processor.rounds import Pace, walk
from anamorph.processor.schedule import Schedule, Task, Uses

#: Rounding of times added up, relative to the latency.
ROUNDING = 1e-9
#: Faults shown in a message.
SHOWN = 3


def check(schedule: Schedule) -> None:
    """Raises `BadInput` with the first faults of a schedule."""
    found = faults(schedule)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        where = f"schedule of {schedule.plan.network.name}"
        raise BadInput(f"not a schedule: {'; '.join(found[:SHOWN])}{more}", where=where)


def faults(schedule: Schedule) -> list[str]:
    """All that is wrong with a schedule, in words."""
    found = [*_places(schedule), *_tasks(schedule)]
    if found:  # what follows takes tiles and tasks to exist
        return found
    return [*_work(schedule), *shared_faults(schedule), *memory_faults(schedule), *order_faults(schedule)]


def _places(schedule: Schedule) -> Iterator[str]:
    """Tiles are on the chip, no larger than a block, and no two in one place."""
    t, p, chip = schedule.tiles, schedule.processor, schedule.chip
    for name, column, limit in (
        ("stack", t.stack, chip.stacks), ("block", t.block, p.stack), ("plane", t.plane, chip.planes),
    ):  # fmt: skip
        if ((column < 0) | (column >= limit)).any():
            yield f"a tile on {name} {column.max()}, where there are {limit}"
    if (t.rows_used > p.block_rows).any() or (t.columns_used > p.block_columns).any():
        yield "a tile larger than a block"
    sizes = (t.group1 - t.group0, t.row1 - t.row0, t.column1 - t.column0)
    if any((size < 1).any() for size in sizes):
        yield "an empty tile"
    place = np.stack([t.stack, t.block, t.plane], axis=1)
    if len(np.unique(place, axis=0)) != len(place):
        yield "two tiles in one place"


def _tasks(schedule: Schedule) -> Iterator[str]:
    """Every step of every layer is there once, ends after it begins, and knows its tiles."""
    wanted = {(i, step) for i, layer in enumerate(schedule.plan.layers) for step in range(layer.steps)}
    got = [(t.layer, t.step) for t in schedule.tasks]
    if len(got) != len(set(got)) or set(got) != wanted:
        yield f"{len(got)} tasks where there are {len(wanted)} steps, or one of them twice"
    for task in schedule.tasks:
        if not 0 <= task.start < task.end:
            yield f"a task of layer {task.layer} from {task.start:g} s to {task.end:g} s"
        product = 0 <= task.layer < len(schedule.plan.layers) and schedule.plan.layers[task.layer].product is not None
        if product != (task.uses is not None and task.walk is not None):
            yield f"layer {task.layer} multiplies without tiles, or has tiles and nothing to multiply"
        elif task.uses is not None and not ((task.uses.tile >= 0) & (task.uses.tile < len(schedule.tiles))).all():
            yield f"layer {task.layer} uses tiles that are not there"


def _work(schedule: Schedule) -> Iterator[str]:
    """Each task does all of its product once, in turns that can be, in the time that they take."""
    judged: dict[tuple[int, int], list[str]] = {}
    for task in schedule.tasks:
        if task.uses is None:
            if not _long_enough(schedule, task, max(task.bus, task.unit)):
                yield f"{_name(schedule, task)} is too short for what moves"
            continue
        key = (task.layer, id(task.uses))  # the steps of a layer share a table
        if key not in judged:
            judged[key] = [*_covered(schedule, task, task.uses), *_turns(schedule, task, task.uses)]
            yield from judged[key]
        if not _long_enough(schedule, task, _seconds(schedule, task, task.uses)):
            yield f"{_name(schedule, task)} is too short for its rounds"


def _name(schedule: Schedule, task: Task) -> str:
    return f"{schedule.plan.layers[task.layer].name}, step {task.step + 1}"


def _long_enough(schedule: Schedule, task: Task, seconds: float) -> bool:
    return task.end - task.start >= seconds - ROUNDING * schedule.latency


def _covered(schedule: Schedule, task: Task, uses: Uses) -> Iterator[str]:
    """Every cell of the matrices, for every share of the vectors, exactly once."""
    t, layer = schedule.tiles, schedule.plan.layers[task.layer]
    product = layer.product
    assert product is not None
    owner = task.layer if schedule.processor.pipelined else product.owner
    if (t.layer[uses.tile] != owner).any():
        yield f"{layer.name} multiplies with another layer's cells"
    shares = np.unique(uses.share)
    if not np.array_equal(shares, np.arange(len(shares))) or len(shares) != schedule.mapping.used[task.layer]:
        yield f"{layer.name} leaves vectors out: its copies are {shares.tolist()}"
    for share in shares:
        count = cover(t, uses.tile[uses.share == share], (product.groups, product.rows, product.columns))
        if (count != 1).any():
            yield f"{layer.name}, copy {share}: parts are multiplied {count.min()} to {count.max()} times"


def cover(t: Tiles, chosen: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """How often each part of (groups, rows, columns) is in the chosen tiles; parts are cut where tiles begin or end."""
    ends = ((t.group0, t.group1), (t.row0, t.row1), (t.column0, t.column1))
    cuts = [np.unique(np.concatenate([a[chosen], b[chosen], [0, size]]))
            for (a, b), size in zip(ends, shape, strict=True)]  # fmt: skip
    if any(c[0] < 0 or c[-1] > size for c, size in zip(cuts, shape, strict=True)):
        return np.array([-1])
    count = np.zeros([len(c) - 1 for c in cuts], np.int64)
    at = [(np.searchsorted(c, a[chosen]), np.searchsorted(c, b[chosen]))
          for c, (a, b) in zip(cuts, ends, strict=True)]  # fmt: skip
    for g0, g1, r0, r1, c0, c1 in zip(*(edge for pair in at for edge in pair), strict=True):
        count[g0:g1, r0:r1, c0:c1] += 1
    return count


def _turns(schedule: Schedule, task: Task, uses: Uses) -> Iterator[str]:
    """In one turn a stack does one segment: other blocks, the same columns, the same vectors, and sums in the array."""
    t, name = schedule.tiles, schedule.plan.layers[task.layer].name
    if (uses.turn < 0).any():
        yield f"{name} has a turn before the first"
    key = np.stack([t.stack[uses.tile], uses.turn], axis=1)
    same = np.stack([uses.segment, uses.share, t.group0[uses.tile], t.group1[uses.tile], t.column0[uses.tile],
                     t.column1[uses.tile]], axis=1)  # fmt: skip
    _, at, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    at = at.reshape(-1)
    if len(np.unique(np.column_stack([at, same]), axis=0)) != len(count):
        yield f"{name} uses a stack twice at a time"
    if len(np.unique(np.column_stack([at, t.block[uses.tile]]), axis=0)) != len(at):
        yield f"{name} uses a block twice at a time"
    if (count > schedule.processor.summed).any():
        yield f"{name} sums {count.max()} blocks on one line, where {schedule.processor.summed} can be"


def _seconds(schedule: Schedule, task: Task, uses: Uses) -> float:
    """What the rounds take, walked through once more."""
    product, chip = schedule.plan.layers[task.layer].product, schedule.chip
    assert product is not None
    t, first = schedule.tiles, uses.share == 0
    kinds = np.stack([t.group0[uses.tile], t.column0[uses.tile], uses.segment], axis=1)[first]
    # segments that give the same columns of the same groups are parts of one sum
    parts = int(np.unique(np.unique(kinds, axis=0)[:, :2], axis=0, return_counts=True)[1].max())
    pace = Pace(chip.word, chip.multiply, chip.choose, chip.late + chip.begin)
    used = schedule.mapping.used[task.layer]
    return walk(product, schedule.processor, used, int(uses.turn.max()) + 1, parts, pace).seconds
