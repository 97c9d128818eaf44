"""ngspice as judge of memory arrays: cells, wires, and the columns of three encodings.

The promise is 1e-3. Where nothing but rounding and ngspice's stopping (reltol 1e-6) separates the two, tests ask for
more. Integration in time adds what ngspice's steps leave, and what a pulse's edges add: `edge` is 1e-4 of a slot.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.cell.vmm_array import ActiveCells, PassiveCells, Wires, array
from anamorph.cell.vmm_exp import crossing, exp_bench, exp_waves
from anamorph.cell.vmm_ins import ins_bench
from anamorph.cell.vmm_lin import LinTiming, lin_bench, lin_waves
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.resistive_array import ResistiveArray
from anamorph.circuit.resistive_cells import solve_cells
from anamorph.device.memory_cell import (
    SubthresholdCell,
    discharged_voltage,
    memristor_current,
    one_transistor_one_resistor_current,
    programmed_threshold,
    subthreshold_current,
)
from anamorph.errors import BadInput
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

PROMISE = 1e-3
FLASH = SubthresholdCell(i_spec=1e-6, slope_factor=1.7, dibl=0.05, clm=0.05)
ACCESS = SubthresholdCell(i_spec=8e-7, slope_factor=1.4, dibl=0.02, clm=0.1)
V_ON, V_OFF, V_RESET = 0.9, -0.6, 1.0
WIRES = Wires(r_word=20.0, r_bit=30.0, r_driver=200.0, r_sense=300.0)
SIZES = [8, pytest.param(32, marks=pytest.mark.slow)]


def memristors(n, beta=0.0):
    return PassiveCells(np.random.default_rng(1).uniform(1e-6, 1e-4, (n, n)), beta)


def programmed(n):
    """Floating gates that carry 1 to 30 nA when on, their drains at the reset voltage."""
    currents = np.random.default_rng(2).uniform(1e-9, 30e-9, (n, n))
    return currents, ActiveCells(FLASH, np.asarray(programmed_threshold(FLASH, currents, V_ON, V_RESET)))


def resistive(n):
    """Active 1T-1R cells."""
    conductance = np.random.default_rng(5).uniform(1e-8, 1e-6, (n, n))
    return ActiveCells(ACCESS, np.full((n, n), 0.45), conductance, beta=3.0)


def resistive_current(cells, gate, drain):
    return one_transistor_one_resistor_current(ACCESS, cells.v_t, cells.conductance, gate, drain, cells.beta)


def discharge_in_time(cells, durations, capacitance, v_gate):
    """C dV/dt = -sum of the currents of cells that are on, by fourth-order steps of 1 us / 4; durations in whole us."""
    v, h = np.full(cells.shape[1], V_RESET), 0.25e-6
    for k in range(round(4e6 * durations.max())):
        on = (k * h < durations - h / 2)[:, None]

        def slope(x, on=on):
            return -np.where(on, resistive_current(cells, v_gate, x), 0.0).sum(0) / capacitance

        k1 = slope(v)
        k2 = slope(v + h / 2 * k1)
        k3 = slope(v + h / 2 * k2)
        v = v + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(v + h * k3))
    return v


def voltage_bench(cells: ActiveCells, wires: Wires) -> Cell:
    """Active cells with their gates and bit lines held."""
    inner = array(cells, wires)
    held = [VoltageSource(f"v_{port}", port) for port in inner.ports]
    return Cell("bench", (), (Instance("A", inner, {port: port for port in inner.ports}), *held))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("beta", [0.0, 5.0])
def test_passive_amplitudes_with_wires(cmos180: Technology, n: int, beta: float) -> None:
    """Word and bit lines that take 5 % and more of the currents."""
    cells = memristors(n, beta)
    v = np.random.default_rng(3).uniform(0, 0.4, (1, n))
    drives = {f"in_{i}": v[0, i] for i in range(n)} | {f"sense_{j}": 0.0 for j in range(n)}
    found = ngspice.operating_points(ins_bench(cells, WIRES), cmos180, drives)
    theirs = np.array([-found.source_current(f"sense_{j}") for j in range(n)])
    lines = ResistiveArray(cells.conductance, **vars(WIRES))
    ours = solve_cells(lines, lambda drop: memristor_current(jnp.asarray(cells.conductance), drop, beta), v)
    ideal = np.asarray(memristor_current(cells.conductance, v.T, beta)).sum(0)
    assert (ideal / theirs).max() > 1.05
    np.testing.assert_allclose(ours.output[0], theirs, rtol=1e-6)
    inner = [[float(found.voltage(f"A.b{i}_{j}")) for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(ours.bit[0], inner, rtol=0, atol=1e-7)


def test_closed_switches_are_in_series(cmos180: Technology) -> None:
    n = 8
    cells = PassiveCells(memristors(n).conductance, r_switch=2e3)
    v = np.random.default_rng(3).uniform(0, 0.4, (1, n))
    drives = {f"in_{i}": v[0, i] for i in range(n)} | {f"sense_{j}": 0.0 for j in range(n)}
    found = ngspice.operating_points(ins_bench(cells, WIRES), cmos180, drives)
    theirs = np.array([-found.source_current(f"sense_{j}") for j in range(n)])
    series = 1 / (1 / cells.conductance + cells.r_switch)
    np.testing.assert_allclose(ResistiveArray(series, **vars(WIRES)).solve(v)[0], theirs, rtol=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_gate_coupled_amplitudes(cmos180: Technology, n: int) -> None:
    """Currents in, multiplied by exp of thresholds' differences; bit lines whose resistance moves the drains by mV."""
    _, cells = programmed(n)
    wires = Wires(r_bit=20e3, r_sense=1e5)
    reference = float(np.median(cells.v_t))
    given = np.random.default_rng(4).uniform(1e-9, 20e-9, n)
    drives = {f"in_{i}": given[i] for i in range(n)} | {f"sense_{j}": V_RESET for j in range(n)}
    found = ngspice.operating_points(ins_bench(cells, wires, reference), cmos180, drives)
    theirs = np.array([found.source_current(f"sense_{j}") for j in range(n)])
    gate = np.array([found.voltage(f"row{i}") for i in range(n)])
    # a gate on its drain: the threshold that carries the current there, turned round
    np.testing.assert_allclose(programmed_threshold(FLASH, given, gate, gate), reference, atol=1e-6)
    lines = ResistiveArray(np.full((n, n), 1e-9), **vars(wires))
    ours = solve_cells(
        lines, lambda drop: -subthreshold_current(FLASH, cells.v_t, gate[:, None], -drop), np.zeros((1, n)), V_RESET
    )
    np.testing.assert_allclose(-ours.output[0], theirs, rtol=1e-6)
    still = np.asarray(subthreshold_current(FLASH, cells.v_t, gate[:, None], V_RESET)).sum(0)
    assert abs(still / theirs - 1).max() > PROMISE  # the wires matter


