"""The schedule of an inference as a value: which tile multiplies when, what the bus and the auxiliary unit do.

One layer at a time: each task begins when the one before has ended. Pipelined: a layer, or a loop of layers, is a stage
with blocks of its own; all stages work in windows of one period, each on another inference, stretched to fill its
window, so that bus and auxiliary unit can be shared by giving each a fixed part of their time.

`check.check` judges a schedule without knowing how it was made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from anamorph.processor.arrays import COUNTED
from anamorph.processor.components import library
from anamorph.processor.design import Processor
from anamorph.processor.designs import designs_of
from anamorph.processor.layers import Layer, Plan
from anamorph.processor.liveness import peak_values, pipeline_levels, stages_of
from anamorph.processor.mapping import Mapping, Tiles, place_tiles
from anamorph.processor.prices import Prices, prices
from anamorph.processor.rounds import Pace, Walk, walk
from anamorph.processor.stack import Costs, planes_of, stack_area, stack_cost
from anamorph.vmm.block import BlockCost


@dataclass(frozen=True)
class Uses:
    """What multiplies in a task, as columns of one table.

    Attributes:
        tile: index into the tiles.
        share: of the vectors: tile k of n in each round takes vector k, k + n, ...
        turn: within a round.
        segment: number; uses with equal share, turn and segment add up on one line.
    """

    tile: np.ndarray
    share: np.ndarray
    turn: np.ndarray
    segment: np.ndarray

    def __len__(self) -> int:
        return len(self.tile)


@dataclass(frozen=True)
class Task:
    """A step of a layer.

    Attributes:
        layer: index.
        step: of the layer.
        start, end: s from the begin of the inference.
        bus: seconds for which it needs the bus.
        unit: seconds for which it needs the auxiliary unit.
        walk: what a product's rounds take; None for a pass of the auxiliary unit.
        words: read and written.
        bits: on the bus.
        uses: what multiplies, for a product.
    """

    layer: int
    step: int
    start: float
    end: float
    bus: float
    unit: float
    walk: Walk | None
    words: tuple[int, int]
    bits: int
    uses: Uses | None


@dataclass(frozen=True)
class Chip:
    """What a schedule needs to know of the hardware.

    Attributes:
        planes: tiles per block.
        stacks: on the chip.
        word, begin, clock: seconds per word, until the first word is there, and per clock.
        multiply: seconds per turn, without choosing a plane.
        choose: seconds to choose a plane.
        late: seconds by which results are later than the blocks are free.
        add: seconds of an addition.
        memory_bits: of the memory.
    """

    planes: int
    stacks: int
    word: float
    begin: float
    clock: float
    multiply: float
    choose: float
    late: float
    add: float
    memory_bits: int


@dataclass(frozen=True)
class Schedule:
    """A whole inference.

    Attributes:
        plan: layers.
        processor: the design.
        chip: its hardware.
        block: cost of a stack.
        price: of components.
        tiles: where weights are.
        tasks: by start.
        period: s between inferences.
    """

    plan: Plan
    processor: Processor
    chip: Chip
    block: BlockCost
    price: Prices
    mapping: Mapping
    tiles: Tiles
    tasks: tuple[Task, ...]
    period: float

    @property
    def latency(self) -> float:
        """Seconds from the first task's start to the last one's end."""
        return max(t.end for t in self.tasks)


def build(plan: Plan, processor: Processor, costs: Costs | None = None) -> Schedule:
    """The schedule of a network on a processor, whether or not it has blocks and memory enough: see `check`.

    Args:
        plan: layers of the network.
        processor: design.
        costs: of multipliers, in place of `anamorph.vmm.cost.block_costs`.
    """
    one = designs_of([processor])
    block = stack_cost(one, costs)
    planes = int(planes_of(block, 1)[0])
    mapping = place_tiles(plan, processor, planes)
    levels = pipeline_levels(plan)
    held = peak_values(plan, levels if processor.pipelined else None) * processor.value_bits
    memory = held if processor.edram_bytes is None else 8 * processor.edram_bytes
    parts = stack_area(block, one)
    bits = (np.array([float(min(held, memory))]), np.array([float(memory)]))
    chips = (np.array([float(mapping.on_chip)]), np.array([float(len(np.unique(mapping.tiles.stack)))]))
    price = prices(one, *chips, library(processor.node), parts, *bits)
    chip = Chip(
        planes, mapping.on_chip, price.word[0].item(), price.begin[0].item(), library(processor.node).clock,
        _scalar(block.interval), _scalar(block.select_time), _scalar(block.time) - _scalar(block.interval),
        price.add_time[0].item(), memory,
    )  # fmt: skip
    tasks = [t for i in range(len(plan.layers)) for t in _tasks(plan, i, processor, chip, mapping)]
    ordered = [_in_order(tasks, stage) for stage in stages_of(plan)]
    if processor.pipelined:
        done, period = _pipelined(ordered, levels)
    else:
        done, period = _sequential([t for stage in ordered for t in stage])
    return Schedule(plan, processor, chip, block, price, mapping, mapping.tiles, tuple(done), period)


def _tasks(plan: Plan, index: int, processor: Processor, chip: Chip, mapping: Mapping) -> list[Task]:
    """All steps of a layer; start is 0 and end the duration until they are put in order."""
    layer = plan.layers[index]
    if layer.product is None:
        words, bits, unit = _pass(layer, processor, chip)
        bus = sum(words) * chip.word
        one = Task(index, 0, 0.0, max(bus, unit) + chip.begin, bus, unit, None, words, bits, None)
    else:
        uses = _uses(plan, index, processor, mapping)
        turns = int(uses.turn.max()) + 1
        parts = _parts(layer, processor)
        sums = float(np.ceil(np.log2(parts))) * chip.add
        pace = Pace(chip.word, chip.multiply, chip.choose, chip.late + sums + chip.begin)
        found = walk(layer.product, processor, mapping.used[index], turns, parts, pace)
        words = (found.read, found.written)
        one = Task(index, 0, 0.0, found.seconds, sum(words) * chip.word, 0.0, found, words, found.bits, uses)
    return [replace(one, step=step) for step in range(layer.steps)]


def _parts(layer: Layer, processor: Processor) -> int:
    assert layer.product is not None
    down = math.ceil(layer.product.rows / processor.block_rows)
    return math.ceil(down / processor.summed)


def _uses(plan: Plan, index: int, processor: Processor, mapping: Mapping) -> Uses:
    """The tiles of the copies that are used; turns by how many segments came before on the same stack."""
    product = plan.layers[index].product
    assert product is not None
    owner = index if processor.pipelined else product.owner
    t = mapping.tiles
    chosen = np.flatnonzero((t.layer == owner) & (t.copy < mapping.used[index]))
    seen: dict[int, int] = {}
    turn_of: dict[int, int] = {}
    for i in chosen:
        segment, stack = int(t.segment[i]), int(t.stack[i])
        if segment not in turn_of:
            turn_of[segment] = seen.get(stack, 0)
            seen[stack] = turn_of[segment] + 1
    turns = np.array([turn_of[int(s)] for s in t.segment[chosen]], np.int64)
    return Uses(chosen, t.copy[chosen], turns, t.segment[chosen])


def _pass(layer: Layer, processor: Processor, chip: Chip) -> tuple[tuple[int, int], int, float]:
    """Words in and out of a step, their bits, and seconds of the unit."""
    taken, given = (math.ceil(n / layer.steps) for n in (layer.taken, layer.given))
    read, written = (math.ceil(n * processor.value_bits / processor.bus_bits) for n in (taken, given))
    longest = max((n for kind, n in layer.operations.items() if kind in COUNTED), default=0)
    seconds = math.ceil(longest / (layer.steps * processor.aux_lanes)) * chip.clock
    return (read, written), (taken + given) * processor.value_bits, seconds


def _in_order(tasks: list[Task], stage: list[int]) -> list[Task]:
    """A stage's tasks: in a loop step by step through its layers."""
    mine = [t for t in tasks if t.layer in stage]
    return sorted(mine, key=lambda t: (t.step, t.layer)) if len(stage) > 1 else mine


def _sequential(tasks: list[Task]) -> tuple[list[Task], float]:
    now, done = 0.0, []
    for task in tasks:
        done.append(replace(task, start=now, end=now + task.end))
        now = done[-1].end
    return done, now


def _pipelined(stages: list[list[Task]], levels: list[int]) -> tuple[list[Task], float]:
    """Stretch every stage to the period, the shortest in which bus and unit can serve all."""
    durations = [sum(t.end for t in stage) for stage in stages]
    needs = []
    for what in ("bus", "unit"):
        shares = [max(getattr(t, what) / t.end for t in stage) for stage in stages]
        needs.append(sum(d * s for d, s in zip(durations, shares, strict=True)))
    period = max(*durations, *needs)
    done: list[Task] = []
    for stage, duration in zip(stages, durations, strict=True):
        now = levels[stage[0].layer] * period
        for task in stage:
            span = task.end * period / duration
            done.append(replace(task, start=now, end=now + span))
            now += span
    return sorted(done, key=lambda t: t.start), period


def _scalar(value: object) -> float:
    return float(np.asarray(value).reshape(-1)[0])
