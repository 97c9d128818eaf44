"""Laws that every transistor of the card obeys, of any size, at any bias and temperature."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anamorph.circuit.netlist import Fet
from anamorph.device import mosfet
from anamorph.device.mosfet import MosfetParameters, Terminals
from anamorph.technology import Technology

UM = 1e-6
EPS = 2.2e-16  # float64


class Case(NamedTuple):
    """One transistor at one bias: drain, gate, source against bulk, V; deviation, V; temperature, K."""

    fet: Fet
    v: np.ndarray
    deviation: float
    kelvin: float


def volts(low: float = -0.2, high: float = 2.0) -> st.SearchStrategy[float]:
    return st.floats(low, high)


@st.composite
def cases(draw: st.DrawFn, low: float = -0.2, high: float = 2.0) -> Case:
    """The legal box: the card's sizes, the supply and a little beyond it, -40 to 125 degC."""
    w, l = draw(st.floats(0.22, 20)) * UM, draw(st.floats(0.36, 10)) * UM  # noqa: E741
    area, perimeter = w * 0.5 * UM, 2 * (w + 0.5 * UM)
    fet = Fet(
        "M", draw(st.sampled_from("np")), "d", "g", "s", "b", w, l, draw(st.integers(1, 8)),
        area, area, perimeter, perimeter,
    )  # fmt: skip
    v = np.array([draw(volts(low, high)) for _ in range(3)])
    return Case(fet, v, draw(st.floats(-0.05, 0.05)), draw(st.floats(233.15, 398.15)))


def _current(p: MosfetParameters, v: jax.Array, deviation: jax.Array, kelvin: jax.Array) -> jax.Array:
    return mosfet.drain_current(p, Terminals(*v), deviation, kelvin)


def _charges(p: MosfetParameters, v: jax.Array, deviation: jax.Array, kelvin: jax.Array) -> jax.Array:
    return jnp.stack(mosfet.terminal_charges(p, Terminals(*v), deviation, kelvin))


def _noise(p: MosfetParameters, v: jax.Array, deviation: jax.Array, kelvin: jax.Array) -> jax.Array:
    return jnp.stack(mosfet.noise_psd(p, Terminals(*v), 1.0, deviation, kelvin))


CURRENT, GRADIENT = jax.jit(_current), jax.jit(jax.grad(_current, argnums=1))
CHARGES, CAPACITANCES = jax.jit(_charges), jax.jit(jax.jacfwd(_charges, argnums=1))
NOISE = jax.jit(_noise)


def evaluate(function, technology: Technology, case: Case, v: np.ndarray | None = None) -> np.ndarray:
    p = jax.tree.map(jnp.asarray, technology.mosfet(case.fet))
    at = jnp.asarray(case.v if v is None else v)
    return np.asarray(function(p, at, jnp.asarray(case.deviation), jnp.asarray(case.kelvin)))


def swapped(v: np.ndarray) -> np.ndarray:
    return v[[2, 1, 0]]


def no_drop(case: Case) -> np.ndarray:
    return np.array([case.v[0], case.v[1], case.v[0]])


@given(case=cases())
def test_no_current_without_drain_voltage(cmos180: Technology, case: Case) -> None:
    assert evaluate(CURRENT, cmos180, case, no_drop(case)) == 0.0


@given(case=cases())
def test_swapping_drain_and_source_flips_the_current(cmos180: Technology, case: Case) -> None:
    forward = evaluate(CURRENT, cmos180, case)
    backward = evaluate(CURRENT, cmos180, case, swapped(case.v))
    # the same operations on the same numbers, but for one fused multiply-add
    assert backward == pytest.approx(-forward, rel=4 * EPS, abs=0)


@given(case=cases())
def test_current_flows_from_the_higher_side(cmos180: Technology, case: Case) -> None:
    drop = case.v[0] - case.v[2]
    assume(abs(drop) > 1e-12)  # well above the rounding of 2 V
    assert np.sign(evaluate(CURRENT, cmos180, case)) == np.sign(drop)


@given(case=cases(), rise=st.floats(1e-6, 0.5))
def test_current_rises_with_the_drain(cmos180: Technology, case: Case, rise: float) -> None:
    higher = evaluate(CURRENT, cmos180, case, case.v + np.array([rise, 0, 0]))
    assert higher > evaluate(CURRENT, cmos180, case)
    assert evaluate(GRADIENT, cmos180, case)[0] > 0


@given(case=cases())
def test_conductance_of_the_source_is_negative(cmos180: Technology, case: Case) -> None:
    assert evaluate(GRADIENT, cmos180, case)[2] < 0


@given(case=cases(), rise=st.floats(1e-6, 0.5))
def test_magnitude_rises_with_the_gate(cmos180: Technology, case: Case, rise: float) -> None:
    assume(abs(case.v[0] - case.v[2]) > 1e-6)
    higher = evaluate(CURRENT, cmos180, case, case.v + np.array([0, rise, 0]))
    assert abs(higher) > abs(evaluate(CURRENT, cmos180, case))


