"""Operating points against closed forms and an independent root finder, and what becomes of bad samples."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root_scalar

from anamorph.circuit import operating_point as op
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.netlist import (
    Capacitor,
    Cell,
    CurrentSource,
    Element,
    Fet,
    Resistor,
    VoltageSource,
)
from anamorph.circuit.operating_point import operating_point
from anamorph.device.mosfet import Terminals, drain_current
from anamorph.errors import BadInput, NotConverged
from anamorph.technology import Technology

UM = 1e-6
N = Fet("MN", "n", "out", "in", "0", "0", 1 * UM, 0.5 * UM)
P = Fet("MP", "p", "out", "in", "vdd", "vdd", 2 * UM, 0.5 * UM)
# the solver stops at a step of 1 nV, and Newton's last step is quadratic
STEP = op.VOLTAGE_TOLERANCE


def circuit(technology: Technology, *elements: Element) -> Circuit:
    return compile_cell(Cell("test", (), elements), technology)


@pytest.fixture(scope="module")
def divider(cmos180: Technology) -> Circuit:
    return circuit(cmos180, VoltageSource("V1", "a"), Resistor("R1", "a", "b", 3e3), Resistor("R2", "b", "0", 1e3))


@pytest.fixture(scope="module")
def inverter(cmos180: Technology) -> Circuit:
    return circuit(cmos180, VoltageSource("VDD", "vdd"), VoltageSource("VIN", "in"), N, P)


@pytest.fixture(scope="module")
def diode(cmos180: Technology) -> Circuit:
    """A current source into a diode-connected transistor."""
    fet = Fet("M1", "n", "a", "a", "0", "0", 2.7 * UM, 0.45 * UM)
    return circuit(cmos180, CurrentSource("I1", "a"), fet)


def zero_of(function: Callable[[float], float], high: float) -> float:
    """An independent root finder, to a hundredth of the solver's step."""
    found = root_scalar(function, bracket=(0.0, high), method="brentq", xtol=STEP / 100)
    assert found.converged
    return float(found.root)


def current(technology: Technology, fet: Fet, d: float, g: float, s: float) -> float:
    """Drain current for voltages against the device's own bulk, n-channel sense."""
    p = jax.tree.map(jnp.asarray, technology.mosfet(fet))
    return float(drain_current(p, Terminals(*(jnp.asarray(float(v)) for v in (d, g, s)))))


def test_resistor_divider(divider: Circuit) -> None:
    solution = operating_point(divider, {"V1": 2.0})
    # linear: one step, rounded
    assert float(solution.voltage("b")) == pytest.approx(0.5, rel=1e-14, abs=0)
    assert float(solution.source_current("V1")) == pytest.approx(0.5e-3, rel=1e-14, abs=0)
    assert float(solution.voltage("a")) == 2.0
    assert bool(solution.converged)


def test_current_source_drives_into_its_node(cmos180: Technology) -> None:
    solution = operating_point(circuit(cmos180, CurrentSource("I1", "a"), Resistor("R1", "a", "0", 1e6)), {"I1": 1e-9})
    assert float(solution.voltage("a")) == pytest.approx(1e-3, rel=1e-14, abs=0)


@pytest.mark.parametrize("amperes", [1e-12, 15e-9, 300e-9, 10e-6])
def test_diode(diode: Circuit, cmos180: Technology, amperes: float) -> None:
    solution = operating_point(diode, {"I1": amperes}).require_converged()
    fet = Fet("M1", "n", "a", "a", "0", "0", 2.7 * UM, 0.45 * UM)
    root = zero_of(lambda v: current(cmos180, fet, v, v, 0) - amperes, 2.0)
    assert float(solution.voltage("a")) == pytest.approx(root, abs=STEP)


def test_diode_climbs_n_kt_over_q_per_e_fold(diode: Circuit, cmos180: Technology) -> None:
    low, high = (float(operating_point(diode, {"I1": i}).voltage("a")) for i in (1e-10, np.e * 1e-10))
    slope = cmos180.value("nfet", "slope_factor") * 0.025865
    # diode-connected, DIBL takes 1 % of the gate's step; the interpolation 1 % at a thousandth of I_spec
    assert high - low == pytest.approx(slope, rel=0.025, abs=0)


