"""Schedules of random networks on random processors: valid, found out when broken, and equal to the closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.errors import BadInput
from anamorph.processor.arrays import columns_of
from anamorph.processor.check import check, faults
from anamorph.processor.design import Processor
from anamorph.processor.designs import designs_of
from anamorph.processor.evaluate import evaluate
from anamorph.processor.layers import plan
from anamorph.processor.schedule import Schedule, Task, build
from anamorph.processor.totals import totals
from anamorph.processor.workloads import MatrixProduct, Network, Tensor
from anamorph.processor.workloads.build import Builder
from anamorph.vmm.block import BlockCost, Energy

#: Sums of the same terms in another order.
ROUNDING = 1e-12


def costs(planes: int) -> Callable[..., BlockCost]:
    """Multipliers with round figures, none of which is worth as much as another."""

    def of(cell: Any, encoding: Any, i: Any, w: Any, o: Any, rows: Any, columns: Any) -> BlockCost:
        one = np.ones(np.broadcast(rows, columns).shape)
        chosen = float(planes > 1) * one
        terms = {"array": Energy(cell_data=1e-15), "input": Energy(row=3e-15, fixed=1e-13),
                 "integration": Energy(column=2e-14), "conversion": Energy(column=7e-14, row_data=5e-15)}  # fmt: skip
        return BlockCost(
            rows=one * rows, columns=one * columns, time=one * 5e-9 + 1e-11 * rows, interval=one * 3e-9, terms=terms,
            leakage=one * 1e-6, area={part: one * 1e-9 for part in (*terms, "tuning")}, cells=one, planes=planes,
            select_energy=chosen * 1e-12, select_time=chosen * 7e-9, tuning_energy=one, tuning_time=one, current=one,
            swing=one, bounds={},
        )  # fmt: skip

    return of


def random_network(seed: int) -> Network:
    """Convolutions, some of them grouped, with pools, sums and shared cells; then dense and recurrent layers."""
    rng = np.random.default_rng(seed)
    b = Builder("random", "a test")
    x = b.take("image", int(rng.integers(1, 9)), *rng.integers(3, 8, 2).tolist())
    for k in range(int(rng.integers(1, 4))):
        groups = int(rng.choice([g for g in (1, 2, x.shape[0]) if x.shape[0] % g == 0]))
        y = b.convolution(f"conv{k}", x, groups * int(rng.integers(1, 9)), int(rng.choice([1, 3])),
                          stride=int(rng.integers(1, 3)), padding=1, groups=groups)  # fmt: skip
        if rng.random() < 0.5:
            y = b.normalise(f"norm{k}", y, 2 * y.shape[0], "batch")
        if rng.random() < 0.5:
            y = b.function(f"relu{k}", y, "relu")
        if y.shape == x.shape and rng.random() < 0.7:
            y = b.add(f"add{k}", x, y)
        x = b.pool(f"pool{k}", y, 2, 1, "max", padding=1) if rng.random() < 0.3 else y
    x = b.auxiliary("flatten", "rearrangement", (x,), (x.shape[0], x.shape[1] * x.shape[2]), 0)
    if rng.random() < 0.6:
        x = b.lstm("lstm", x, int(rng.integers(1, 6)))
    if rng.random() < 0.5:
        x = b.dense("dense", x, int(rng.integers(1, 9)))
        b.softmax("softmax", x)
    made = b.network()
    first = made.products[0]
    if rng.random() < 0.4:  # the first layer's cells once more
        again = replace(first, name="again", gives=(Tensor("again", first.gives[0].shape),), weights_of=first.name)
        made = Network(made.name, made.source, made.takes, (*made.operations, again))
    return made


@st.composite
def processors(draw: st.DrawFn) -> tuple[Processor, int]:
    memory = draw(st.sampled_from(["2d_nor", "3d_nand"]))
    return Processor(
        memory, block_rows=draw(st.integers(1, 20)), block_columns=draw(st.integers(1, 12)),
        stack=draw(st.integers(1, 4)), accumulation=draw(st.sampled_from(["analog", "digital"])),
        copies=draw(st.integers(1, 9)), pipelined=draw(st.booleans()), bus_bits=draw(st.integers(8, 64)),
        aux_lanes=draw(st.integers(1, 9)), input_bits=draw(st.integers(1, 5)),
    ), draw(st.integers(1, 5)) if memory == "3d_nand" else 1  # fmt: skip


def close(a: float, b: float) -> bool:
    return abs(a - b) <= ROUNDING * max(abs(a), abs(b))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**20), design=processors())
def test_schedules_hold_and_add_up_to_the_closed_form(seed: int, design: tuple[Processor, int]) -> None:
    processor, planes = design
    found = plan(random_network(seed))
    made = build(found, processor, costs(planes))
    assert faults(made) == []
    summed = totals(made)
    for merge in (False, True):
        columns = columns_of(found, merge=merge, pipelined=processor.pipelined)
        closed = evaluate(columns, designs_of([processor]), costs(planes))
        assert int(closed.place.needed[0]) == made.mapping.stacks
        assert int((columns.products.times * closed.place.tiles).sum()) == len(made.tiles)
        assert int(closed.held_bits[0]) == made.chip.memory_bits
        assert close(closed.latency[0], summed.latency) and close(closed.period[0], summed.period)
        for name in closed.energy.keys() | summed.energy.keys():
            assert close(float(closed.energy.get(name, np.zeros(1))[0]), summed.energy.get(name, 0.0)), name
    cells = sum(p.cells * p.vectors for p in found.network.products)
    assert summed.macs == cells


@settings(max_examples=12)
@given(seed=st.integers(0, 2**20), design=processors(), more=st.integers(1, 3))
def test_fewer_stacks_than_needed_are_too_few(seed: int, design: tuple[Processor, int], more: int) -> None:
    """The closed form's number of blocks is the smallest on which every tile has a place, and more do no harm."""
    processor, planes = design
    found = plan(random_network(seed))
    needed = build(found, processor, costs(planes)).mapping.stacks
    for stacks, fits in ((needed + more, True), (needed, True), (needed - 1, False)):
        if stacks < 1:
            continue
        chip = replace(processor, blocks=stacks * processor.stack)
        made = build(found, chip, costs(planes))
        assert (faults(made) == []) == fits
        closed = evaluate(columns_of(found, pipelined=chip.pipelined), designs_of([chip]), costs(planes))
        assert bool(closed.works[0]) == fits
        assert not fits or close(closed.latency[0], totals(made).latency)