def test_cells_with_something_at_their_sources(cmos180: Technology) -> None:
    """Active 1T-1R with curved memristors, and floating gates in strings, programmed through the rest of the string."""
    n, gate, drain = 8, np.linspace(0.25, 0.4, 8), 0.6
    cells = resistive(n)
    drives = {f"v_row{i}": gate[i] for i in range(n)} | {f"v_col{j}": drain for j in range(n)}
    found = ngspice.operating_points(voltage_bench(cells, Wires()), cmos180, drives)
    theirs = np.array([found.source_current(f"v_col{j}") for j in range(n)])
    ours = resistive_current(cells, gate[:, None], drain)
    np.testing.assert_allclose(np.asarray(ours).sum(0), theirs, rtol=1e-6)

    currents, rest = programmed(n)[0], 1e-6
    v_t = programmed_threshold(FLASH, currents, V_ON, V_RESET, currents / rest)
    strings = ActiveCells(FLASH, np.asarray(v_t), np.full((n, n), rest))
    drives = {f"v_row{i}": V_ON for i in range(n)} | {f"v_col{j}": V_RESET for j in range(n)}
    found = ngspice.operating_points(voltage_bench(strings, Wires()), cmos180, drives)
    theirs = np.array([found.source_current(f"v_col{j}") for j in range(n)])
    np.testing.assert_allclose(currents.sum(0), theirs, rtol=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_active_columns_integrate_and_divide(cmos180: Technology, n: int) -> None:
    """Four bits of input; the capacitor's fall of half a volt takes 5 % off the currents."""
    currents, cells = programmed(n)
    timing = LinTiming(low=V_OFF, high=V_ON, v_reset=V_RESET)
    bits = np.random.default_rng(6).random((4, n)) < 0.5
    bits[:, 0] = True
    capacitance = currents.sum(0).max() * timing.slot / 0.5
    waves, end = lin_waves(bits, timing, active=True)
    found = ngspice.transient(lin_bench(cells, capacitance), cmos180, waves, end, tolerance=1e-5)
    theirs = np.array([np.interp(end, found.time, found.voltage(f"col{j}")) for j in range(n)])
    v = np.full(n, V_RESET)
    for bit in bits:
        fall = bit @ currents * timing.slot / capacitance
        mean = bit @ currents**2 / (bit @ currents)
        v = (np.asarray(discharged_voltage(FLASH, fall, v, V_RESET, mean)) + V_RESET) / 2
    ideal = sum(2.0 ** (k - 4) * (b @ currents) for k, b in enumerate(bits)) * timing.slot / capacitance
    assert (1 - (V_RESET - v) / ideal).max() > 10 * PROMISE  # the swing matters
    np.testing.assert_allclose(V_RESET - theirs, V_RESET - v, rtol=PROMISE)


@pytest.mark.parametrize("n", SIZES)
def test_passive_columns_integrate_and_divide(cmos180: Technology, n: int) -> None:
    cells = memristors(n)
    timing = LinTiming(high=0.2)
    bits = np.random.default_rng(7).random((4, n)) < 0.5
    bits[:, 0] = True
    capacitance = 0.2 * cells.conductance.sum(0).max() * timing.slot / 0.5
    waves, end = lin_waves(bits, timing, active=False)
    found = ngspice.transient(lin_bench(cells, capacitance, WIRES), cmos180, waves, end, tolerance=1e-5)
    theirs = np.array([np.interp(end, found.time, found.voltage(f"out{j}")) for j in range(n)])
    charge = ResistiveArray(cells.conductance, **vars(WIRES)).solve(0.2 * bits) * timing.slot
    ours = -(2.0 ** (np.arange(4) - 4)) @ np.asarray(charge) / capacitance
    np.testing.assert_allclose(theirs, ours, rtol=PROMISE)


@pytest.mark.parametrize("kind", ["2d_nor", "1t1r_active", "0t1r"])
def test_columns_of_durations(cmos180: Technology, kind: str) -> None:
    """Four-bit durations; the outputs are times."""
    n, t_max, active = 8, 15e-6, kind != "0t1r"
    v_on = {"2d_nor": V_ON, "1t1r_active": 0.4, "0t1r": 0.2}[kind]
    timing = LinTiming(low=V_OFF if active else 0.0, high=v_on, v_reset=V_RESET, edge=1e-9)
    durations = 1e-6 * np.random.default_rng(8).integers(0, 16, n)
    if kind == "2d_nor":
        currents, cells = programmed(n)
        charge = durations @ currents
    elif kind == "1t1r_active":
        cells = resistive(n)
        charge = durations @ np.asarray(resistive_current(cells, v_on, V_RESET))
    else:
        cells = memristors(n)
        # each input alone, for as long as it lasts: the network is linear
        charge = np.asarray(ResistiveArray(cells.conductance, **vars(WIRES)).solve(v_on * np.diag(durations))).sum(0)
    capacitance = charge.max() / 0.4
    bias = np.full(n, capacitance * 0.6 / 10e-6)
    waves = exp_waves(durations, t_max, -bias, timing, active=active)
    begin, stop = timing.pause, timing.pause + t_max + 12e-6
    found = ngspice.transient(
        exp_bench(cells, capacitance, Wires() if active else WIRES), cmos180, waves, stop, tolerance=1e-5
    )
    fall = charge / capacitance
    threshold, out = (0.5, "col") if active else (0.0, "out")  # through it from above; or below zero, and back
    if kind == "2d_nor":
        mean = durations @ currents**2 / charge
        left = np.asarray(discharged_voltage(FLASH, fall, V_RESET, V_RESET, mean)) - threshold
    elif kind == "1t1r_active":
        left = discharge_in_time(cells, durations, capacitance, v_on) - threshold
    else:
        left = fall
    theirs = [crossing(found.time, found.voltage(f"{out}{j}"), threshold, begin + t_max) for j in range(n)]
    ours = begin + t_max + timing.edge / 2 + capacitance * left / bias
    assert left.min() > 0
    # of the longest duration, which is what a time-to-digital converter resolves
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=PROMISE * t_max)


