"""The digits that need no download."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from anamorph.data.digits import digits
from anamorph.errors import BadInput


def test_the_split_holds_every_digit_once() -> None:
    task = digits(jax.random.key(1))
    assert task.x_train.shape == (1437, 64) and task.x_test.shape == (360, 64)
    np.testing.assert_allclose(task.x_train.mean(axis=1), 0.04, rtol=1e-13)  # rounding of a sum of 64 values
    counts = np.bincount(np.concatenate([task.y_train, task.y_test]))
    assert counts.tolist() == np.bincount(np.asarray(load_digits(return_X_y=True)[1])).tolist()
    assert not np.array_equal(digits(jax.random.key(2)).y_test, task.y_test)


def test_fewer_samples_are_the_first_of_the_same_split() -> None:
    whole, part = digits(jax.random.key(1), test=100), digits(jax.random.key(1), 50, 100)
    np.testing.assert_array_equal(part.x_train, whole.x_train[:50])
    np.testing.assert_array_equal(part.x_test, whole.x_test)


@pytest.mark.parametrize(("train", "test"), [(0, None), (1438, None), (1, 1796), (None, 0)])
def test_a_split_without_two_sides_is_refused(train: int | None, test: int | None) -> None:
    with pytest.raises(BadInput, match="no such number of samples"):
        digits(jax.random.key(0), train, test)
