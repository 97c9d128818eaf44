"""Tables of neurons that differ from the nominal one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anamorph.characterise.activation import combine
from anamorph.characterise.activation_fits import fit_logistic, fit_polynomial
from anamorph.characterise.linearity import feasibility
from anamorph.characterise.spiking import FrequencyCurve, states
from anamorph.enn.curves import synapse_curve
from anamorph.enn.variation import Curves, _normalised


def _neuron(scales: tuple[float, ...]) -> FrequencyCurve:
    """A power law above a threshold, as many times faster as said."""
    i = np.linspace(1e-12, 1e-9, 200)
    f = np.where(i > 8e-12, 400e3 * (i / 1e-9) ** 0.6, 0.0) * np.array(scales)[:, None]
    unknown = np.full(f.shape, np.nan)
    return FrequencyCurve(i, f, states(f > 0), unknown, unknown, np.ones(f.shape, bool), 0.2, 300.15, "made up")


def _curves() -> Curves:
    neuron, synapse = _neuron((1.0,)), synapse_curve("compact_published")
    activation = combine(neuron, synapse)
    x = np.linspace(0, 1, 101)
    y = activation(x)
    return Curves(
        neuron, synapse, activation, fit_polynomial(x, y), fit_logistic(x, y), feasibility(activation, neuron, (0.0,))
    )


def test_samples_are_in_units_of_the_nominal_peak_and_a_dead_one_passes_nothing():
    curves = _curves()
    same, slow, dead = _normalised(_neuron((1.0, 0.5, 0.0)), curves)
    np.testing.assert_allclose(same, curves.activation.table()[0], atol=1e-9)
    ratio = np.interp(200e3, curves.synapse.f_spike, curves.synapse.i_out[0]) / curves.activation.peak
    np.testing.assert_allclose(slow[-1], ratio, rtol=1e-4)
    assert not dead.any()


def test_a_sample_that_did_not_converge_anywhere_passes_nothing():
    curves = _curves()
    lost = replace(_neuron((1.0,)), converged=np.zeros((1, 200), bool))
    assert not _normalised(lost, curves).any()


def test_beyond_the_synapse_s_known_rates_its_current_stays_what_it_is_there():
    curves = _curves()
    names = ("f_spike", "i_out", "power", "converged")
    cut = {name: getattr(curves.synapse, name)[..., :401] for name in names}
    short = replace(curves, synapse=replace(curves.synapse, **cut))
    assert short.synapse.f_spike[-1] == 400e3
    same, faster = _normalised(_neuron((1.0, 1.5)), short)
    np.testing.assert_allclose([same[-1], faster[-1]], 1.0, rtol=1e-6)
    assert faster[2000] > same[2000]
