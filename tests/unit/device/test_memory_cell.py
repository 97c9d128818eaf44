"""Memory cells: closed forms, inverses, implicit solutions and their derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from anamorph.device.memory_cell import (
    SubthresholdCell,
    discharged_voltage,
    drain_factor,
    memristor_current,
    one_transistor_one_resistor_current,
    programmed_conductance,
    programmed_threshold,
    source_voltage,
    subthreshold_current,
)
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage

U_T = float(thermal_voltage(T_REFERENCE))
CELL = SubthresholdCell(i_spec=1e-6, slope_factor=1.7, dibl=0.06, clm=0.05)
PLAIN = SubthresholdCell(i_spec=1e-6, slope_factor=1.7)
CURRENTS = np.array([1e-12, 1e-10, 3e-9, 3e-8])


def test_weak_inversion_is_the_exponential():
    """ln^2(1 + e^x) is e^2x (1 - e^x + ..): at I / I_spec = 1e-8 the bend is 1e-4."""
    v_t = 0.9 + PLAIN.slope_factor * U_T * np.log(1e8)
    drain = np.array([0.01, 0.1, 1.0])
    found = subthreshold_current(PLAIN, v_t, 0.9, drain)
    np.testing.assert_allclose(found, 1e-14 * (1 - np.exp(-drain / U_T)), rtol=2e-4)
    np.testing.assert_allclose(subthreshold_current(PLAIN, v_t, 0.9, 0.3, 0.3), 0.0, atol=1e-30)


def test_gate_coupled_cells_multiply():
    """The ratio of two cells' currents is exp of their thresholds' difference, whatever the gate's voltage."""
    shift = CELL.slope_factor * U_T * np.log(4.0)
    gate = np.linspace(0.2, 0.5, 4)
    ratio = subthreshold_current(CELL, 1.2 - shift, gate, 0.5) / subthreshold_current(CELL, 1.2, gate, 0.5)
    np.testing.assert_allclose(ratio, 4.0, rtol=2e-3)  # the bend at 1e-7 of I_spec and above


@pytest.mark.parametrize("drain", [0.1, 1.0])
def test_thresholds_are_programmed_exactly(drain):
    v_t = programmed_threshold(CELL, CURRENTS, 0.9, drain)
    np.testing.assert_allclose(subthreshold_current(CELL, v_t, 0.9, drain), CURRENTS, rtol=1e-12)
    assert (np.diff(v_t) < 0).all()


def test_all_cells_of_a_column_share_the_drain_factor():
    v_t = programmed_threshold(CELL, CURRENTS[:2], 0.9, 0.5)
    found = subthreshold_current(CELL, v_t, 0.9, 1.0) / CURRENTS[:2]
    np.testing.assert_allclose(
        found, drain_factor(CELL, 1.0, 0.5), rtol=5e-3
    )  # the bend: 1 % of ln 2 at 1e-4 of I_spec
    assert drain_factor(CELL, 0.5, 0.5) == 1.0


def test_discharge_follows_its_differential_equation():
    """Against scipy, in time, with cells that are switched off one after another: only the charge counts."""
    currents, lengths, capacitance = np.array([2e-9, 5e-9, 1e-9]), np.array([10e-6, 4e-6, 16e-6]), 1e-13

    def slope(t, v):
        return -(currents * (t < lengths)).sum() * float(drain_factor(CELL, v[0], 1.0)) / capacitance

    v = [1.0]
    for begin, end in ((0, 4e-6), (4e-6, 10e-6), (10e-6, 16e-6)):  # the corners, between which it is smooth
        v = solve_ivp(slope, (begin, end * (1 - 1e-12)), v, rtol=1e-10, atol=1e-12).y[:, -1]
    fall = (currents * lengths).sum() / capacitance
    assert fall > 0.5
    assert discharged_voltage(CELL, fall, 1.0, 1.0) == pytest.approx(v[0], abs=1e-7)


def test_discharge_of_ideal_cells_is_the_charge():
    ideal = CELL._replace(dibl=0.0, clm=0.0)
    assert discharged_voltage(ideal, 0.4, 1.0, 1.0) == pytest.approx(0.6, abs=1e-9)  # saturated: e^-0.6/U_T is 1e-10
    assert discharged_voltage(CELL, 0.4, 1.0, 1.0) > 0.6  # the barrier rises as the drain falls


def test_memristor_is_ohmic_then_sinh():
    v = np.array([-0.5, -1e-3, 0.0, 1e-3, 0.0099, 0.0101, 0.5])
    np.testing.assert_allclose(memristor_current(2e-6, v, 3.0), 2e-6 * np.sinh(3 * v) / 3, rtol=1e-14, atol=1e-30)
    np.testing.assert_allclose(memristor_current(2e-6, v), 2e-6 * v, rtol=1e-15)
    slope = jax.grad(lambda x: memristor_current(1.0, x, 3.0))
    assert slope(0.0) == 1.0
    assert slope(0.4) == pytest.approx(np.cosh(1.2), rel=1e-14)


@pytest.mark.parametrize("beta", [0.0, 4.0])
def test_one_transistor_one_resistor_balances(beta):
    """Over four decades of conductance the transistor and the memristor carry the same current."""
    conductance = np.geomspace(1e-9, 1e-5, 9)
    x = source_voltage(PLAIN, 0.4, conductance, 0.35, 0.6, beta)
    transistor = subthreshold_current(PLAIN, 0.4, 0.35, 0.6, x)
    np.testing.assert_allclose(transistor, memristor_current(conductance, x, beta), rtol=1e-10)
    current = one_transistor_one_resistor_current(PLAIN, 0.4, conductance, 0.35, 0.6, beta)
    assert (np.diff(current) > 0).all()
    assert (current < subthreshold_current(PLAIN, 0.4, 0.35, 0.6)).all()


def test_derivative_is_that_of_the_implicit_function():
    def current(conductance, gate):
        return one_transistor_one_resistor_current(CELL, 0.4, conductance, gate, 0.6, 2.0)

    at = (jnp.asarray(2e-7), jnp.asarray(0.35))
    for k, size in enumerate((2e-11, 1e-5)):
        up, down = ([x + s * size * (i == k) for i, x in enumerate(at)] for s in (1, -1))
        difference = (current(*up) - current(*down)) / (2 * size)
        assert jax.grad(current, argnums=k)(*at) == pytest.approx(float(difference), rel=1e-6)


def test_conductances_are_programmed_exactly():
    full = float(subthreshold_current(CELL, 0.4, 0.35, 0.6))
    target = full * np.array([1e-3, 0.1, 0.9, 1.1])
    g = programmed_conductance(CELL, 0.4, target, 0.35, 0.6, 2.0)
    found = one_transistor_one_resistor_current(CELL, 0.4, g, 0.35, 0.6, 2.0)
    np.testing.assert_allclose(found[:3], target[:3], rtol=1e-9)
    assert np.isnan(g[3])  # more than the transistor carries alone
