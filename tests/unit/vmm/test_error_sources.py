"""Each source of error alone, against the formula that it is made of or the law by which it scales."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.device.memory_cell import memristor_current
from anamorph.vmm.sources import Errors

ROWS = 8
KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def change(multiplier, answers):
    """What one source adds to the outputs."""

    def of(cell, encoding, source, data, die, key=None, **figures) -> np.ndarray:
        made = multiplier(cell, encoding, Errors.only(source), **figures)
        w, x = data
        return answers(made, w, x, key, die) - np.asarray(made.reference(w, x))

    return of


@pytest.mark.parametrize(
    ("source", "figure", "power"),
    [("tuning", "tuning", 1), ("drift", "drift", 1), ("gain", "gain", 1), ("offset", "offset", 1), ("drain", "dibl", 1),
     ("wires", "wire_bit", 1), ("noise", "current", -0.5), ("noise", "duration", -0.5),
     ("capacitor", "capacitor", -0.5)],
)  # fmt: skip
def test_each_source_scales_by_its_law(source, figure, power, data, die, multiplier, change) -> None:
    small = getattr(multiplier("2d_nor", "exp").physics, figure)
    # small enough for a straight line, and without what is not of this figure
    base = {"clm": 0.0, "capacitor": 1e-8 if source == "noise" else multiplier("2d_nor", "exp").physics.capacitor}
    base |= {figure: small * (1.0 if power < 0 else 1e-3)}
    one = change("2d_nor", "exp", source, data, die, KEY, **base)
    ten = change("2d_nor", "exp", source, data, die, KEY, **(base | {figure: 10 * base[figure]}))
    assert np.abs(one).max() > 0
    # one part in a hundred of curvature is left at a thousandth of the figure; kT/C beside shot noise
    np.testing.assert_allclose(ten, 10.0**power * one, atol=0.03 * np.abs(ten).max())


def test_written_cells_err_less_where_currents_are_small(die, multiplier, answers) -> None:
    made = multiplier("2d_nor", "exp", Errors.only("tuning"), tuning_small=0.0, base=0.0)
    w, x = jnp.zeros((8, 4)).at[0].set(1.0), jnp.ones((16, 8))
    # weights of zero are cells without current, which cannot err; of one weight alone the error is its own
    found = answers(made, w, x, die=die)[0] - 1
    np.testing.assert_allclose(found, made.physics.tuning * die.tuning[0, 0], atol=1e-8)


def test_temperature_moves_ratios_and_not_the_largest(data, multiplier, answers) -> None:
    figures = {"temperature": 358.15, "written_at": 298.15, "temperature_share": 0.5, "base": 0.0}
    made = multiplier("2d_nor", "exp", Errors.only("temperature"), **figures)
    x = jnp.zeros((16, 8)).at[:, 0].set(1.0)
    w = jnp.zeros((8, 4)).at[0].set(jnp.array([1.0, 11 / 31, -3 / 31, 0.0]))
    found = np.asarray(answers(made, w, x))[0]
    exponent = 1 - 0.5 * (1 - 298.15 / 358.15)
    # cells without current have the least that cells may have
    np.testing.assert_allclose(found, np.sign(w[0]) * np.abs(w[0]) ** exponent, atol=1e-7)
    # of full scale, from 25 to 85 degrees, which the share is fitted to
    assert np.abs(found - w[0]).max() < 0.035


def test_temperature_share_of_nor_cells_keeps_what_was_published(multiplier) -> None:
    share = multiplier("2d_nor", "ins").physics.temperature_share
    w = np.linspace(1e-3, 1, 999)
    drift = w ** (1 - share * (1 - 298.15 / 358.15)) - w
    assert 0.02 < drift.max() < 0.035  # below 3 % of full scale from 25 to 85 degrees Celsius, in round figures


def test_one_line_follows_the_integrated_cell(data, multiplier, answers) -> None:
    """Of plus lines alone: what `device.memory_cell` integrates with the same lowering and modulation."""
    from anamorph.device.memory_cell import SubthresholdCell, discharged_voltage

    made = multiplier("2d_nor", "exp", Errors.only("drain"), base=0.0, dibl=0.05, swing=0.3)
    p = made.physics
    x = jnp.linspace(0, 1, 16)[:, None] * jnp.ones((1, 8))
    found = np.asarray(answers(made, jnp.ones((8, 4)), x))[:, 0] * p.swing / ROWS
    ideal = np.round(np.linspace(0, 1, 16) * 63) / 63 * p.swing
    cell = SubthresholdCell(1e-6, p.slope_factor, p.dibl, p.clm)
    fall = p.drain - np.asarray(discharged_voltage(cell, ideal, p.drain, p.drain, temperature=p.temperature))
    # modulation as an exponential is 3e-4 of the swing off a straight line, saturation is complete to e^-18
    np.testing.assert_allclose(found, fall, atol=5e-4 * p.swing)
    assert np.abs(fall - ideal).max() > 0.02 * p.swing


def test_capacitors_of_lin_act_at_every_bit(die, multiplier, answers) -> None:
    made = multiplier("2d_nor", "lin", Errors.only("capacitor"), base=0.0, capacitor_mismatch=1e-7)
    sigma = made.magnitudes.capacitor
    one, two = (1 + sigma * np.asarray(die.capacitor[k]) for k in (0, 1))  # [lines, columns]
    codes = np.arange(16) * 4 + 3
    x, w = jnp.asarray(codes / 63)[:, None] * jnp.ones((1, 8)), jnp.ones((8, 4))
    r = two / (one + two)
    weights = np.stack([(1 - r[0]) * r[0] ** (5 - b) / one[0] for b in range(6)])  # of plus lines, [bits, columns]
    bits = (codes[:, None] >> np.arange(6)) & 1
    np.testing.assert_allclose(answers(made, w, x, die=die), 8 * 64 / 63 * bits @ weights, rtol=1e-8)
    assert np.abs(weights * 64 / 2 ** np.arange(6)[:, None] - 1).max() > 0.01


def test_leakage_is_what_is_off_and_what_lines_lose(die, multiplier, answers) -> None:
    made = multiplier("2d_nor", "exp", Errors.only("leakage"), base=0.0, off=1e-2, line_leakage=1e-10)
    w, x = jnp.ones((8, 4)), jnp.zeros((16, 8))
    m = made.magnitudes
    spread = m.leak * m.leak_spread * (np.asarray(die.leak[0]) - np.asarray(die.leak[1]))
    np.testing.assert_allclose(answers(made, w, x, die=die)[0], 8 * 1e-2 + spread, rtol=1e-8)
    assert m.leak == pytest.approx(8 * 1e-10 / made.physics.current)


def test_slopes_of_gate_coupled_cells(die, multiplier, answers) -> None:
    made = multiplier("2d_nor", "ins", Errors.only("input"), base=0.0, input_gain=0.0, slope_spread=1e-3)
    x = jnp.zeros((16, 8)).at[:, 2].set(jnp.arange(16) / 15)
    w = jnp.ones((8, 4))
    d = made.physics.slope_spread * np.asarray(die.slope[0, 2])
    at = np.asarray(made.quantise_inputs(x))[:, 2][:, None]
    # to first order in the mismatch, of which the square is 1e-5
    np.testing.assert_allclose(answers(made, w, x, die=die), at ** (1 + d), atol=2e-5)


def test_passive_cells_bend_amplitudes_and_not_pulses(data, die, multiplier, answers, change) -> None:
    x, w = jnp.zeros((16, 8)).at[:, 0].set(jnp.arange(16) / 15), jnp.ones((8, 4))
    bent = multiplier("0t1r", "ins", Errors.only("nonlinearity"))
    p = bent.physics
    at = np.asarray(bent.quantise_inputs(x))[:, 0]
    current = memristor_current(1.0, p.read * at, p.nonlinearity) / memristor_current(1.0, p.read, p.nonlinearity)
    # four terms of a series
    np.testing.assert_allclose(answers(bent, w, x)[:, 0], current, atol=1e-6)
    assert np.abs(current - at).max() > 0.005
    assert np.abs(change("0t1r", "exp", "nonlinearity", data, die)).max() < 1e-12


def test_input_resistance_of_the_sense_amplifier(data, multiplier) -> None:
    made = multiplier("1t1r_passive", "exp", Errors.only("sense"), sense=2e3)
    w, x = data
    plus, minus = (np.maximum(s * np.asarray(made.quantise_weights(w)), 0) for s in (1, -1))
    base, k = made.physics.base, made.magnitudes.sense
    lines = [base + (1 - base) * line for line in (plus, minus)]
    signals = [np.asarray(made.quantise_inputs(x)) @ (line / (1 + k * line.sum(0))) for line in lines]
    found = made.run(made.nominal(), w, x)[0]
    np.testing.assert_allclose(found, (signals[0] - signals[1]) / (1 - base), rtol=1e-9)


def test_wires_solved_and_estimated_agree_while_losses_are_small(data, multiplier, answers) -> None:
    w, x = data
    for wire, off_by in ((1.5, 0.01), (150.0, 0.25)):
        made = multiplier("1t1r_passive", "exp", Errors.only("wires"), wire_word=wire, wire_bit=wire)
        wanted, solved, estimated = made.reference(w, x), made.run(made.nominal(), w, x)[0], answers(made, w, x)
        loss = np.abs(np.asarray(solved) - wanted).max()
        # the estimate's error is of the second order in the loss, one part in a thousand here and one in ten there
        assert np.abs(np.asarray(estimated) - np.asarray(solved)).max() < off_by * loss


def test_noise_has_the_variance_of_its_electrons(multiplier, answers) -> None:
    made = multiplier("2d_nor", "exp", Errors.only("noise"), base=0.0, capacitor=1e-9, current=1e-9, duration=1.602e-9)
    w, x = jnp.ones((8, 4)), jnp.ones((16, 8))
    runs = np.stack([answers(made, w, x, jax.random.key(k)) - 8 for k in range(60)])
    # 0.1 / I[nA] per unit of the sum: the law of arXiv:1904.01705; 3840 draws give 2.3 % of a variance
    assert runs.var() == pytest.approx(0.1 * 8, rel=0.08)


def test_passive_noise_is_thermal(multiplier) -> None:
    made = multiplier("1t1r_passive", "exp", Errors.only("noise"))
    p = made.physics
    # 2 k T G t over (G V t)^2
    assert made.magnitudes.shot == pytest.approx(2 * p.thermal / p.read * 1.602176634e-19 / (p.current * p.duration))


def test_base_current_cancels_but_for_what_it_adds_to_both(data, die, change) -> None:
    # without errors it drops out; with a line's motion it counts
    exact = change("1t1r_active", "exp", "resolution", data, die)
    assert np.abs(exact).max() < 3.0 / 31
    without, with_base = (change("1t1r_active", "exp", "drain", data, die, base=b) for b in (0.0, 0.2))
    assert np.abs(with_base - without).max() > 1e-4
    assert replace(Errors.none(), drain=True) == Errors.only("drain")
