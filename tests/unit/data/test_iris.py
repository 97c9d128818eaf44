from __future__ import annotations

import jax
import numpy as np
import pytest
from sklearn.datasets import load_iris

from anamorph.data.iris import iris
from anamorph.errors import BadInput


def _rows(x: np.ndarray) -> np.ndarray:
    return x[np.lexsort(x.T)]


@pytest.mark.parametrize("seed", [0, 1, 12])
def test_the_split_holds_every_flower_once_on_one_scale(seed: int):
    task = iris(jax.random.key(seed))
    assert task.x_train.shape == (120, 4) and task.x_test.shape == (30, 4)
    assert task.x_train.min() == 0.0 and task.x_train.max() == 1.0
    raw = np.asarray(load_iris(return_X_y=True)[0])
    # undoing one scale and one offset gives the flowers back, except for clipped test values
    both = np.concatenate([task.x_train, task.x_test])
    low, high = np.min(raw), np.max(raw)
    if task.n_clipped == 0:
        # values have one decimal: half a unit of it is far above rounding and far below a mix-up
        assert np.allclose(_rows(np.round(both * (high - low) + low, 6)), _rows(raw), atol=0.05)
    counts = np.bincount(np.concatenate([task.y_train, task.y_test]))
    assert counts.tolist() == [50, 50, 50]


def test_a_test_value_beyond_the_training_range_is_clipped_and_counted():
    clipped = [task for task in (iris(jax.random.key(seed)) for seed in range(30)) if task.n_clipped]
    assert clipped, "in 30 splits the largest sepal (7.9) is in the test set of some"
    for task in clipped:
        ends = np.sum((task.x_test == 0.0) | (task.x_test == 1.0))
        assert 1 <= task.n_clipped <= ends


def test_splits_follow_the_key():
    same, other = iris(jax.random.key(3)), iris(jax.random.key(4))
    np.testing.assert_array_equal(iris(jax.random.key(3)).x_test, same.x_test)
    assert not np.array_equal(same.x_test, other.x_test)


@pytest.mark.parametrize("n_test", [0, 149, 200])
def test_a_split_without_two_sides_is_refused(n_test: int):
    with pytest.raises(BadInput, match=f"1 to 148; got {n_test}"):
        iris(jax.random.key(0), n_test)