def breaks() -> dict[str, tuple[str, Callable[[Schedule], Schedule]]]:
    """What may go wrong, the words in which it must be said, and a schedule in which it did."""

    def tasks(change: Callable[[list[Task]], list[Task]]) -> Callable[[Schedule], Schedule]:
        return lambda s: replace(s, tasks=tuple(change(list(s.tasks))))

    def product(s: Schedule, change: Callable[[Task], Task]) -> Schedule:
        """Every step of the product with most tiles, changed alike."""
        which = max((t for t in s.tasks if t.uses), key=lambda t: len(t.uses or ())).layer
        return replace(s, tasks=tuple(change(t) if t.layer == which else t for t in s.tasks))

    def uses(change: Callable[[Any], Any]) -> Callable[[Schedule], Schedule]:
        return lambda s: product(s, lambda t: replace(t, uses=change(t.uses)))

    def part(u: Any, chosen: Any) -> Any:
        return replace(u, **{k: getattr(u, k)[chosen] for k in ("tile", "share", "turn", "segment")})

    def tiles(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Schedule], Schedule]:
        return lambda s: replace(s, tiles=s.tiles.changed(**{name: change(getattr(s.tiles, name))}))

    def little(s: Schedule) -> Schedule:
        return replace(s, chip=replace(s.chip, memory_bits=s.chip.memory_bits - 1))

    return {
        "a tile left out": ("parts are multiplied 0 to 1 times", uses(lambda u: part(u, slice(1, None)))),
        "a tile twice": ("parts are multiplied 1 to 2 times",
                         uses(lambda u: part(u, np.append(np.arange(len(u)), 0)))),
        "a row left out": ("parts are multiplied 0 to", tiles("row1", lambda c: np.where(c > 1, c - 1, c))),
        "two tiles in one place": ("two tiles in one place", tiles("stack", np.zeros_like)),
        "off the chip": ("a tile on stack", tiles("stack", lambda c: c + 10**6)),
        "all in one turn": ("uses a stack twice at a time", uses(lambda u: replace(u, turn=np.zeros_like(u.turn)))),
        "a step left out": ("tasks where there are", tasks(lambda t: t[:-1])),
        "too quick": ("is too short for its rounds",
                      lambda s: product(s, lambda t: replace(t, end=t.start + 0.9 * (t.end - t.start)))),
        "backwards": ("begins before", tasks(lambda t: [replace(x, start=t[-1].end - x.end + t[0].start,
                                                                 end=t[-1].end - x.start + t[0].start) for x in t])),
        "all at once": ("at one time", tasks(lambda t: [replace(x, start=0.0, end=x.end - x.start) for x in t])),
        "memory too small": ("memory holds", little),
    }  # fmt: skip


