"""Cost of multipliers: closed forms, laws, published anchors, and what cannot work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.errors import BadInput
from anamorph.processor.components import library
from anamorph.technology.memory import load_memory
from anamorph.vmm.cost import block_cost, block_costs
from anamorph.vmm.design import CELLS, ENCODINGS, Design, cell, encoding
from anamorph.vmm.lines import drain_effect, linear_read_voltage, lines_of, swing_of
from anamorph.vmm.refusal import most_bits, refusal, refusals

CASES = [(c, e) for c in CELLS for e in ENCODINGS]


def _design(name: str, coded: str, bits: int, size: int) -> Design:
    return Design(cell(name), encoding(coded), bits, bits, bits, size, size)


def test_line_capacitance_is_pitch_times_wire_and_cells():
    memory = load_memory("1t1r")
    lines = lines_of(memory, np.array(100.0), np.array(50.0))
    assert lines.c_input == pytest.approx(100 * (0.12e-15 + 0.30e-6 * 0.2e-9))  # a pair per weight
    assert lines.c_output == pytest.approx(100 * (0.10e-15 + 0.35e-6 * 0.2e-9))


def test_the_swing_leaves_half_a_bit_of_curvature():
    """Integrates a discharge under drain effects and compares it with the straight line between its ends."""
    memory, bits = load_memory("2d_nor"), 7
    kappa, swing = drain_effect(memory), float(swing_of(memory, np.array(7.0)))
    assert swing < memory.value("active", "swing_max")
    end = -np.log1p(-kappa * swing) / kappa  # charge over capacitance at which v(q) = (1 - exp(-kappa q))/kappa arrives
    q = np.linspace(0, end, 2001)
    bent = np.abs((1 - np.exp(-kappa * q)) / kappa - swing * q / end).max()
    assert bent == pytest.approx(swing / 2 ** (bits + 1), rel=0.05)


def test_the_read_voltage_leaves_half_a_bit_of_curvature():
    memory, bits = load_memory("0t1r"), 8
    beta, v = memory.value("passive", "nonlinearity"), float(linear_read_voltage(memory, np.array(8.0)))
    assert v < memory.value("passive", "v_read")
    x = np.linspace(0, 1, 2001)
    bent = np.abs(np.sinh(beta * v * x) / np.sinh(beta * v) - x).max()
    assert bent == pytest.approx(1 / 2 ** (bits + 1), rel=0.05)


def test_charge_of_a_pulse_is_current_times_time():
    cost = block_cost(_design("3d_nand", "exp", 5, 200))
    capacitance = 200 * float(cost.current) * 31e-9 / float(cost.swing)
    ramps = 2 * capacitance * float(cost.swing) * 1.2
    lines = cost.energy["integration"] / 200 + 2 * 1.2 * float(cost.swing) * (
        lines_of(load_memory("3d_nand"), cost.rows, cost.columns).c_output + 5e-15
    )
    assert lines == pytest.approx(ramps, rel=2e-3)  # the clock is 1 ns to 2e-4


@pytest.mark.parametrize(("name", "coded"), CASES)
def test_costs_are_positive_and_add_up(name: str, coded: str):
    cost = block_cost(_design(name, coded, 4, 64))
    assert cost.time > 0 and 0 < cost.interval <= cost.time
    assert all(np.all(e >= 0) for e in cost.energy.values()) and all(np.all(a > 0) for a in cost.area.values())
    assert cost.total_energy == pytest.approx(sum(cost.energy.values()))
    assert set(cost.energy) == {"array", "input", "integration", "conversion"}
    assert cost.limits.shape == ()


@pytest.mark.parametrize(("name", "coded"), CASES)
def test_arrays_give_what_single_designs_give(name: str, coded: str):
    rows = np.array([16, 64, 200])
    many = block_costs(cell(name), encoding(coded), 4, 4, np.array([[4], [6]]), rows, 32)
    assert many.time.shape == (2, 3)
    one = block_cost(Design(cell(name), encoding(coded), 4, 4, 6, 64, 32))
    assert many.total_energy[1, 1] == pytest.approx(one.total_energy)
    assert many.total_area[1, 1] == pytest.approx(one.total_area)
    assert many.limits[1, 1] == one.limits[()]


@pytest.mark.parametrize(("name", "coded"), CASES)
@settings(max_examples=5, deadline=None)
@given(rows=st.integers(2, 500), columns=st.integers(2, 500), used=st.floats(0.1, 1.0))
def test_unused_lines_take_nothing(name: str, coded: str, rows: int, columns: int, used: float):
    cost = block_costs(cell(name), encoding(coded), 4, 4, 4, rows, columns)
    some = cost.energy_of(used * rows, used * columns)
    for part, energy in cost.energy.items():
        assert some[part] <= energy * (1 + 1e-12)
    quiet = cost.energy_of(rows, columns, inputs_mean=0.0)
    assert sum(quiet.values()) <= cost.total_energy * (1 + 1e-12)


@pytest.mark.parametrize(("name", "coded"), CASES)
@settings(max_examples=5, deadline=None)
@given(size=st.integers(4, 400), bits=st.integers(2, 7))
def test_more_bits_take_more(name: str, coded: str, size: int, bits: int):
    coarse, fine = (block_cost(_design(name, coded, b, size)) for b in (bits, bits + 1))
    assert fine.energy["conversion"] > coarse.energy["conversion"]
    if cell(name).active or coded != "ins":  # bent cells are read at a lower voltage to be linear to one more bit
        assert fine.total_energy > coarse.total_energy
    if coded != "ins":  # an amplitude's line may move less, and so be sooner
        assert fine.time >= coarse.time


def test_encodings_have_the_speeds_that_the_paper_states():
    ins, lin, exp = (block_cost(_design("2d_nor", e, 6, 200)).time for e in ("ins", "lin", "exp"))
    assert ins < lin < exp


def test_amplifiers_outweigh_cells_in_passive_arrays_and_most_with_pulses():
    ins, lin, exp = (block_cost(_design("1t1r_passive", e, 4, 64)).energy["integration"] for e in ("ins", "lin", "exp"))
    assert ins < lin < exp
    assert block_cost(_design("1t1r_active", "exp", 4, 64)).energy["integration"] < 0.1 * ins


def test_choosing_a_plane_is_c_v_squared_and_free_in_planar_memories():
    cost = block_cost(_design("3d_nand", "exp", 4, 100))
    assert cost.select_energy == pytest.approx(0.15e-15 * 100 * 200 * 3.5 * 4.5 / 0.5)
    left = 3.5 * np.exp(-float(cost.select_time) / (1e3 * 0.15e-15 * 100 * 200))  # V, of an exponential settling
    assert left / (2.2 * 0.02585) == pytest.approx(1 / 2**5)  # relative error of a current
    planar = block_cost(_design("2d_nor", "ins", 4, 100))
    assert planar.select_energy == planar.select_time == 0
    assert cost.cells == 100 * 200 * 64


def test_what_cannot_work_says_why():
    assert "mirrors no current" in str(refusal(_design("1t1r_active", "ins", 4, 64)))
    assert "Fig. 1" in str(refusal(_design("3d_nand", "ins", 4, 64)))
    assert "resistance" in str(refusal(_design("1t1r_passive", "ins", 4, 400)))
    assert "tuned to 0.5 %" in str(refusal(_design("2d_nor", "exp", 10, 64)))
    assert "drain" in str(refusal(Design(cell("2d_nor"), encoding("exp"), 6, 6, 7, 200, 200)))
    assert refusal(_design("2d_nor", "ins", 4, 200)) is None
    assert most_bits(load_memory("2d_nor")) == 6


def test_refusals_of_arrays_are_those_of_single_designs():
    sizes = np.array([16, 64, 400])
    texts = refusals(cell("1t1r_passive"), encoding("ins"), 4, 4, 4, sizes, sizes)
    assert [str(t) or None for t in texts] == [refusal(_design("1t1r_passive", "ins", 4, int(n))) for n in sizes]
    assert not texts[0] and texts[2]


def test_a_card_of_another_kind_of_cell_is_refused():
    with pytest.raises(BadInput, match="no \\[passive\\] cells"):
        block_costs(cell("0t1r"), encoding("ins"), 4, 4, 4, 8, 8, card=load_memory("2d_nor"))


def test_a_finer_node_makes_the_periphery_cheaper():
    design = _design("2d_nor", "exp", 4, 100)
    here, finer = block_cost(design), block_cost(design, periphery=library("28 nm"))
    assert finer.energy["conversion"] < here.energy["conversion"]
    assert finer.area["input"] < here.area["input"]