@pytest.mark.slow
def test_a_large_array_with_wires(cmos180: Technology) -> None:
    """128 x 128, one input: a minute or more of ngspice."""
    n = 128
    cells = PassiveCells(np.random.default_rng(9).uniform(1e-5, 1e-4, (n, n)))
    wires = Wires(1.0, 1.0, 1.0, 1.0)
    v = np.random.default_rng(10).uniform(0, 0.3, (1, n))
    drives = {f"in_{i}": v[0, i] for i in range(n)} | {f"sense_{j}": 0.0 for j in range(n)}
    found = ngspice.operating_points(ins_bench(cells, wires), cmos180, drives, timeout=1800)
    theirs = np.array([-found.source_current(f"sense_{j}") for j in range(n)])
    np.testing.assert_allclose(ResistiveArray(cells.conductance, **vars(wires)).solve(v)[0], theirs, rtol=1e-6)


def test_our_own_solver_says_that_it_does_not_know_them(cmos180: Technology) -> None:
    with pytest.raises(BadInput, match="only ngspice knows"):
        compile_cell(ins_bench(PassiveCells(np.ones((2, 2)) * 1e-6), WIRES), cmos180)


def test_currents_are_mirrored_only_by_gates_of_their_own_kind() -> None:
    with pytest.raises(BadInput, match="gate coupling needs such cells"):
        ins_bench(resistive(2), v_t_reference=0.45)