@pytest.mark.parametrize("name", breaks())
def test_broken_schedules_are_found_out(name: str) -> None:
    b = Builder("small", "a test")
    x = b.convolution("conv", b.take("image", 2, 6, 6), 9, 3)
    b.dense("dense", b.auxiliary("flatten", "rearrangement", (x,), (324,), 0), 5)
    processor = Processor("3d_nand", block_rows=8, block_columns=4, stack=2, bus_bits=32)
    made = build(plan(b.network()), processor, costs(4))
    check(made)
    message, spoil = breaks()[name]
    assert any(message in fault for fault in faults(spoil(made))), faults(spoil(made))
    with pytest.raises(BadInput, match="not a schedule"):
        check(spoil(made))


def test_steps_of_a_loop_must_follow_one_another() -> None:
    b = Builder("recurrent", "a test")
    b.lstm("lstm", b.take("x", 3, 4), 2)
    made = build(plan(b.network()), Processor(block_rows=4, block_columns=4), costs(1))
    swapped = [replace(t, step=2 - t.step) for t in made.tasks]
    assert any("before the step before has ended" in f for f in faults(replace(made, tasks=tuple(swapped))))


def test_stages_of_a_pipeline_must_not_share_stacks_nor_exceed_the_bus() -> None:
    b = Builder("two", "a test")
    x = b.dense("one", b.take("x", 50, 4), 4)
    b.dense("two", x, 4)
    made = build(plan(b.network()), Processor(block_rows=4, block_columns=4, pipelined=True), costs(1))
    assert faults(made) == []
    squeezed = replace(made, period=0.9 * made.period)
    found = faults(squeezed)
    assert any("use stack" in f for f in found)  # a stage that lasts longer than the period meets itself
    crowded = tuple(replace(t, bus=0.6 * (t.end - t.start)) for t in made.tasks)
    assert any("the bus is needed 1.2 times" in f for f in faults(replace(made, tasks=crowded)))


def test_a_product_with_cells_of_its_own_layer_only() -> None:
    x, y, z = Tensor("x", (3, 8)), Tensor("y", (3, 8)), Tensor("z", (3, 8))
    one = MatrixProduct("one", (x,), (y,), 8, 8, 3)
    two = MatrixProduct("two", (y,), (z,), 8, 8, 3)
    made = build(plan(Network("n", "here", (x,), (one, two))), Processor(block_rows=8, block_columns=8), costs(1))
    first = made.tasks[0].uses
    wrong = tuple(replace(t, uses=first) for t in made.tasks)
    assert any("another layer's cells" in f for f in faults(replace(made, tasks=wrong)))
