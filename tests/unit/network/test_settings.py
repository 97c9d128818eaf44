from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jaxtyping
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.network.settings import TrainingSettings
from anamorph.network.start import batch_rows, starting_weights
from anamorph.network.wiring import Dense

WIRINGS = (Dense(4, 7), Dense(7, 3))


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As for a user: without the type checks of the tests, which would refuse first and say less."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "training: epochs.*at least 1; got 0"),
        ({"epochs": 2.5}, "whole number"),
        ({"restarts": True}, "training: restarts"),
        ({"batch_size": -3}, "training: batch_size.*got -3"),
        ({"learning_rate": 0.0}, "training: learning_rate.*above 0"),
        ({"learning_rate": "fast"}, "got 'fast'"),
        ({"target": float("nan")}, "training: target"),
        ({"l1_negative": -1e-6}, "not negative"),
        ({"init": float("inf")}, "training: init"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(change: dict[str, Any], message: str, unchecked: None):
    with pytest.raises(BadInput, match=message):
        TrainingSettings(**change)


def test_a_chips_start_does_not_depend_on_how_many_chips_there_are():
    settings = TrainingSettings(restarts=3)
    few = starting_weights(jax.random.key(5), 2, WIRINGS, settings)
    many = starting_weights(jax.random.key(5), 6, WIRINGS, TrainingSettings(restarts=5))
    for first, second in zip(few, many, strict=True):
        assert first.shape[:2] == (2, 3) and first.dtype == np.float32
        np.testing.assert_array_equal(first, second[:2, :3])
        assert len(np.unique(second)) == second.size


def test_starts_stay_inside_their_stated_range():
    settings = TrainingSettings(restarts=50, init=0.5, init_bias=0.75)
    for matrix, n_in in zip(starting_weights(jax.random.key(0), 4, WIRINGS, settings), (4, 7), strict=True):
        scale = 0.5 / np.sqrt(n_in)
        assert -0.25 * scale <= matrix.min() < -0.2 * scale
        assert 1.7 * scale < matrix.max() <= 1.75 * scale


def test_batches_hold_each_sample_at_most_once_per_epoch():
    rows = batch_rows(jax.random.key(0), 100, TrainingSettings(epochs=4, batch_size=30))
    assert rows is not None and rows.shape == (5, 3, 30)
    for epoch in rows:
        assert len(np.unique(epoch)) == 90 and 0 <= epoch.min() and epoch.max() < 100
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize("size", [None, 100, 500])
def test_one_batch_is_no_batches(size: int | None):
    assert batch_rows(jax.random.key(0), 100, TrainingSettings(batch_size=size)) is None
