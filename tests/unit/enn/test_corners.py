"""Currents that follow a corner's curve: exact where the curve is the nominal one with other units."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.enn.corners import corners_of, tracking
from anamorph.network.spiking import Lookup, Structure, Weights
from anamorph.network.spiking_match import track
from anamorph.network.spiking_monte_carlo import Dies, infer
from anamorph.network.wiring import Dense

X = np.linspace(0, 1, 4097)


def _f(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0.01, np.clip(x - 0.01, 0, None) ** 0.4, 0.0)


def test_factors_of_a_curve_in_other_units_are_found():
    s, a = track(_f(X), 0.7 * _f(X / 0.6))
    # only the grid of the tables, at a threshold of infinite slope, is in the way
    assert (s, a) == (pytest.approx(0.6, rel=0.01), pytest.approx(0.7, rel=0.01))


def test_a_neuron_that_never_spikes_cannot_be_followed():
    assert all(np.isnan(track(_f(X), np.zeros(len(X)))))


def test_tracked_currents_give_the_nominal_answers_back():
    structure = Structure((Dense(3, 4, True), Dense(4, 2, True)), (True, False))
    rng = np.random.default_rng(0)
    weights = Weights((rng.uniform(0, 0.3, (3, 4)), rng.uniform(0, 0.2, (4, 2))), (rng.uniform(0, 0.1, 4), np.zeros(2)))
    x = rng.uniform(0, 1, (200, 3))
    labels = structure.forward(weights, (Lookup(_f(X)),) * 2, jnp.asarray(structure.taps(x)))[1].argmax(1)
    corner = np.where(X < 0.3, 0.7 * _f(X / 0.3), 0.0)  # stops above what it would need for nominal answers

    def judge(name: str, made: Weights, own: Lookup) -> Dies:
        one = Weights(tuple(w[None] for w in made.synapses), tuple(b[None] for b in made.biases))
        return infer(structure, one, (own,) * 2, x, np.asarray(labels))

    found = corners_of(_f(X), {"cold": corner, "dead": np.zeros(len(X))}, judge, weights)
    assert found["cold"].excitation == pytest.approx(0.3, rel=0.01)
    assert found["cold"].tracked >= 0.98  # answers that were close calls may turn
    assert found["cold"].as_is < found["cold"].tracked
    assert np.isnan(found["dead"].tracked)
    np.testing.assert_allclose(tracking(weights, 2.0, 4.0).synapses[1], 0.5 * weights.synapses[1])
