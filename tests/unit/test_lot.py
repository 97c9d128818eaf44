"""Dies one by one: the same dies as a run's, taken up where they were stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.errors import Interrupted
from anamorph.experiment import load
from anamorph.stages import lot
from anamorph.stages.setup import Setup

SMALL = {
    "substrate": "ideal",
    "chip.dies": "2",
    "bench.repeats": "1",
    "bench.currents": '["50 nA", "325 nA"]',
    "training.epochs": "150",
    "training.restarts": "1",
    "fine_tuning.epochs": "20",
    "fine_tuning.learning_rate": "0.01",
}


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup.of(load("iris", SMALL))


def test_a_lot_that_is_stopped_goes_on_to_the_same_table(setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    judged, verify = [], lot.verify

    def stopped(*arguments):
        judged.append(len(judged))
        if len(judged) == 2:
            raise KeyboardInterrupt
        return verify(*arguments)

    monkeypatch.setattr(lot, "verify", stopped)
    with pytest.raises(Interrupted):
        lot.run_lot(setup, tmp_path / "stopped", progress=False)
    found = lot.run_lot(setup, tmp_path / "stopped", progress=False)
    assert len(judged) == 3, "the die that was done is not run again"
    whole = lot.run_lot(setup, tmp_path / "whole", progress=False)
    np.testing.assert_array_equal(found["accuracy"], whole["accuracy"])
    assert whole["accuracy"].mean() > 0.5 and (whole["unconverged"] == 0).all()
    assert (whole["measure_s"] > 0).all() and "common_accuracy" not in whole
