"""Inference layer by layer: the same answers as those that training differentiates, and the same noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.mixed_signal import staged
from anamorph.mixed_signal.layers import Average, Convolution, dense
from anamorph.mixed_signal.network import MacNetwork, Noise, answer, convolutional, fully_connected
from anamorph.mixed_signal.random_numbers import words
from anamorph.mixed_signal.train import start

RNG = np.random.default_rng(4)
TWICE = MacNetwork(
    (Convolution((9, 9, 1), (2, 2), 2), Average((8, 8, 2)), Average((4, 4, 2)), dense((2, 2, 2), 4))
)  # fmt: skip


@pytest.mark.parametrize(
    "network", [convolutional((8, 8, 2), (3,), (3,), 4), fully_connected((3, 3, 1), (5,), 2), TWICE], ids=str
)
def test_answers_are_those_of_the_trained_pass(network: MacNetwork) -> None:
    weights, x = start(network, jax.random.key(0)), RNG.normal(size=(6, int(np.prod(network.image))))
    weights = tuple(w._replace(bias=jnp.asarray(RNG.normal(size=w.bias.shape), jnp.float32)) for w in weights)
    steps, maps = staged.stages(network), jnp.asarray(staged.maps_of(network, x))
    found = staged.answer(steps, staged.sums(steps[0], weights[0], maps, True), weights, None, False)
    due = answer(network, weights, network.images(jnp.asarray(x, jnp.float32)))
    # single precision, other orders of the sums
    np.testing.assert_allclose(found.T, due, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("of_branches", [False, True])
def test_noise_of_both_readings_has_the_mean_and_spread_of_the_trained_pass(of_branches: bool) -> None:
    """Means over squares of limited sums: 4,000 draws, five standard errors of both together."""
    network, draws = convolutional((4, 4, 1), (2,), (3,), 2), 4000
    weights = start(network, jax.random.key(1))
    x = np.broadcast_to(RNG.uniform(size=16), (draws, 16))
    steps, maps = staged.stages(network), jnp.asarray(staged.maps_of(network, x))
    first = staged.sums(steps[0], weights[0], maps, not of_branches)
    draw = staged.Draw(np.float32(0.3), words(jax.random.key(2)), np.uint32(7))
    found = np.asarray(staged.answer(steps, first, weights, draw, of_branches)).T
    noise = Noise(jnp.float32(0.3), jax.random.key(3), jnp.float32(of_branches))
    due = np.asarray(answer(network, weights, network.images(jnp.asarray(x, jnp.float32)), noise))
    spread = due.std(axis=0)
    assert np.all(np.abs(found.mean(axis=0) - due.mean(axis=0)) < 5 * spread * np.sqrt(2 / draws))
    assert np.all(np.abs(found.std(axis=0) / spread - 1) < 5 / np.sqrt(draws))
    assert np.all(spread > 0.1)


def test_layers_neurons_images_and_draws_have_noise_of_their_own() -> None:
    """Correlations between all of them, of sums that are noise alone, stay within five standard errors."""
    layer = Convolution((3, 33, 1), (2, 2), 2)
    stage = staged.Stage(layer, 2, 0, True)
    found = staged.Sums(jnp.zeros((2, 2, 32, 64)), None)

    def seen(number: int, draw: int) -> np.ndarray:
        one = staged.Stage(layer, 1, number, True)
        noise = staged.Draw(np.float32(1.0), words(jax.random.key(5)), np.uint32(draw))
        return np.asarray(staged.outputs(one, found, jnp.float32(0.0), noise, True))

    parts = np.stack([seen(0, 0).ravel(), seen(1, 0).ravel(), seen(0, 1).ravel(), seen(1, 1).ravel()])
    halves = np.concatenate([parts[:, ::2], parts[:, 1::2]])  # neighbouring images
    off = np.corrcoef(halves) - np.eye(8)
    assert np.abs(off).max() < 5 / np.sqrt(halves.shape[1])
    assert parts.std() == pytest.approx(np.sqrt(5), rel=5 / np.sqrt(2 * parts.size))
    # the four pixels of a square: their mean has half the spread of one
    noise = staged.Draw(np.float32(1.0), words(jax.random.key(5)), np.uint32(0))
    mean = np.asarray(staged.outputs(stage, found, jnp.float32(0.0), noise, True))
    assert mean.std() == pytest.approx(np.sqrt(5) / 2, rel=5 / np.sqrt(2 * mean.size))
