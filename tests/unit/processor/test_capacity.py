"""Networks that do not fit, designs that cannot work, small networks on large chips: with the package's own costs."""

from __future__ import annotations

import pytest

from anamorph.errors import BadInput, DoesNotFit
from anamorph.processor.capacity import memories, on, require
from anamorph.processor.design import Processor
from anamorph.processor.evaluate import Evaluation
from anamorph.processor.figures import breakdown, metrics
from anamorph.processor.layers import plan
from anamorph.processor.workloads import load


def test_a_network_larger_than_the_chip_says_how_many_chips_or_which_memory() -> None:
    found = plan(load("inception_v1"))
    small = Processor("2d_nor", blocks=60)
    with pytest.raises(DoesNotFit, match=r"expected \d+ blocks; got 60. It takes [3-6] such chips") as raised:
        require(found, small, on(found, small))
    assert "3d_nand (" in str(raised.value)  # sixty blocks of NOR are larger than the whole network in 3D-NAND


def test_memory_that_is_too_small() -> None:
    found = plan(load("lenet5"))
    tight = Processor(edram_bytes=1000)
    with pytest.raises(DoesNotFit, match="activations of lenet5 are larger than the memory; expected 29.. bytes"):
        require(found, tight, on(found, tight))


def test_a_multiplier_that_cannot_work_says_why() -> None:
    found = plan(load("lenet5"))
    stacked = Processor("3d_nand", "ins")
    with pytest.raises(BadInput, match="3d_nand with ins inputs cannot work: .*would work"):
        require(found, stacked, on(found, stacked))
    assert any(isinstance(one, str) for one in memories(found, Processor(input_bits=12, output_bits=12)).values())


def test_a_small_network_takes_the_same_energy_on_the_largest_processor() -> None:
    """What is not used is off (Bavandpour et al. 2019, Fig. 2): energy efficiency is almost the same."""
    large, small = plan(load("gnmt_1024")), plan(load("inception_v1"))
    chip, own = on(large, Processor("1t1r")), on(small, Processor("1t1r"))
    memory = int(max(own.memory_bits[0], chip.memory_bits[0])) // 8
    there = on(small, Processor("1t1r", blocks=4 * int(chip.place.stacks[0]), edram_bytes=memory))
    assert there.works[0]
    for name in ("array", "input", "integration", "conversion"):
        assert there.energy[name][0] == pytest.approx(own.energy[name][0], rel=1e-12)
    assert there.efficiency[0] == pytest.approx(own.efficiency[0], rel=0.1)


def test_breakdowns_add_up() -> None:
    found = on(plan(load("lenet5")), Processor("1t1r"))
    parts = breakdown(found)
    entries = metrics(found)
    assert sum(parts["energy"].values()) == pytest.approx(entries["energy_per_inference"]["value"], rel=1e-12)
    assert sum(parts["area"].values()) == pytest.approx(entries["area"]["value"], rel=1e-12)
    assert sum(parts["time"].values()) == pytest.approx(entries["latency"]["value"], rel=1e-12)
    assert entries["energy_efficiency"]["value"] * entries["energy_per_operation"]["value"] == pytest.approx(1.0)
    assert entries["energy_efficiency"]["basis"] == "assumed"


def test_orderings_that_the_paper_states() -> None:
    """Section III: area and energy on every network, throughput for small and for large ones."""
    found: dict[str, dict[str, Evaluation]] = {}
    for name in ("gnmt_1024", "inception_v1"):
        one = memories(plan(load(name)), Processor())
        found[name] = {memory: e for memory, e in one.items() if isinstance(e, Evaluation)}
    for e in found.values():
        assert e["3d_nand"].area_efficiency[0] > e["1t1r"].area_efficiency[0] > e["2d_nor"].area_efficiency[0]
        assert e["1t1r"].efficiency[0] > e["2d_nor"].efficiency[0] > e["3d_nand"].efficiency[0]
    small, large = found["inception_v1"], found["gnmt_1024"]
    assert small["2d_nor"].throughput[0] > max(small["1t1r"].throughput[0], small["3d_nand"].throughput[0])
    assert large["1t1r"].throughput[0] > large["2d_nor"].throughput[0]


def test_blocks_that_take_turns_have_one_array_of_neurons() -> None:
    """The same blocks, tuning and inputs; neurons only once, of the size of a block's."""
    found = plan(load("lenet5"))
    alone = on(found, Processor("1t1r", stack=1, blocks=8, accumulation="digital"))
    shared = on(found, Processor("1t1r", stack=8, blocks=8, accumulation="digital"))
    for name in ("array", "input", "tuning"):
        assert shared.area[name][0] == pytest.approx(alone.area[name][0], rel=1e-12)
    for name in ("integration", "conversion"):
        assert shared.area[name][0] == pytest.approx(alone.area[name][0] / 8, rel=1e-12)
    assert shared.latency[0] > alone.latency[0]
    assert shared.energy["array"][0] == pytest.approx(alone.energy["array"][0], rel=1e-12)
