"""Data sets by name, and what is refused before any file is read."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from anamorph import experiment
from anamorph.data import registry
from anamorph.data.iris import iris
from anamorph.errors import BadInput


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_sets_that_need_no_file_are_as_their_entry_says(name: str, cache) -> None:
    entry, task = registry.get(name), registry.load_task(name, jax.random.key(3))
    assert entry.is_here and task.name == name
    assert (task.n_features, task.n_classes) == (entry.n_features, entry.n_classes)
    assert (len(task.x_train), len(task.x_test)) == (entry.n_train, entry.n_test)


def test_iris_is_what_it_was() -> None:
    key = jax.random.key(5)
    np.testing.assert_array_equal(registry.load_task("iris", key, test=40).x_test, iris(key, 40).x_test)
    assert len(registry.load_task("iris", key, 20, 40).x_train) == 20


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("minst14", {}, "no data.name named 'minst14'. Did you mean 'mnist14'?"),
        ("iris", {"pixels": "checkerboard"}, "iris.pixels: iris has no option 'pixels'; expected of its options none"),
        ("mnist14", {"padding": "zeros"}, "expected of its options mean, pixels"),
        ("mnist14", {"pixels": "checkers"}, "mnist14.pixels: no pixels named 'checkers'. Did you mean 'checkerboard'"),
        ("mnist14", {"train": 60_001}, "mnist14.train: more samples.*expected 1 to 60000 train samples.*got 60001"),
        ("mnist14", {"test": 0}, "expected 1 to 10000 test samples of mnist14; got 0"),
        ("iris", {"train": 121}, "iris.train: .*expected 1 to 120 of the 150 samples"),
        ("iris", {"train": 120, "test": 40}, "iris.train: .*expected 1 to 110 of the 150 samples"),
        ("digits", {"test": 1796}, "leaves nothing to train on.*expected 1 to 1795 of the 1797 samples"),
    ],
)
def test_what_a_set_does_not_have_is_refused(name: str, arguments: dict[str, Any], message: str, cache) -> None:
    with pytest.raises(BadInput, match=message):
        registry.load_task(name, jax.random.key(0), **arguments)


def test_an_experiment_may_say_how_its_data_is_prepared() -> None:
    replaced = {
        "data.name": "mnist14", "data.test": "500", "data.train": "1000", "data.pixels": "checkerboard",
        "data.mean": "0.05", "chip.layers": "[196, 10]", "network.layers": "[196, 10]",
    }  # fmt: skip
    found = experiment.load("iris", replaced)
    assert found.data.options == {"pixels": "checkerboard", "mean": 0.05}
    again = experiment.from_tables(experiment.toml_file.parse(found.text().encode(), "copy"), "copy")
    assert again == found
    with pytest.raises(BadInput, match="iris: data.pixels: no pixels named 'all'"):
        experiment.load("iris", replaced | {"data.pixels": "all"})
    with pytest.raises(BadInput, match="iris: data.inverted: mnist14 has no option 'inverted'"):
        experiment.load("iris", replaced | {"data.inverted": "true"})


def test_what_is_not_said_is_not_written() -> None:
    text = experiment.load("iris").text()
    assert not any(f"{option} =" in text for option in ("train", "pixels", "mean", "stretch", "inverted"))
