"""Time, energy and area of a network on processors: a closed form over layers and designs at once.

Layers are rows and designs are columns of every array, so one design takes milliseconds and a hundred thousand take
seconds. It equals the totals of the schedule (`schedule.build`, `totals.totals`), which lays out every tile and every
round one by one; tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float, Int

from anamorph.processor.arrays import Columns
from anamorph.processor.components import library
from anamorph.processor.designs import Designs
from anamorph.processor.movement import Moved, pass_moves, product_moves, quicker
from anamorph.processor.placement import Placement, place
from anamorph.processor.prices import Prices, prices
from anamorph.processor.stack import Costs, planes_of, stack_area, stack_cost
from anamorph.vmm.block import BlockCost

Row = Float[np.ndarray, " designs"]
Table = Float[np.ndarray, "layers designs"]
PassTable = Float[np.ndarray, "passes designs"]
#: Parts of a multiplier, as its cost names them.
BLOCK_PARTS = ("array", "input", "integration", "conversion")


@dataclass(frozen=True)
class Evaluation:
    """Per inference; arrays over designs.

    Attributes:
        columns: the layers.
        designs: the processors.
        place: the mapping.
        price: of components.
        block: cost of what multiplies at once in a stack.
        products, passes: what moves in each layer.
        busy: seconds of the auxiliary unit in each pass.
        latency: from input to output, s.
        period: between inferences, s: the latency, or that of a stage of the pipeline.
        energy: by component, J.
        layer_energy: of products and of passes, without leakage, J.
        area: by component, m².
        memory_bits: of the memory on the chip.
        held_bits: that the network needs of it.
    """

    columns: Columns
    designs: Designs
    place: Placement
    price: Prices
    block: BlockCost
    products: Moved
    passes: Moved
    busy: PassTable
    latency: Row
    period: Row
    energy: dict[str, Row]
    layer_energy: tuple[Table, PassTable]
    area: dict[str, Row]
    memory_bits: Int[np.ndarray, " designs"]
    held_bits: Int[np.ndarray, " designs"]

    @property
    def energy_per_inference(self) -> Row:
        """All components, J."""
        return cast(Row, sum(self.energy.values()))

    @property
    def chip_area(self) -> Row:
        """All components, m²."""
        return cast(Row, sum(self.area.values()))

    @property
    def operations(self) -> int:
        """Two for each multiply-accumulate, of stored weights and of two activations."""
        return 2 * (self.columns.macs + self.columns.vector_macs)

    @property
    def throughput(self) -> Row:
        """Operations per second."""
        return self.operations / self.period

    @property
    def efficiency(self) -> Row:
        """Operations per joule."""
        return self.operations / self.energy_per_inference

    @property
    def capacity(self) -> Row:
        """Weights that the chip has room for."""
        d = self.designs
        per_stack = d.stack * d.block_rows * d.block_columns * self.block.planes
        return (self.place.stacks * per_stack).astype(float)

    @property
    def area_efficiency(self) -> Row:
        """Bytes of weights per square metre."""
        return self.capacity * self.designs.weight_bits / 8 / self.chip_area

    @property
    def utilisation(self) -> Row:
        """Share of the places for weights that hold one."""
        return self.columns.weights / self.capacity

    @property
    def works(self) -> np.ndarray:
        """Whether the network fits, in blocks and in memory, and the multiplier can exist."""
        held = np.asarray(self.held_bits <= self.memory_bits)
        return self.place.fits & held & np.isfinite(self.efficiency) & np.isfinite(self.throughput)


def evaluate(columns: Columns, designs: Designs, costs: Costs | None = None) -> Evaluation:
    """All figures of a network on designs; whether a design can exist is `vmm.refusal`'s business.

    Args:
        columns: layers, made for pipelined designs if these are.
        designs: processors.
        costs: of multipliers, in place of `anamorph.vmm.cost.block_costs`.
    """
    d, p = designs, columns.products
    block = stack_cost(d, costs)
    planes = planes_of(block, len(d))
    where = place(p, d, planes)
    held = (columns.peak_pipelined if d.pipelined else columns.peak) * d.value_bits
    memory = np.where(d.edram_bytes > 0, 8 * d.edram_bytes, held)
    parts = stack_area(block, d)
    in_use = np.minimum(held, memory).astype(float)
    chip, occupied = where.stacks.astype(float), where.occupied.astype(float)
    price = prices(d, chip, occupied, library(d.node), parts, in_use, memory.astype(float))

    turning = where.turns > 1
    sums = np.ceil(np.log2(where.parts)) * price.add_time
    late = block.time - block.interval + sums + price.begin
    multiply = where.turns * (block.interval + turning * block.select_time)
    first = late + np.where(turning, 0.0, block.select_time)
    products = product_moves(p, d, where, price.word, multiply, first)
    if (turning & (block.select_time > 0)).any():
        interval = np.broadcast_to(block.interval, multiply.shape)
        turns = product_moves(p, d, where, price.word, interval, late + block.select_time, turn_by_turn=True)
        products = quicker(products, turns)
    passes, busy = pass_moves(columns.passes, d, price.word, library(d.node).clock, price.begin)
    latency, period = _times(columns, d, products, passes, busy)
    energy, by_layer = _energies(columns, d, where, block, price, products, passes)
    span = period if d.pipelined else None
    on = where.enabled * (products.duration if span is None else span)
    energy["blocks' leakage"] = (p.times * on).sum(axis=0) * block.leakage
    for name, power in price.idle.items():
        energy[name] = energy.get(name, 0.0) + power * period
    return Evaluation(columns, d, where, price, block, products, passes, busy, latency, period, energy, by_layer,
                      price.area, memory, held)  # fmt: skip


def _times(columns: Columns, d: Designs, products: Moved, passes: Moved, busy: PassTable) -> tuple[Row, Row]:
    """Latency and the time between inferences."""
    p, q = columns.products, columns.passes
    latency = (p.times * products.duration).sum(axis=0) + (q.times * passes.duration).sum(axis=0)
    if not d.pipelined:
        return latency, latency
    longest, bus, unit = np.zeros(len(d)), np.zeros(len(d)), np.zeros(len(d))
    for loop in sorted({-1, *p.loop.tolist(), *q.loop.tolist()}):
        a, b = p.loop == loop, q.loop == loop
        durations = np.concatenate([products.duration[a], passes.duration[b]])
        moving = np.concatenate([products.bus[a], passes.bus[b]])
        idle = np.zeros_like(products.bus[a])
        working = np.concatenate([idle, busy[b]])
        times = np.concatenate([p.times[a], q.times[b]])
        if not len(times):
            continue
        if loop < 0:  # each layer is a stage of its own
            longest = np.maximum(longest, durations.max(axis=0))
            bus, unit = bus + (times * moving).sum(axis=0), unit + (times * working).sum(axis=0)
        else:  # a loop is one; it keeps the largest share of bus and unit that any of its layers needs
            whole = (times * durations).sum(axis=0)
            longest = np.maximum(longest, whole)
            bus, unit = bus + whole * (moving / durations).max(axis=0), unit + whole * (working / durations).max(axis=0)
    period = np.maximum(longest, np.maximum(bus, unit))
    return columns.depth * period, period


def _energies(
    columns: Columns, d: Designs, where: Placement, block: BlockCost, price: Prices, products: Moved, passes: Moved
) -> tuple[dict[str, Row], tuple[Table, PassTable]]:
    """Dynamic energy by component, and by layer."""
    p, q = columns.products, columns.passes
    vectors = p.steps * p.lines * p.line
    of_layer = {name: vectors * value for name, value in _multiplying(columns, d, where, block).items()}
    fresh = where.segments * where.used * p.steps  # segments that are told to begin
    of_layer["plane selection"] = products.chosen * fresh * block.select_energy
    of_layer["buffer"] = products.shifts * price.shift
    of_layer["memory"] = (products.read + products.written) * price.access
    of_layer["bus"] = products.bits * price.transfer
    adds = vectors * (where.parts - 1) * p.columns * p.groups
    behind = p.operations @ price.operation
    of_layer["sums and functions"] = adds * price.add + behind
    of_layer["control"] = products.chosen * fresh * where.height * price.command
    of_pass = {
        "memory": (passes.read + passes.written) * price.access,
        "bus": passes.bits * price.transfer,
        "auxiliary unit": q.operations @ price.operation,
        "control": q.steps * price.command,
    }
    energy: dict[str, Row] = {}
    for times, parts in ((p.times, of_layer), (q.times, of_pass)):
        for name, value in parts.items():
            energy[name] = energy.get(name, 0.0) + (times * value).sum(axis=0)
    return energy, (cast(Table, sum(of_layer.values())), cast(PassTable, sum(of_pass.values())))


def _multiplying(columns: Columns, d: Designs, where: Placement, block: BlockCost) -> dict[str, Table]:
    """Energy of one vector in all segments of one copy, by part: segments of five sizes, by how full they are."""
    p = columns.products
    tall = where.height * d.block_rows
    last = p.rows - (where.parts - 1) * tall
    narrow = p.columns - (where.across - 1) * d.block_columns
    rest = p.groups - (where.packs - 1) * where.pack
    sizes = (
        ((where.parts - 1) * (where.across - 1) * where.packs, tall, d.block_columns),
        ((where.parts - 1) * where.packs, tall, narrow),
        ((where.across - 1) * where.packs, last, d.block_columns),
        (where.packs - 1, where.pack * last, where.pack * narrow),
        (np.ones_like(where.packs), rest * last, rest * narrow),
    )
    found: dict[str, Table] = dict.fromkeys(BLOCK_PARTS, np.zeros(where.packs.shape))
    for count, rows, wide in sizes:
        if not count.any():
            continue
        used = np.broadcast_arrays(np.maximum(rows, 1), np.maximum(wide, 1), where.packs)
        for name, value in block.energy_of(used[0], used[1]).items():
            found[name] = found.get(name, 0.0) + count * value
    return found
