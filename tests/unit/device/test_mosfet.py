"""The transistor against the closed forms that its equations reduce to."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.netlist import Fet
from anamorph.device import mosfet
from anamorph.device.mosfet import ELEMENTARY_CHARGE, T_REFERENCE, MosfetParameters, Terminals
from anamorph.technology import Technology

UM = 1e-6
U_T = mosfet.thermal_voltage(T_REFERENCE)
BOTH = pytest.mark.parametrize("polarity", ["n", "p"])


def parameters(
    technology: Technology,
    polarity: str = "n",
    w: float = 2.7 * UM,
    length: float = 0.45 * UM,
    **changes: float,
) -> MosfetParameters:
    area, perimeter = w * 0.5 * UM, 2 * (w + 0.5 * UM)
    fet = Fet("M", polarity, "d", "g", "s", "b", w, length, 1, area, area, perimeter, perimeter)
    return jax.tree.map(jnp.asarray, technology.mosfet(fet)._replace(**changes))


def plain(technology: Technology, polarity: str = "n", **sizes: float) -> MosfetParameters:
    """Without the corrections: the bare interpolation."""
    return parameters(technology, polarity, **sizes, dibl=0.0, clm=0.0, mobility_reduction=0.0)


def at(drain: float, gate: float, source: float = 0.0) -> Terminals:
    return Terminals(*(jnp.asarray(v, float) for v in (drain, gate, source)))


def current(p: MosfetParameters, v: Terminals, **more: Any) -> float:
    return float(mosfet.drain_current(p, v, **more))


def by_terminal(function: Any, v: Terminals) -> np.ndarray:
    """Derivatives of each charge (row) by each voltage (column)."""
    return np.array(jax.jacfwd(lambda x: jnp.stack(function(Terminals(*x))))(jnp.stack(v)))


@BOTH
@pytest.mark.parametrize("celsius", [-40, 27, 125])
def test_subthreshold_swing_is_n_kt_over_q_ln_10(cmos180: Technology, polarity: str, celsius: float) -> None:
    p, kelvin = plain(cmos180, polarity), 273.15 + celsius
    low, high = (current(p, at(1.8, v), temperature=kelvin) for v in (0.02, 0.04))
    swing = 0.02 / np.log10(high / low)
    expected = float(p.slope_factor) * mosfet.thermal_voltage(kelvin) * np.log(10)
    # ln^2(1 + e^x) rises less steeply than e^2x by half of e^x, x = -4.2 at 125 degC
    assert swing == pytest.approx(expected, rel=1e-2, abs=0)


@BOTH
def test_current_at_threshold(cmos180: Technology, polarity: str) -> None:
    p = plain(cmos180, polarity)
    # u_f = 0 and, with the drain at 1.8 V, u_r = -70, whose term is e^-70
    assert current(p, at(1.8, float(p.v_t0))) == pytest.approx(float(p.i_spec) * np.log(2) ** 2, rel=1e-12, abs=0)


@BOTH
@pytest.mark.parametrize("v_d", [0.1, 0.4, 1.8])
def test_square_law_in_strong_inversion(cmos180: Technology, polarity: str, v_d: float) -> None:
    p = plain(cmos180, polarity)
    pinch = (1.8 - float(p.v_t0)) / float(p.slope_factor)
    reverse = max(pinch - v_d, 0.0)
    square = float(p.i_spec) * (pinch**2 - reverse**2) / (4 * U_T**2)
    # the exponential left over by ln(1 + e^{u/2}): below e^-9 relative at the nearest drain voltage
    assert current(p, at(v_d, 1.8)) == pytest.approx(square, rel=1.3e-4, abs=0)


@BOTH
def test_mobility_reduction_in_strong_inversion(cmos180: Technology, polarity: str) -> None:
    theta = 0.8
    p, bare = (
        plain(cmos180, polarity)._replace(mobility_reduction=jnp.asarray(theta)),
        plain(cmos180, polarity),
    )
    # saturated: n U_T q_f is half the overdrive, and e^-20 remains of q_r
    overdrive = 1.8 - float(p.v_t0)
    ratio = current(bare, at(1.8, 1.8)) / current(p, at(1.8, 1.8))
    assert ratio == pytest.approx(1 + theta * overdrive / 2, rel=1e-8, abs=0)


@BOTH
def test_dibl_lowers_the_threshold(cmos180: Technology, polarity: str) -> None:
    p = plain(cmos180, polarity)._replace(dibl=jnp.asarray(0.01))
    one, two = (current(p, at(v, 0.1)) for v in (0.8, 1.8))
    # half of e^-4.8 is lost to the interpolation, and the smooth magnitudes differ by 0.9 mV less than 1 V
    expected = 0.01 / (float(p.slope_factor) * U_T)
    assert np.log(two / one) == pytest.approx(expected, rel=8e-3, abs=0)


@BOTH
def test_channel_length_modulation(cmos180: Technology, polarity: str) -> None:
    p = plain(cmos180, polarity)._replace(clm=jnp.asarray(0.05))
    magnitude = np.sqrt(1.8**2 + mosfet.V_SMOOTH**2) - mosfet.V_SMOOTH
    ratio = current(p, at(1.8, 0.6)) / current(plain(cmos180, polarity), at(1.8, 0.6))
    assert ratio == pytest.approx(1 + 0.05 * magnitude, rel=1e-12, abs=0)


def test_threshold_deviation_moves_the_gate(cmos180: Technology) -> None:
    p = parameters(cmos180)
    # the same argument but for the rounding of one subtraction, amplified by 1/(2 U_T)
    assert current(p, at(1.0, 0.5), dv_t=0.02) == pytest.approx(current(p, at(1.0, 0.48)), rel=1e-12, abs=0)


@BOTH
def test_heat_raises_weak_and_lowers_strong_inversion(cmos180: Technology, polarity: str) -> None:
    p = parameters(cmos180, polarity)
    cold, warm, hot = 233.15, 300.15, 398.15
    weak = [current(p, at(1.8, 0.2), temperature=t) for t in (cold, warm, hot)]
    strong = [current(p, at(1.8, 1.8), temperature=t) for t in (cold, warm, hot)]
    assert weak[0] < weak[1] < weak[2]
    assert strong[0] > strong[1] > strong[2]


@BOTH
def test_specific_current_follows_temperature(cmos180: Technology, polarity: str) -> None:
    p = parameters(cmos180, polarity)
    power = 2 + float(p.mobility_exponent)
    hot = mosfet.specific_current(p, 2 * T_REFERENCE)
    assert float(hot) == pytest.approx(float(p.i_spec) * 2**power, rel=1e-14, abs=0)


@BOTH
def test_gate_capacitance_limits(cmos180: Technology, polarity: str) -> None:
    p = parameters(cmos180, polarity)._replace(c_overlap=jnp.asarray(0.0), dibl=jnp.asarray(0.0))
    n, c_ox = float(p.slope_factor), float(p.c_gate)

    def c_gate(v: Terminals, column: int) -> float:
        return by_terminal(lambda x: mosfet.terminal_charges(p, x), v)[1, column]

    # off: only the bulk charge, and e^-8 of inversion charge
    assert c_gate(at(0, 0), 1) == pytest.approx(c_ox * (n - 1) / n, rel=2e-3, abs=0)
    # on, V_DS = 0: the oxide; the charge is linear but for 1/(8 q^2), q = 18
    assert c_gate(at(0, 1.8), 1) == pytest.approx(c_ox, rel=2e-3, abs=0)
    # saturated: two thirds towards the source (1/q^2 again), nothing towards the drain
    assert -c_gate(at(1.8, 1.8), 2) == pytest.approx(2 / 3 * c_ox, rel=6e-3, abs=0)
    assert abs(c_gate(at(1.8, 1.8), 0)) < 1e-6 * c_ox


@BOTH
def test_saturated_channel_charge_is_shared_sixty_to_forty(cmos180: Technology, polarity: str) -> None:
    p = plain(cmos180, polarity)._replace(
        c_overlap=jnp.asarray(0.0), c_junction_drain=jnp.asarray(0.0), c_junction_source=jnp.asarray(0.0)
    )
    q = mosfet.terminal_charges(p, at(1.8, 1.8))
    # of first order in 1/q_f = 1/18: the -1/2 that each share carries
    assert float(q.drain / (q.drain + q.source)) == pytest.approx(0.4, abs=0.01)


@BOTH
@pytest.mark.parametrize("reverse", [0.0, 0.9, 1.8])
def test_junction_capacitance_follows_its_grading(cmos180: Technology, polarity: str, reverse: float) -> None:
    p = parameters(cmos180, polarity)._replace(c_gate=jnp.asarray(0.0), c_overlap=jnp.asarray(0.0))
    c = by_terminal(lambda x: mosfet.terminal_charges(p, x), at(reverse, 0.0, 0.0))[0, 0]
    law = (1 + reverse / float(p.junction_potential)) ** -float(p.junction_grading)
    # rounding under forward bias takes (0.1/x)^2 of x = 1 + V_R/phi, 1.4 % at zero bias
    assert c == pytest.approx(float(p.c_junction_drain) * law, rel=1.5e-2 * law, abs=0)


@BOTH
def test_noise_is_shot_noise_in_saturated_weak_inversion(cmos180: Technology, polarity: str) -> None:
    p = plain(cmos180, polarity)
    v = at(1.8, float(p.v_t0) - 0.3)
    thermal, _ = mosfet.noise_psd(p, v, 1.0)
    # second order of q_f = e^-4.2
    assert float(thermal) == pytest.approx(2 * ELEMENTARY_CHARGE * current(p, v), rel=0.02, abs=0)


@BOTH
@pytest.mark.parametrize("v_g", [0.0, 0.3, 0.45, 0.6, 1.0, 1.8])
@pytest.mark.parametrize("kelvin", [233.15, 300.15, 398.15])
def test_noise_is_nyquist_s_at_zero_bias(cmos180: Technology, polarity: str, v_g: float, kelvin: float) -> None:
    p = parameters(cmos180, polarity)
    v = at(0.0, v_g)
    thermal, flicker = mosfet.noise_psd(p, v, 1.0, temperature=kelvin)
    g_ds = jax.grad(lambda d: mosfet.drain_current(p, v._replace(drain=d), temperature=kelvin))(v.drain)
    nyquist = 4 * ELEMENTARY_CHARGE * mosfet.thermal_voltage(kelvin) * float(g_ds)
    # ln(1 + e^{u/2}) for the charge is between 7 % too high and 11 % too low around threshold
    assert float(thermal) == pytest.approx(nyquist, rel=0.11, abs=0)
    assert float(flicker) == 0.0


@BOTH
def test_flicker_noise_falls_with_frequency_and_area(cmos180: Technology, polarity: str) -> None:
    small = parameters(cmos180, polarity)
    large = parameters(cmos180, polarity, w=4 * 2.7 * UM)
    v = at(1.0, 0.6)
    one, ten = (float(mosfet.noise_psd(small, v, f)[1]) for f in (1.0, 10.0))
    assert one == pytest.approx(10 * ten, rel=1e-14, abs=0)
    referred = []
    for p in (small, large):
        g_m = jax.grad(lambda g, p=p: mosfet.drain_current(p, v._replace(gate=g)))(v.gate)
        referred.append(float(mosfet.noise_psd(p, v, 1.0)[1]) / float(g_m) ** 2)
    assert referred[0] == pytest.approx(4 * referred[1], rel=1e-12, abs=0)
    expected = cmos180.value(f"{polarity}fet", "flicker") / float(small.c_gate)
    assert referred[0] == pytest.approx(expected, rel=1e-12, abs=0)


def test_smooth_magnitude_is_even_zero_at_zero_and_one_sloped_far_out() -> None:
    x = jnp.linspace(-2.0, 2.0, 41)
    np.testing.assert_array_equal(mosfet.smooth_magnitude(x), mosfet.smooth_magnitude(-x))
    assert float(mosfet.smooth_magnitude(jnp.asarray(0.0))) == 0.0
    # |x| - d, but for d^2 / 2|x|
    assert float(mosfet.smooth_magnitude(jnp.asarray(100.0))) == pytest.approx(99.95, abs=2e-5)
