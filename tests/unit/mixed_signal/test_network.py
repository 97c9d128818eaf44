"""Noise of sums is the noise of products; weights are of levels."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.mixed_signal.layers import Average, Convolution
from anamorph.mixed_signal.network import MacNetwork, Noise, Weights, answer, convolutional, fully_connected, rounded
from anamorph.mixed_signal.noise import full_scale, weight_noise
from anamorph.mixed_signal.train import start

SMALL = fully_connected((1, 6, 1), (), 3)


def outputs(weights: list[Weights], x: np.ndarray, sigma: float, of_branches: bool, draws: int) -> np.ndarray:
    def one(key: jax.Array) -> jax.Array:
        return answer(SMALL, weights, jnp.asarray(x), Noise(jnp.asarray(sigma), key, jnp.asarray(float(of_branches))))

    return np.asarray(jax.vmap(one)(jax.random.split(jax.random.key(1), draws)))


def test_noise_of_a_sum_is_that_of_its_products() -> None:
    """One draw per sum beside one per product: mean and spread over 20,000 draws, within five standard errors."""
    x = np.linspace(-0.5, 1.0, 6).reshape(1, 1, 6, 1)
    weights = [Weights(jnp.linspace(-1, 1, 18).reshape(6, 3), jnp.array([0.5, 0.0, -0.5]), jnp.log(1.5))]
    draws = 20_000
    found = outputs(weights, x, 0.1, False, draws)[:, 0]
    rng = np.random.default_rng(0)
    products = (np.asarray(weights[0].synapses) + 0.1 * rng.normal(size=(draws, 6, 3))) * x.reshape(6, 1)
    bias = np.asarray(weights[0].bias) + 0.1 * rng.normal(size=(draws, 3))
    due = 1.5 * (products.sum(axis=1) + bias)
    spread = due.std(axis=0)
    assert np.all(np.abs(found.mean(axis=0) - due.mean(axis=0)) < 5 * spread * np.sqrt(2 / draws))
    assert np.all(np.abs(found.std(axis=0) / spread - 1) < 5 / np.sqrt(draws))


def test_noise_of_branches_does_not_know_the_input() -> None:
    weights = [Weights(jnp.ones((6, 3)), jnp.zeros(3), jnp.zeros(()))]
    found = outputs(weights, np.zeros((1, 1, 6, 1)), 0.1, True, 20_000)
    # six branches and the bias; five standard errors of a standard deviation
    assert found.std() == pytest.approx(0.1 * np.sqrt(7), rel=5 / np.sqrt(2 * found.size))


def test_without_noise_the_answer_is_that_of_plain_algebra() -> None:
    network = fully_connected((1, 4, 1), (5,), 2)
    weights = start(network, jax.random.key(0))
    x = np.random.default_rng(1).uniform(size=(3, 1, 4, 1))
    hidden = np.tanh(np.exp(weights[0].gain) * (x.reshape(3, 4) @ np.asarray(weights[0].synapses)))
    due = np.exp(weights[1].gain) * (hidden @ np.asarray(weights[1].synapses))
    # weights are in single precision
    np.testing.assert_allclose(np.asarray(answer(network, weights, jnp.asarray(x))), due, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_bits", [1, 3, 8])
def test_rounded_weights_are_levels_and_gradients_pass_within_the_range(n_bits: int) -> None:
    w = jnp.linspace(-1.2, 1.2, 41)[:, None]
    most = 2**n_bits - 1

    def total(w: jax.Array) -> jax.Array:
        return jnp.sum(rounded([Weights(w, jnp.zeros(1), jnp.zeros(()))], n_bits)[0].synapses)

    steps = np.asarray(rounded([Weights(w, jnp.zeros(1), jnp.zeros(()))], n_bits)[0].synapses) * most
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert np.abs(steps).max() == most
    np.testing.assert_array_equal(np.asarray(jax.grad(total)(w)), np.abs(np.asarray(w)) <= 1)


def test_the_paper_sized_network_is_counted() -> None:
    network = convolutional((28, 28, 1), (6, 12), (5, 5), 10)
    assert [layer.shape for layer in network.neurons] == [(25, 6), (150, 12), (192, 10)]
    assert network.macs == 86_400 + 115_200 + 1_920


def test_layers_that_do_not_chain_are_refused() -> None:
    with pytest.raises(BadInput, match="chain"):
        MacNetwork((Convolution((4, 4, 1), (1, 1), 2), Average((4, 4, 1))))
    with pytest.raises(BadInput, match="multiply"):
        MacNetwork((Average((4, 4, 1)),))


def test_volts_squared_become_weights() -> None:
    """1e-6 V^2 at n = 1.4 and 27 degrees: 1 mV of 72.4 mV."""
    v_fs = full_scale(1.4, 300.15)
    assert v_fs == pytest.approx(2 * 1.4 * 25.865e-3, rel=1e-3)  # U_T to the digits given
    np.testing.assert_allclose(weight_noise(np.array([0.0, 1e-6]), v_fs), [0, 1e-3 / v_fs])
    with pytest.raises(BadInput, match="noise"):
        weight_noise(-1.0, v_fs)
