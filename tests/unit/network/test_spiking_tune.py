"""Per-die training: what it makes of a die, and that it only uses what a bench can know."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.spiking import Lookup, Structure, Weights
from anamorph.network.spiking_tune import (
    Die,
    OwnCurves,
    TuneSettings,
    accuracy,
    matched,
    on_die,
    read,
    readout_accuracy,
    tune,
)
from anamorph.network.wiring import Dense

SMALL = Structure((Convolution((1, 4, 4), (2, 2), (2, 2), 1, False, True), Dense(4, 2, True)), (True, False))
KNOTS = np.linspace(0, 1, 257)
CURVE = np.where(KNOTS > 0.02, np.maximum(KNOTS - 0.02, 0) ** 0.4, 0.0) / 0.98**0.4
#: Left half brighter, or the right one: outputs weigh the halves against each other.
WEIGHTS = Weights((np.full((4, 4), 0.15), np.array([[0.4, 0.1], [0.1, 0.4], [0.4, 0.1], [0.1, 0.4]])),
                  (np.full(4, 0.02), np.zeros(2)))  # fmt: skip


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 1, (400, 4, 4)), rng.integers(0, 2, 400)
    x[np.arange(400)[:, None], :, (2 * (1 - y))[:, None] + np.arange(2)] *= 0.4
    return x.reshape(-1, 16), y


def _die(spread: float, curves: np.ndarray | None = None) -> Die:
    rng = np.random.default_rng(3)
    factors = jax.tree.map(lambda w: np.exp(spread * rng.standard_normal(np.shape(w))), WEIGHTS)
    own = np.tile(CURVE, (6, 1)) if curves is None else curves
    return Die(factors, (OwnCurves(own[:4]), OwnCurves(own[4:])))


def test_own_curves_that_are_alike_are_the_lookup():
    x = jnp.linspace(-0.2, 1.2, 12).reshape(3, 4)
    own = OwnCurves(np.tile(CURVE, (4, 1)))
    np.testing.assert_allclose(own(x), Lookup(CURVE)(x), atol=1e-12)
    slope = jax.grad(lambda z: own(z).sum())(x)
    np.testing.assert_allclose(slope, jax.grad(lambda z: Lookup(CURVE)(z).sum())(x), rtol=1e-9)


def test_training_regains_what_deviations_took(images: tuple[np.ndarray, np.ndarray]):
    curves = np.stack([0.7 * CURVE, CURVE, CURVE, 0.5 * CURVE, CURVE, np.interp(0.5 * KNOTS, KNOTS, CURVE)])
    die = _die(0.8, curves)
    before = accuracy(SMALL, WEIGHTS, die, *images)
    known = read(die, 0.01, jax.random.key(1))
    begin = matched(SMALL, WEIGHTS, known, CURVE)
    # what differs by factors is made up for, but where an output would have to go beyond the end of its curve
    assert accuracy(SMALL, begin, die, *images) > 0.85
    settings = TuneSettings(epochs=15, batch_size=20, learning_rate=0.05)
    found = tune(SMALL, begin, known, *images, settings, jax.random.key(0))
    after = accuracy(SMALL, found, die, *images)
    assert accuracy(SMALL, WEIGHTS, _die(0.0), *images) > 0.95
    assert before < 0.8
    assert after > 0.93
    assert all((w >= 0).all() for w in found.synapses)


def test_a_readout_of_its_own_needs_no_weight_changed(images: tuple[np.ndarray, np.ndarray]):
    die = _die(0.8)
    found = readout_accuracy(SMALL, WEIGHTS, die, images, images)
    assert found > max(0.85, accuracy(SMALL, WEIGHTS, die, *images))


def test_weights_for_a_readout_serve_a_die_whose_outputs_are_dead(images: tuple[np.ndarray, np.ndarray]):
    curves = np.stack([0.7 * CURVE, CURVE, CURVE, 0.5 * CURVE, 0 * CURVE, 0 * CURVE])
    die = _die(1.5, curves)
    settings = TuneSettings(epochs=10, batch_size=20, learning_rate=0.05)
    found = tune(SMALL, WEIGHTS, die, *images, settings, jax.random.key(0), outside=True)
    assert accuracy(SMALL, found, die, *images) == 0
    regained = readout_accuracy(SMALL, found, die, images, images)
    assert regained >= max(0.9, readout_accuracy(SMALL, WEIGHTS, die, images, images))


def test_a_die_that_never_spikes_gives_nothing_to_train(images: tuple[np.ndarray, np.ndarray]):
    die = _die(0.0, np.zeros((6, 257)))
    assert accuracy(SMALL, WEIGHTS, die, *images) == 0
    assert readout_accuracy(SMALL, WEIGHTS, die, images, images) <= 0.6  # the more frequent class


def test_factors_multiply_weights_and_settings_are_checked():
    die = _die(0.3)
    made = on_die(WEIGHTS, die)
    np.testing.assert_allclose(made.synapses[1], WEIGHTS.synapses[1] * die.factors.synapses[1])
    with pytest.raises(BadInput, match="out of range"):
        TuneSettings(epochs=0)
