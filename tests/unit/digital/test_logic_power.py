"""Power of generated logic: its parts add up and follow the card."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.transient import transient
from anamorph.digital.accumulator import mac
from anamorph.digital.cell_figures import gate_figures
from anamorph.digital.gates import KINDS
from anamorph.digital.logic_cells import logic_cells
from anamorph.digital.logic_simulation import simulate
from anamorph.digital.power import LogicPower, logic_power, net_capacitances
from anamorph.digital.power_gating import fifo, gated_power
from anamorph.digital.wallace import multiplier
from anamorph.errors import BadInput, OutOfDomain
from anamorph.technology import Technology


@pytest.fixture(scope="module")
def cmos65() -> Technology:
    return technology.load("cmos65")


@pytest.fixture(scope="module")
def power8(cmos65: Technology) -> LogicPower:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 20, 64))
    return logic_power(simulate(multiplier(8), {"a": a, "b": b}), cmos65)


def test_transistors_drawn_are_transistors_counted(cmos65: Technology) -> None:
    drawn = {name: sum(1 for _ in logic.cell.fets()) for name, logic in logic_cells(cmos65).items()}
    assert drawn == {kind.name: kind.transistors for kind in KINDS}


def test_every_inner_node_follows_a_pin(cmos65: Technology) -> None:
    for logic in logic_cells(cmos65).values():
        assert set(logic.follows) == set(logic.cell.inner_nodes)
        assert set(logic.follows.values()) <= set(logic.cell.ports)


def test_stacks_leak_less(cmos65: Technology) -> None:
    # an AND with its output low is a NAND, and an inverter with its input high
    nand = gate_figures(cmos65)["and2"].leakage[:3] - gate_figures(cmos65)["inverter"].leakage[1]
    # both inputs low: two transistors off in series
    assert 0 < nand[0] < 0.3 * min(nand[1], nand[2])
    assert all(np.all(figure.leakage > 0) for figure in gate_figures(cmos65).values())


def test_an_inverter_leaks_what_its_off_transistor_does(cmos65: Technology) -> None:
    # PTM 65 nm card in ngspice 39: 46 nA/um of n-channel width less 10 nm, 33 of p-channel, each within 15 % here
    low, high = gate_figures(cmos65)["inverter"].leakage
    assert low == pytest.approx(46.3e-9 * 0.19 / 0.99, rel=0.15)
    assert high == pytest.approx(32.6e-9 * 0.27 / 0.99, rel=0.15)


@pytest.mark.slow
def test_energy_of_a_full_adder_is_that_of_its_transistors(cmos65: Technology) -> None:
    """Both edges of one input that makes sum and carry change, against the charges of a transient."""
    cell = logic_cells(cmos65)["full_adder"].cell
    held = [port for port in cell.ports if port not in ("s", "co")]
    sources = [VoltageSource(f"V_{port}", port) for port in held]
    instance = Instance("X", cell, {port: port for port in cell.ports})
    circuit = compile_cell(Cell("one", ("s", "co"), (instance, *sources)), cmos65)
    edges = np.array([0, 0.5e-9, 0.55e-9, 2e-9, 2.05e-9, 4e-9]), np.array([0, 0, 1.0, 1.0, 0, 0])
    found = transient(circuit, {"V_a": edges, "V_b": 1.0, "V_c": 0.0, "V_vdd": 1.0}, 4e-9, max_steps=4000)
    assert bool(found.converged)
    supply, given = (circuit.voltage_sources.index(name) for name in ("V_vdd", "V_a"))
    rise = np.searchsorted(found.times, 1.9e-9)
    leaked = gate_figures(cmos65)["full_adder"].leakage.mean() * 4e-9
    taken = found.charges[-1, supply] + found.charges[rise, given] - leaked
    pins = gate_figures(cmos65)["full_adder"].capacitance
    # the inputs' driver and both outputs; stacks counted by half are right within a fifth
    assert pins["a"] + pins["s"] + pins["co"] == pytest.approx(float(taken), rel=0.25)


def test_energy_adds_up(cmos65: Technology, power8: LogicPower) -> None:
    a, b = np.random.default_rng(0).integers(0, 256, (2, 20, 64))
    activity = simulate(multiplier(8), {"a": a, "b": b})
    by_hand = 0.5 * sum(
        c * t for c, t in zip(net_capacitances(activity.netlist, cmos65), activity.transitions, strict=True)
    )
    assert power8.dynamic_energy == pytest.approx(by_hand * 1.0**2)
    f = np.array([1e3, 1e6])
    np.testing.assert_allclose(power8.power(f), power8.dynamic_energy * f + power8.leakage)
    np.testing.assert_allclose(power8.energy(f) * f, power8.power(f))
    assert power8.clock_energy == 0 and power8.transistors == 2000


def test_an_8_bit_product_is_of_the_size_that_others_report(power8: LogicPower) -> None:
    # Horowitz, ISSCC 2014: 0.2 pJ for an 8-bit product at 45 nm and 0.9 V; times 1.4 to 2 for 65 nm and 1.0 V
    assert 0.15e-12 < power8.dynamic_energy < 0.6e-12
    assert 1e-6 < power8.leakage < 1e-5


def test_quiet_operands_leave_leakage_alone(cmos65: Technology) -> None:
    still = np.full((5, 1), 3)
    power = logic_power(simulate(multiplier(3), {"a": still, "b": still}), cmos65)
    assert power.dynamic_energy == 0 and power.leakage > 0


def test_power_gating_pays_at_low_rates_and_costs_at_high_ones(cmos65: Technology) -> None:
    a, b = np.random.default_rng(1).integers(0, 256, (2, 10, 64))
    power = logic_power(simulate(mac(8, 16), {"a": a, "b": b, "keep": np.ones_like(a)}), cmos65)
    shallow = gated_power(power, cmos65, np.array([1e4, 5e8]), depth=1, width=16)
    slow, fast = np.asarray(shallow.total)
    assert slow < power.power(1e4)
    assert fast > power.power(5e8)
    deep = gated_power(power, cmos65, 1e4, depth=64, width=16)
    assert deep.total > slow  # the FIFO leaks more than waking costs
    assert deep.wake == pytest.approx(np.asarray(shallow.wake)[0] / 64)
    assert fifo(64, 16, cmos65).transistors == 16 * (64 * 24 + 63 * 12)


def test_refusals(cmos65: Technology, power8: LogicPower) -> None:
    with pytest.raises(BadInput, match=r"no section \[digital\]"):
        gate_figures(technology.load("cmos180"))
    with pytest.raises(OutOfDomain, match="not a clock frequency"):
        power8.power(1e12)
    with pytest.raises(OutOfDomain, match="not a rate"):
        gated_power(power8, cmos65, 0.0, depth=1, width=1)
    with pytest.raises(BadInput, match="not a share"):
        gated_power(power8, cmos65, 1e3, depth=1, width=1, residual=2.0)
    with pytest.raises(BadInput, match="not a FIFO"):
        fifo(0, 8, cmos65)