@given(case=cases(), shift=st.floats(-0.04, 0.04))
def test_deviation_is_a_shift_of_the_gate(cmos180: Technology, case: Case, shift: float) -> None:
    deviated = evaluate(CURRENT, cmos180, case._replace(deviation=case.deviation + shift))
    moved = evaluate(CURRENT, cmos180, case, case.v - np.array([0, shift, 0]))
    # a rounding of 2 V, divided by 2 n U_T; and where drain and source nearly balance, of their difference
    q_scale = 20 * EPS * 2 / 0.05
    scale = np.abs(evaluate(GRADIENT, cmos180, case)).sum() * 0.1
    assert deviated == pytest.approx(moved, rel=q_scale, abs=q_scale * scale)


@given(case=cases())
def test_gradient_agrees_with_finite_differences(cmos180: Technology, case: Case) -> None:
    exact, step = evaluate(GRADIENT, cmos180, case), 1e-5
    for terminal, direction in enumerate(np.eye(3)):
        up, down = (evaluate(CURRENT, cmos180, case, case.v + s * step * direction) for s in (1, -1))
        # truncation (h / 2 U_T)^2 / 6 = 1e-8 of the largest slope, of a curve that is the difference of two;
        # rounding of a current that is at most 1 V times the slopes: 20 eps / h = 4e-10
        assert (up - down) / (2 * step) == pytest.approx(exact[terminal], abs=1e-6 * np.abs(exact).sum())


@given(case=cases(low=-50, high=50))
def test_everything_is_finite_far_outside_the_box(cmos180: Technology, case: Case) -> None:
    # Newton's iterates go there before they come back
    for function in (CURRENT, GRADIENT, CHARGES, CAPACITANCES):
        assert np.isfinite(evaluate(function, cmos180, case)).all()


@given(case=cases())
def test_swapping_drain_and_source_swaps_their_charges(cmos180: Technology, case: Case) -> None:
    charges = evaluate(CHARGES, cmos180, case)
    back = evaluate(CHARGES, cmos180, case, swapped(case.v))
    # sums in another order, of charges up to the gate's
    np.testing.assert_allclose(swapped(back), charges, rtol=0, atol=50 * EPS * _charge_scale(cmos180, case))


@given(case=cases())
def test_capacitances_agree_with_finite_differences(cmos180: Technology, case: Case) -> None:
    exact, step = evaluate(CAPACITANCES, cmos180, case), 1e-5
    for terminal, direction in enumerate(np.eye(3)):
        up, down = (evaluate(CHARGES, cmos180, case, case.v + s * step * direction) for s in (1, -1))
        # truncation (h / 2 U_T)^2 / 6 = 1e-8 and rounding 50 eps / h = 1e-9, of the whole capacitance
        tolerance = 1e-6 * _charge_scale(cmos180, case)
        np.testing.assert_allclose((up - down) / (2 * step), exact[:, terminal], rtol=0, atol=tolerance)


@given(case=cases())
def test_capacitances_are_reciprocal_and_passive_in_equilibrium(cmos180: Technology, case: Case) -> None:
    # without drain voltage the charges derive from an energy: symmetric, and no negative eigenvalue
    c = evaluate(CAPACITANCES, cmos180, case, no_drop(case))
    scale = _charge_scale(cmos180, case)
    np.testing.assert_allclose(c, c.T, rtol=0, atol=1e-12 * scale)
    assert np.linalg.eigvalsh((c + c.T) / 2).min() > 0


@given(case=cases())
def test_gate_capacitance_is_positive_and_bounded(cmos180: Technology, case: Case) -> None:
    p = cmos180.mosfet(case.fet)
    c = evaluate(CAPACITANCES, cmos180, case)[1, 1]
    # between the bulk's share and the whole oxide, and both overlaps; DIBL adds nothing to the gate's own
    assert 2 * p.c_overlap < c <= (p.c_gate + 2 * p.c_overlap) * (1 + 1e-12)


@given(case=cases())
def test_noise_is_positive_and_symmetric(cmos180: Technology, case: Case) -> None:
    thermal, flicker = evaluate(NOISE, cmos180, case)
    assert thermal > 0 and flicker >= 0
    back, _ = evaluate(NOISE, cmos180, case, swapped(case.v))
    assert back == pytest.approx(thermal, rel=10 * EPS, abs=0)


def _charge_scale(technology: Technology, case: Case) -> float:
    """All capacitances of the device, F: the scale of its charges at volts."""
    p = technology.mosfet(case.fet)
    return float(p.c_gate + 2 * p.c_overlap + p.c_junction_drain + p.c_junction_source)