@pytest.mark.parametrize("v_in", [0.0, 0.4, 0.7, 0.8, 0.9, 1.8])
def test_inverter(inverter: Circuit, cmos180: Technology, v_in: float) -> None:
    solution = operating_point(inverter, {"VDD": 1.8, "VIN": v_in}).require_converged()

    def balance(v: float) -> float:
        return current(cmos180, N, v, v_in, 0) - current(cmos180, P, 1.8 - v, 1.8 - v_in, 0)

    root = zero_of(balance, 1.8)
    assert float(solution.voltage("out")) == pytest.approx(root, abs=STEP)
    through = current(cmos180, N, root, v_in, 0)
    # moved by the rest of the last step over n U_T, or by the output conductance near the rails
    assert float(solution.source_current("VDD")) == pytest.approx(through, rel=1e-6, abs=0)


def test_inverter_inverts(inverter: Circuit) -> None:
    out = operating_point(inverter, {"VDD": 1.8, "VIN": jnp.linspace(0, 1.8, 19)}).require_converged().voltage("out")
    assert float(out[0]) > 1.79 and float(out[-1]) < 0.01
    assert (np.diff(np.asarray(out)) < 0).all()


def test_residual_and_step_are_within_their_tolerances(inverter: Circuit) -> None:
    solution = operating_point(inverter, {"VDD": 1.8, "VIN": jnp.linspace(0, 1.8, 19)})
    assert (solution.residual <= op.CURRENT_TOLERANCE).all()
    assert (solution.step <= op.VOLTAGE_TOLERANCE).all()
    assert (solution.iterations <= op.MAX_ITERATIONS).all() and (solution.iterations > 0).all()


def test_bistable_pair_settles_where_it_starts(cmos180: Technology) -> None:
    cell = circuit(
        cmos180,
        VoltageSource("VDD", "vdd"),
        Fet("MN1", "n", "a", "b", "0", "0", UM, 0.5 * UM),
        Fet("MP1", "p", "a", "b", "vdd", "vdd", 2 * UM, 0.5 * UM),
        Fet("MN2", "n", "b", "a", "0", "0", UM, 0.5 * UM),
        Fet("MP2", "p", "b", "a", "vdd", "vdd", 2 * UM, 0.5 * UM),
    )
    start = jnp.zeros((2, 2)).at[0, cell.node("a")].set(1.8).at[1, cell.node("b")].set(1.8)
    solution = operating_point(cell, {"VDD": jnp.full(2, 1.8)}, start=start).require_converged()
    a, b = solution.voltage("a"), solution.voltage("b")
    assert float(a[0]) > 1.79 > 0.01 > float(b[0])
    assert float(b[1]) > 1.79 > 0.01 > float(a[1])


def test_temperature_moves_a_diode_down(diode: Circuit) -> None:
    cold, hot = (float(operating_point(diode, {"I1": 15e-9}, temperature=t).voltage("a")) for t in (273.0, 343.0))
    assert cold > hot


def test_deviation_moves_a_diode_by_as_much(diode: Circuit) -> None:
    shifts = jnp.array([[0.0], [0.01]])
    v = operating_point(diode, {"I1": 15e-9}, shifts).voltage("a")
    # but for DIBL, a hundredth of it
    assert float(v[1] - v[0]) == pytest.approx(0.01, rel=0.02, abs=0)


def test_batch_shapes_broadcast(divider: Circuit) -> None:
    solution = operating_point(divider, {"V1": jnp.ones((2, 3))})
    assert solution.voltages.shape == (2, 3, 1) and solution.converged.shape == (2, 3)
    assert solution.supplied.shape == solution.held.shape == (2, 3, 1)


def test_dies_and_inputs_broadcast_against_each_other(inverter: Circuit) -> None:
    v_in, spread = np.linspace(0, 1.8, 4), 0.01 * np.arange(6.0).reshape(3, 1, 2)
    solution = operating_point(inverter, {"VDD": 1.8, "VIN": v_in}, spread).require_converged()
    assert solution.voltages.shape == (3, 4, 1)
    one = operating_point(inverter, {"VDD": 1.8, "VIN": v_in[2]}, spread[1, 0])
    # the same iterations; vectors of another length may round another way
    np.testing.assert_allclose(solution.voltages[1, 2], one.voltages, rtol=0, atol=1e-12)


