"""Weights as W and L of mirror legs."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.characterise.activation import Activation
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.spiking import Weights
from anamorph.substrate.spiking.mirrors import MirrorRules, leg, synthesise

X = np.linspace(0, 1, 11)
#: A leg of the characterised size gives 1.5 nA at full scale, so its weight is 1.5.
ACTIVATION = Activation(X, X[None], 1e-9, 1.5e-9, "a line")
RULES = MirrorRules()


def test_the_characterised_leg_has_the_weight_of_the_peak():
    found = leg(np.array([1.5]), ACTIVATION, RULES)
    # 324 x 60 is not on a grid of 5 nm, 405 x 75 is, and is the same ratio
    assert (found.w[0], found.l[0]) == (pytest.approx(405e-9), pytest.approx(75e-9))
    assert found.weights[0] == pytest.approx(1.5)


def test_small_weights_are_long_and_stay_on_the_grid():
    wanted = np.geomspace(0.02, 3.0, 60)
    found = leg(wanted, ACTIVATION, RULES)
    for size in (found.w, found.l):
        np.testing.assert_allclose(size / 5e-9, np.round(size / 5e-9), atol=1e-6)
    assert (found.w >= 135e-9 - 1e-15).all()
    assert (found.l >= 60e-9 - 1e-15).all()
    # half a grid step is 2 % of 135 nm; the best of 32 sizes is within half of that
    np.testing.assert_allclose(found.weights, wanted, rtol=0.01)
    np.testing.assert_allclose(found.weights, 1.5 * (found.w / found.l) / (324 / 60), rtol=1e-9)


def test_weights_too_small_for_any_leg_are_left_out_and_counted():
    found = leg(np.array([0.0, 1e-5, 0.5]), ACTIVATION, RULES)
    assert found.count == 1
    assert found.left_out == 1
    assert list(found.weights[:2]) == [0, 0]
    assert found.area(0.0) == pytest.approx(found.w[2] * found.l[2])


def test_negative_weights_are_legs_of_the_other_mirror():
    found = leg(np.array([-0.5, 0.5]), ACTIVATION, RULES)
    assert list(found.inhibitory) == [True, False]
    assert found.weights[0] == -found.weights[1] < 0


def test_too_large_a_weight_is_refused():
    with pytest.raises(DoesNotFit, match="wider leg"):
        leg(np.array([500.0]), ACTIVATION, RULES)


def test_mismatch_follows_the_area_law():
    found = leg(np.array([1.5, 0.0]), ACTIVATION, RULES)
    spread = found.mismatch(3e-9, 36e-3, RULES)
    own, diode = 3e-9**2 / (405e-9 * 75e-9), 3e-9**2 / (270e-9 * 60e-9)
    assert spread[0] == pytest.approx(np.sqrt(own + diode) / 36e-3)
    assert spread[1] == 0
    large = MirrorRules(scale=4.0)
    large_leg = leg(np.array([1.5]), ACTIVATION, large)
    own, diode = 3e-9**2 / (large_leg.w[0] * large_leg.l[0]), 3e-9**2 / (16 * 270e-9 * 60e-9)
    assert large_leg.mismatch(3e-9, 36e-3, large)[0] == pytest.approx(np.sqrt(own + diode) / 36e-3)
    assert large_leg.weights[0] == pytest.approx(1.5, rel=1e-3)


def test_a_network_keeps_its_arrangement():
    weights = Weights((np.full((3, 2), 0.5),), (np.array([0.2, 0.0]),))
    realised, legs = synthesise(weights, ACTIVATION, RULES)
    assert realised.synapses[0].shape == (3, 2)
    assert [g.count for g in legs] == [6, 1]


def test_impossible_rules_are_refused():
    with pytest.raises(BadInput, match="not a size"):
        MirrorRules(grid=0.0)
