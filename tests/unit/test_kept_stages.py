"""Stages of a spiking run that are kept: read again for the same inputs, made anew for others, refused if damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.characterise.spiking import FrequencyCurve
from anamorph.enn.curve_arrays import arrays_of, curve_of
from anamorph.errors import BadInput
from anamorph.kept_stages import Stages, digest
from anamorph.run_folder import open_for


def test_a_stage_is_made_once_for_the_same_inputs_and_again_for_others(tmp_path: Path):
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"a": np.arange(3.0)}

    with open_for("x", "name = 1\n", tmp_path / "run") as folder:
        stages = Stages(folder)
        for inputs in ({"w": np.ones(2)}, {"w": np.ones(2)}, {"w": np.ones(3)}):
            np.testing.assert_array_equal(stages.arrays("one", inputs, make)["a"], [0, 1, 2])
    assert len(made) == 2
    assert set(stages.arrays("one", {"w": np.ones(3)}, make)) == {"a"}


def test_a_stage_cut_short_is_refused_by_name(tmp_path: Path):
    with open_for("x", "name = 1\n", tmp_path / "run") as folder:
        stages = Stages(folder)
        stages.arrays("one", {}, lambda: {"a": np.arange(300.0)})
        path = folder.path / "stages" / "one.npz"
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(BadInput, match="not a readable stage"):
            stages.arrays("one", {}, lambda: {"a": np.zeros(1)})


def test_digests_tell_values_shapes_and_names_apart():
    a = np.arange(6.0)
    others = ({"a": a.reshape(2, 3)}, {"b": a}, {"a": a.astype(np.float32)}, {"a": a + 1}, {"a": 1})
    assert len({digest({"a": a}), *(digest(other) for other in others)}) == 6


def test_a_curve_comes_back_as_it_was(tmp_path: Path):
    path = tmp_path / "n.csv"
    path.write_text("i_ex,f_spike\n1e-12,0\n5e-10,1e5\n1e-9,2e5\n")
    curve = FrequencyCurve.from_csv(path)
    with open_for("x", "name = 1\n", tmp_path / "run") as folder:
        for _ in range(2):  # made, then read
            again = curve_of(Stages(folder).arrays("curve", {}, lambda: arrays_of(curve)))
    np.testing.assert_array_equal(again.f_spike, curve.f_spike)
    np.testing.assert_array_equal(again.state, curve.state)
    assert (again.source, np.isnan(again.v_dd)) == (curve.source, np.isnan(curve.v_dd))
