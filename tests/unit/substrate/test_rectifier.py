from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from anamorph.data.task import Task
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import Trained, train
from anamorph.substrate.ideal import Ideal
from anamorph.substrate.rectifier import output_rectifier

X = jnp.array([-2.0, -0.1, 0.0, 0.5, 3.0])


def test_it_rectifies():
    np.testing.assert_array_equal(output_rectifier(X), [0.0, 0.0, 0.0, 0.5, 3.0])


def test_silent_outputs_can_be_called_and_not_pushed_down():
    _, back = jax.vjp(output_rectifier, X)
    np.testing.assert_array_equal(back(-jnp.ones(5))[0], -np.ones(5))
    np.testing.assert_array_equal(back(jnp.ones(5))[0], [0.0, 0.0, 0.0, 1.0, 1.0])


def test_a_network_that_starts_silent_learns():
    """One input per class and all weights negative at the start: with the rectifier's own derivative nothing moves."""
    x = np.eye(3)[np.arange(30) % 3]
    task = Task("three", x, np.arange(30) % 3, x[:3], np.arange(3), ("a", "b", "c"), "made here")
    settings = TrainingSettings(epochs=100, restarts=1, init_bias=0.0)
    chip = Ideal((3, 3))
    weights = np.full((1, 3, 3), -0.5)
    start = Trained((jnp.asarray(weights),), (weights,), np.ones(1), np.zeros(1), (3, 3))
    trained = train(chip, chip.assumed_transfer(), task, (3, 3), settings, jax.random.key(0), start=start)
    assert trained.train_accuracy[0] == 1.0
