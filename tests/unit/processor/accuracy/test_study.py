"""A small task through the whole study: both ways to answer agree, rounding is learnt, a stopped run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from anamorph.errors import BadInput
from anamorph.mixed_signal.layers import Average, Convolution, dense
from anamorph.mixed_signal.network import MacNetwork, fully_connected
from anamorph.mixed_signal.study import Images
from anamorph.mixed_signal.train import start
from anamorph.processor.accuracy import study as study_module
from anamorph.processor.accuracy import tasks
from anamorph.processor.accuracy.rectified import answers
from anamorph.processor.accuracy.run import run
from anamorph.processor.accuracy.study import Asked, study
from anamorph.processor.accuracy.training import Floating, in_blocks
from anamorph.processor.design import Processor
from anamorph.processor.inference.cells import Rounded, calibrate
from anamorph.processor.inference.products import Exact
from anamorph.processor.inference.ranges import Watch

CONVOLUTION = Convolution((6, 6, 1), (3, 3), 2)
SMALL = MacNetwork((CONVOLUTION, Average((4, 4, 2)), dense((2, 2, 2), 3)))


def test_training_and_judging_compute_the_same() -> None:
    random = np.random.default_rng(2)
    weights = start(SMALL, jax.random.key(1))
    x = random.uniform(0, 1, (7, 36)).astype(np.float32)
    images = jnp.asarray(x.reshape(7, 6, 6, 1))
    watch = Watch(Exact())
    exact = answers(SMALL, weights, watch, x)
    assert {name: w.shape for name, w in watch.weights.items()} == {"layer 1": (1, 9, 2), "layer 2": (1, 8, 3)}
    floating = jax.jit(Floating(SMALL))(weights, images, jax.random.key(0), None)
    np.testing.assert_allclose(exact, floating, rtol=1e-5, atol=1e-6)  # float32 sums in another order
    processor = Processor("1t1r", input_bits=3, weight_bits=3, output_bits=4, block_rows=5, stack=1)
    calibrated = calibrate(watch, processor)
    through, numbers = in_blocks(SMALL, calibrated, None)
    rounded = answers(SMALL, weights, Rounded(calibrated), x)
    again = np.asarray(jax.jit(through)(weights, images, jax.random.key(0), numbers))
    assert 0.01 < np.abs(rounded - exact).max()
    # a value beside the middle of two steps may go to either
    assert np.mean(np.abs(rounded - again) < 1e-5) > 0.9


def digits(train: int | None, test: int | None) -> Images:
    x, y = load_digits(return_X_y=True)
    x, y = np.asarray(x) / 16, np.asarray(y)
    return Images(x[:1400], y[:1400], x[1400:][:test], y[1400:][:test])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "images_of", lambda name, train, test: digits(train, test))
    task = tasks.Task("Digits", lambda: fully_connected((8, 8, 1), (12,), 10), "digits", 397, 20, 20)
    monkeypatch.setitem(tasks.TASKS, "digits", task)


LOW = Processor("2d_nor", input_bits=2, weight_bits=2, output_bits=3)


def test_a_study_learns_rounding_and_goes_on_where_it_was_stopped(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked("digits", (LOW,), ("plain", "rounding"), dies=0)
    folder, found, result = run(asked, tmp_path / "run")
    plain, learnt = found.cases
    assert found.floating > 0.85 and plain.floating == found.floating
    assert learnt.rounded > plain.rounded + 0.02
    assert json.loads((folder / "result.json").read_text())["cases"] == result["cases"]
    assert "through rounding" in (folder / "report.html").read_text()
    assert result["metrics"]["floating point"]["low"] < found.floating < result["metrics"]["floating point"]["high"]

    (folder / "result.json").unlink()
    (folder / "stages" / "2d_nor-ins-2-bits-plain-judged.npz").unlink()
    monkeypatch.setattr(study_module, "train", None)  # what is trained is not trained again
    assert run(asked, tmp_path / "run")[2]["cases"] == result["cases"]


def test_designs_without_behaviour_are_named_and_others_go_on(small: None) -> None:
    with pytest.raises(BadInput, match="no design that can work.*3d_nand ins 4 bits: .*cannot mirror"):
        study(Asked("digits", (Processor("3d_nand", "ins"),), ("plain",), 1, epochs=1), lambda name, make: make())
    with pytest.raises(BadInput, match="no such task 'mnits'.*mnist"):
        study(Asked("mnits", (LOW,)), lambda name, make: make())
    with pytest.raises(BadInput, match="no such training 'none'"):
        study(Asked("digits", (LOW,), ("none",), 1, epochs=1), lambda name, make: make())


@pytest.mark.slow
def test_training_through_cells_helps_on_cells_that_deviate(small: None) -> None:
    figures = (("tuning", 0.15),)
    asked = Asked("digits", (Processor("2d_nor"),), ("plain", "cells"), dies=4, figures=figures)
    plain, through = study(asked, lambda name, make: make()).cases
    assert np.mean(through.dies) > np.mean(plain.dies)
