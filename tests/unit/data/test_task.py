from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest

from anamorph.data.task import Task
from anamorph.errors import BadInput


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As for a user: without the type checks of the tests, which would refuse first and say less."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def _parts(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "name": "toy",
        "x_train": np.array([[0.0, 1.0], [1.0, 0.5], [0.2, 0.2]]),
        "y_train": np.array([0, 1, 1]),
        "x_test": np.array([[0.5, 0.5]]),
        "y_test": np.array([0]),
        "class_names": ("a", "b"),
        "source": "made up",
    }
    return parts | changes


def test_a_task_keeps_its_data_and_cannot_be_changed():
    task = Task(**_parts())
    assert task.n_features == 2 and task.n_classes == 2
    assert task.y_train.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        task.x_train[0, 0] = 0.5


def test_a_task_does_not_freeze_the_callers_own_array():
    x = np.array([[0.0, 1.0], [1.0, 0.5], [0.2, 0.2]])
    task = Task(**_parts(x_train=x))
    x[0, 0] = 0.7
    assert task.x_train[0, 0] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.array([[0.0, np.nan], [1.0, 0.5], [0.2, 0.2]])}, "sample 0, feature 1"),
        ({"x_test": np.array([[np.inf, 0.5]])}, "not a finite number"),
        ({"x_train": np.array([[0.0, 1.5], [1.0, 0.5], [0.2, 0.2]])}, "outside their range.*0 to 1.5"),
        ({"x_train": np.array([[-0.1, 1.0], [1.0, 0.5], [0.2, 0.2]])}, "outside their range"),
        ({"x_train": np.zeros(3)}, r"not a matrix.*shape \(3,\)"),
        ({"x_train": np.zeros((0, 2)), "y_train": np.zeros(0)}, "not a matrix"),
        ({"x_train": [["a", "b"]]}, "not an array of numbers"),
        ({"x_train": [[0.0, 1.0], [1.0]]}, "not an array of numbers"),
        ({"y_train": np.array([0, 1])}, r"expected shape \(3,\); got shape \(2,\)"),
        ({"y_train": np.array([0, 1, 2])}, "sample 2.*expected 0 to 1; got 2"),
        ({"y_train": np.array([0, -1, 1])}, "sample 1.*got -1"),
        ({"y_test": np.array([0.5])}, "not a whole number.*0.5"),
        ({"y_test": np.array([np.nan])}, "not a whole number.*nan"),
        ({"x_test": np.array([[0.5, 0.5, 0.5]])}, r"expected 2 \(x_train\); got 3 \(x_test\)"),
        ({"class_names": ("a",)}, "two or more"),
        ({"class_names": ("a", "a")}, "two or more different names"),
    ],
)
def test_bad_data_is_refused_and_named(change: dict[str, Any], message: str, unchecked: None):
    with pytest.raises(BadInput, match=message) as caught:
        Task(**_parts(**change))
    assert caught.value.where is not None and caught.value.where.startswith("task toy")
