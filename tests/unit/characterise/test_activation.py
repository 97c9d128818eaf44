"""The combined transfer, its fits, and the question of linearity, on curves whose formulas are known."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anamorph.characterise.activation import Activation, combine
from anamorph.characterise.activation_fits import fit_line, fit_logistic, fit_polynomial, r_squared, widest_line
from anamorph.characterise.linearity import feasibility, nonlinear_share
from anamorph.errors import BadInput, OutOfDomain

_spec = importlib.util.spec_from_file_location("spiking_curves", Path(__file__).with_name("spiking_curves.py"))
assert _spec and _spec.loader
curves = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(curves)


def _straight() -> Activation:
    x = np.linspace(0, 1, 50)
    return Activation(x, (0.3 + 0.7 * x)[None], 1e-9, 1e-9, "a line")


def test_the_activation_is_the_synapse_of_the_neuron_over_its_peak():
    found = combine(curves.neuron(), curves.synapse())
    f = 400e3 * np.array([0.1, 0.5, 1.0]) ** 0.6
    i = 2e-9 * f / (f + 200e3)
    # splines between 200 and 451 points: far better than this
    np.testing.assert_allclose(found(np.array([0.1, 0.5, 1.0])), i / i[-1], rtol=1e-4)
    assert found.peak == pytest.approx(i[-1], rel=1e-6)
    assert found.gain(1.0) == pytest.approx(1e-9 / found.peak)


def test_it_is_silent_below_the_threshold_and_never_bends_back():
    table = combine(curves.neuron(), curves.synapse()).table()[0]
    x = np.linspace(0, 1, len(table))
    assert (table[x < 0.0045] == 0).all()
    assert (np.diff(table) >= 0).all()


def test_where_the_neuron_stops_the_activation_falls_to_zero():
    found = combine(curves.neuron(stops=6e-10), curves.synapse())
    assert found(np.array(0.5)) > 0.9
    assert found(np.array(0.8)) == 0


def test_samples_are_normalised_by_the_nominal_one():
    found = combine(curves.neuron(samples=3), curves.synapse())
    assert found.y.shape[0] == 3
    assert found.y[0].max() == 1
    assert found.y[2].max() < found.y[1].max() < 1


def test_points_that_did_not_converge_are_bridged():
    whole = curves.neuron()
    wrong = whole.converged.copy()
    wrong[0, 150] = False
    spoilt = np.where(wrong, whole.f_spike, 1e9)
    found = combine(replace(whole, converged=wrong, f_spike=spoilt), curves.synapse())
    at = whole.i_ex[150] / 1e-9
    np.testing.assert_allclose(found(np.array(at)), combine(whole, curves.synapse())(np.array(at)), rtol=1e-3)


def test_a_synapse_that_is_not_known_so_far_is_refused():
    fast = curves.neuron()
    with pytest.raises(OutOfDomain, match="faster than its synapse is known"):
        combine(replace(fast, f_spike=2 * fast.f_spike), curves.synapse())


def test_a_neuron_that_never_spikes_is_refused():
    silent = curves.neuron()
    with pytest.raises(BadInput, match="never spikes"):
        combine(replace(silent, state=0 * silent.state), curves.synapse())


def test_a_table_beyond_the_domain_is_refused():
    with pytest.raises(OutOfDomain, match="not known so far"):
        _straight().table(x_max=1.2)


def test_a_polynomial_is_found_again():
    x = np.linspace(0, 1, 100)
    y = 1 - 3 * x + 2 * x**5
    found = fit_polynomial(x, y)
    np.testing.assert_allclose(found(x), y, atol=1e-9)  # rounding of a least-squares solution of order 12
    assert found(np.array(2.0)) == pytest.approx(found(np.array(1.0)))
    assert found.r_squared == pytest.approx(1.0)


def test_a_logistic_function_is_found_again():
    x = np.linspace(0, 1, 200)
    y = 0.1 + 0.9 / (1 + 5 * np.exp(-8 * x)) ** (1 / 0.8)
    found = fit_logistic(x, y)
    np.testing.assert_allclose(found(x), y, atol=1e-4)  # the solver's own tolerance on a flat valley


def test_r_squared_of_the_mean_is_zero():
    y = np.array([1.0, 2.0, 4.0])
    assert r_squared(y, np.full(3, y.mean())) == pytest.approx(0.0)


def test_a_line_is_found_where_the_curve_is_one():
    x = np.linspace(0, 1000, 201)
    y = np.where(x < 200, 0.0, 100 + 0.2 * x)
    found = fit_line(x, y, 200.0)
    assert (found.slope, found.intercept) == (pytest.approx(0.2), pytest.approx(100))
    widest = widest_line(x, y, 0.9999)
    assert widest is not None
    assert widest.low == 200
    assert widest.mean_deviation == pytest.approx(0, abs=1e-9)


def test_no_line_where_there_is_none():
    x = np.linspace(0, 20, 400)
    assert widest_line(x, np.where(np.arange(400) % 2, 1.0, -1.0), 0.9999) is None


def test_linear_neurons_collapse_into_one_layer():
    assert nonlinear_share(_straight(), 0.0, layers=4) == pytest.approx(0.0, abs=1e-12)


def test_the_whole_range_does_not_collapse_and_its_upper_end_nearly_does():
    activation = combine(curves.neuron(), curves.synapse())
    found = feasibility(activation, curves.neuron(), x_min=(0.0, 0.7))
    whole, upper = found.ranges
    assert whole.nonlinear_share > 10 * upper.nonlinear_share > 0
    assert not whole.collapses
    assert upper.collapses


def test_low_currents_cost_more_energy_for_each_spike():
    neuron = curves.neuron()
    found = feasibility(combine(neuron, curves.synapse()), neuron, x_min=(0.0,))
    assert found.energy_ratio_mean > 1
    # the made-up RMS is 1.5 times the mean everywhere
    assert found.energy_ratio_rms == pytest.approx(found.energy_ratio_mean)
