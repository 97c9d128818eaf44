"""Training and Monte Carlo on a task that can be checked by eye: which quarter of an image is bright."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.mixed_signal.monte_carlo import fresh_noise, frozen_deviations
from anamorph.mixed_signal.network import MacNetwork, convolutional
from anamorph.mixed_signal.train import Fitted, Training, train

NETWORK = convolutional((6, 6, 1), (2,), (3,), 4)


def quarters(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(4, size=n)
    x = rng.uniform(0, 0.4, (n, 6, 6))
    for image, label in zip(x, labels, strict=True):
        image[3 * (label // 2) :, 3 * (label % 2) :][:3, :3] += 0.5
    return np.clip(x, 0, 1).reshape(n, 36), labels


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    x, labels = quarters(600, 0)
    return train(NETWORK, x, labels, Training(epochs=25, batch_size=30, n_bits=3), jax.random.key(0))


def test_training_learns_with_weights_of_levels(fitted: Fitted) -> None:
    x, labels = quarters(300, 1)
    error = fresh_noise(NETWORK, fitted.weights, x, labels, np.zeros(1), 1, jax.random.key(0)).error
    assert fitted.losses[-1] < fitted.losses[0] / 3
    assert error[0, 0] < 0.02
    for w in fitted.weights:
        np.testing.assert_allclose(7 * np.asarray(w.synapses), np.round(7 * np.asarray(w.synapses)), atol=1e-5)


def test_noise_and_deviations_cost_more_the_larger_they_are(fitted: Fitted) -> None:
    x, labels = quarters(300, 1)
    sigmas = np.array([0.0, 0.1, 10.0])
    for kind in (fresh_noise, frozen_deviations):
        errors = kind(NETWORK, fitted.weights, x, labels, sigmas, 4, jax.random.key(2))
        assert errors.error.shape == (3, 4)
        assert errors.mean[0] <= errors.mean[1] + 0.01 and errors.mean[1] < errors.mean[2]
        assert errors.mean[2] > 0.4  # nearly chance, which is 0.75
        assert np.ptp(errors.error[0]) == 0  # without noise all draws are one


def test_a_draw_does_not_depend_on_how_many_there_are(fitted: Fitted) -> None:
    x, labels = quarters(100, 1)
    for kind in (fresh_noise, frozen_deviations):
        few = kind(NETWORK, fitted.weights, x, labels, np.array([2.0]), 2, jax.random.key(3)).error
        many = kind(NETWORK, fitted.weights, x, labels, np.array([2.0]), 4, jax.random.key(3)).error
        np.testing.assert_array_equal(few[0], many[0, :2])


def test_images_beyond_the_last_full_pass_count(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = quarters(100, 1)
    whole = frozen_deviations(NETWORK, fitted.weights, x, labels, np.array([1.0]), 2, jax.random.key(3)).error
    monkeypatch.setattr("anamorph.mixed_signal.monte_carlo.PASS", 64)
    parts = frozen_deviations(NETWORK, fitted.weights, x, labels, np.array([1.0]), 2, jax.random.key(3)).error
    np.testing.assert_array_equal(whole, parts)


def test_no_deviation_beyond_the_limit(fitted: Fitted) -> None:
    """With a limit near zero nothing is left of them."""
    x, labels = quarters(100, 1)
    plain = frozen_deviations(NETWORK, fitted.weights, x, labels, np.zeros(1), 1, jax.random.key(3)).error
    tight = frozen_deviations(NETWORK, fitted.weights, x, labels, np.array([1.0]), 1, jax.random.key(3), limit=1e-4)
    np.testing.assert_array_equal(tight.error, plain)


@pytest.mark.parametrize("settings", [{"epochs": 0}, {"learning_rate": 0.0}, {"noise": -1.0}])
def test_bad_settings_are_refused(settings: dict) -> None:
    with pytest.raises(BadInput):
        Training(**settings)


def test_a_batch_larger_than_the_task_is_refused() -> None:
    network: MacNetwork = NETWORK
    with pytest.raises(BadInput, match="batch"):
        train(network, *quarters(20, 0), Training(batch_size=50), jax.random.key(0))