def test_batch_equals_loop_whatever_the_chunk(inverter: Circuit) -> None:
    v_in = jnp.linspace(0, 1.8, 7)
    deviations = 0.01 * jax.random.normal(jax.random.key(1), (7, 2))
    whole = operating_point(inverter, {"VDD": 1.8, "VIN": v_in}, deviations)
    small = operating_point(inverter, {"VDD": 1.8, "VIN": v_in}, deviations, chunk=2)
    alone = [operating_point(inverter, {"VDD": 1.8, "VIN": v}, d) for v, d in zip(v_in, deviations, strict=True)]
    loop = np.array([s.voltages for s in alone])
    # the same iterations; vectors of another length may round another way
    np.testing.assert_allclose(whole.voltages, loop, rtol=0, atol=1e-12)
    np.testing.assert_allclose(small.voltages, loop, rtol=0, atol=1e-12)


def test_impossible_sample_is_marked_and_spoils_no_other(diode: Circuit) -> None:
    # a billion amperes: no voltage that Newton can reach carries them
    amperes = jnp.array([1e-9, 1e9, 15e-9])
    solution = operating_point(diode, {"I1": amperes})
    assert solution.converged.tolist() == [True, False, True]
    good = operating_point(diode, {"I1": amperes[jnp.array([0, 2])]})
    np.testing.assert_allclose(solution.voltage("a")[jnp.array([0, 2])], good.voltage("a"), rtol=0, atol=1e-12)
    assert np.isnan(solution.voltage("a")[1])
    with pytest.raises(NotConverged, match="1 of 3 operating points did not converge"):
        solution.require_converged()


def test_singular_circuit_is_not_converged(cmos180: Technology) -> None:
    # a direct current into a capacitor has nowhere to go
    stuck = circuit(cmos180, CurrentSource("I1", "a"), Capacitor("C1", "a", "0", 1e-15))
    solution = operating_point(stuck, {"I1": jnp.array([1e-9, 0.0])})
    assert not solution.converged.any()
    assert np.isnan(solution.voltages).all()
    with pytest.raises(NotConverged, match="2 of 2"):
        solution.require_converged()


@pytest.mark.parametrize(
    ("drives", "words"),
    [
        ({"V1": float("nan")}, ["V1", "NaN"]),
        ({"V1": float("inf")}, ["V1", "infinity"]),
        ({"V1": jnp.zeros(0)}, ["drives", "an empty batch", "(0,)"]),
        ({"V1": jnp.array([1.0, jnp.nan])}, ["V1", "NaN"]),
        ({}, ["no value for source 'V1'"]),
        ({"V1": 1.0, "V2": 1.0}, ["no source 'V2' to drive", "Known: V1."]),
    ],
)
def test_bad_drives(divider: Circuit, drives: dict, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        operating_point(divider, drives)
    for word in words:
        assert word in str(caught.value)


def test_bad_deviations(inverter: Circuit) -> None:
    with pytest.raises(BadInput, match="deviations: NaN in data"):
        operating_point(inverter, {"VDD": 1.8, "VIN": 0.5}, jnp.array([0.0, jnp.nan]))
    with pytest.raises(BadInput, match="deviations: wrong shape; expected one value for each of the 2"):
        operating_point(inverter, {"VDD": 1.8, "VIN": 0.5}, jnp.zeros(3))


def test_shapes_that_do_not_broadcast(inverter: Circuit) -> None:
    with pytest.raises(BadInput, match=r"drives: batches that do not broadcast; got VDD \(2,\), VIN \(3,\)"):
        operating_point(inverter, {"VDD": jnp.ones(2), "VIN": jnp.ones(3)})


def test_unknown_names(divider: Circuit) -> None:
    solution = operating_point(divider, {"V1": 1.0})
    with pytest.raises(BadInput, match="no node 'c'"):
        solution.voltage("c")
    with pytest.raises(BadInput, match=r"no voltage source 'V2'\. Known: V1\."):
        solution.source_current("V2")


def test_two_sources_on_one_node(cmos180: Technology) -> None:
    r = Resistor("R1", "a", "0", 1.0)
    with pytest.raises(BadInput, match="V2: node a: two sources hold one node"):
        circuit(cmos180, VoltageSource("V1", "a"), VoltageSource("V2", "a"), r)


def test_nothing_to_solve(cmos180: Technology) -> None:
    with pytest.raises(BadInput, match="cell test: nothing to solve"):
        circuit(cmos180, VoltageSource("V1", "a"), Resistor("R1", "a", "0", 1.0))
