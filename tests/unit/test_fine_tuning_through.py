"""What a chip's own network is trained on through: fitted characteristics, or transistors."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from anamorph import toml_file
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput
from anamorph.experiment import from_tables, load
from anamorph.network.train import Trained
from anamorph.stages import train as stage
from anamorph.stages.setup import Setup

TUNING = {"fine_tuning.epochs": "3", "fine_tuning.through": "transistors"}


def test_a_file_says_it_and_reads_back():
    experiment = load("iris", TUNING)
    assert experiment.fine_tuning is not None and experiment.fine_tuning.through == "transistors"
    assert from_tables(toml_file.parse(experiment.text().encode(), "x"), "x") == experiment


def test_without_it_an_experiment_is_as_before():
    assert "through" not in load("digits").text()


def test_another_word_is_refused_with_the_nearest():
    with pytest.raises(BadInput, match="no training through 'transistor'") as error:
        load("iris", {**TUNING, "fine_tuning.through": "transistor"})
    assert "transistors" in str(error.value) and "fine_tuning.through" in str(error.value)


@pytest.mark.parametrize("name", ["ideal", "spiking"])
def test_a_substrate_without_such_layers_is_refused(name: str):
    with pytest.raises(BadInput, match="no layers of transistors"):
        load("iris", {**TUNING, "substrate": name})


def test_the_stage_trains_through_what_the_experiment_says(monkeypatch: pytest.MonkeyPatch):
    """With the experiment's full scale and settings, from the common network."""
    asked: list[Any] = []
    common = Trained((), (), np.zeros(1), np.zeros(1), (4, 7, 3))
    monkeypatch.setattr(stage, "train_through_transistors", lambda *given, **options: asked.append(given) or common)
    monkeypatch.setattr(stage, "train", lambda *given, **options: pytest.fail("trained through characteristics"))
    setup = Setup.of(load("iris", TUNING))
    transfer = Transfer.uniform((4, 7, 3), 2.2, (0.0, 1e-6))
    assert stage.fine_tuned(setup, transfer, common) is common
    substrate, through, task, start, settings, key, full_scale = asked[0]
    assert (substrate, through, start) == (setup.substrate, transfer, common)
    assert task is setup.task and settings.epochs == 3 and full_scale == setup.experiment.data.input_max
    assert np.array_equal(jax.random.key_data(key), jax.random.key_data(setup.key("train")))
