"""`anamorph spikes` and `anamorph netlist` on a run folder of a spiking network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from anamorph.cli import app
from anamorph.data.task import Task
from anamorph.enn import netlist, transient
from anamorph.enn.experiment import load
from anamorph.enn.flow import keep_weights
from anamorph.network.spiking import Weights, mnist_structure

LINE = "f,i\n0,4e-11\n3e5,4e-10\n5e6,7e-9\n"


def folder(path: Path, **changed: str) -> Path:
    """What of a run folder is read, its weights random."""
    (path / "synapse.csv").write_text(LINE)
    run = path / "run"
    run.mkdir()
    values = {"neuron": "simplified_ml", "synapse": str(path / "synapse.csv")} | changed
    (run / "experiment.toml").write_text(load("enn", values).text())
    structure, rng = mnist_structure(values.get("inhibitory") == "true"), np.random.default_rng(0)
    sizes = [(0.0, 0.3), (0.0, 0.4), (0.0, 0.04)]
    weights = Weights(tuple(rng.uniform(*size, s) for size, s in zip(sizes, structure.shapes, strict=True)),
                      tuple(np.zeros(n) for n in structure.layers[1:]))  # fmt: skip
    keep_weights(run / "weights.npz", weights)
    return run


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"neuron": "biomimetic_ml_published"}, "no circuit"),
        ({"synapse": "published"}, "another synapse"),
        ({"inhibitory": "true"}, "no circuit yet"),
        ({"mirror_scale": "30"}, "no circuit yet"),
    ],
)
def test_what_has_no_circuit_is_refused(tmp_path: Path, changed: dict[str, str], match: str) -> None:
    run = folder(tmp_path, **changed)
    for command in (["spikes", str(run)], ["netlist", str(run)]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 2 and match in done.output


def test_times_and_numbers_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    run = folder(tmp_path)
    for options in (["--images", "0"], ["--duration", "2 h"], ["--duration", "2"]):
        assert CliRunner().invoke(app, ["spikes", str(run), *options]).exit_code == 2


@pytest.mark.slow
def test_a_network_is_shown_an_image_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (2, 784))
    task = Task("noise", x, np.array([3, 4]), x, np.array([3, 4]), tuple("0123456789"), "random")
    for module in (transient, netlist):
        monkeypatch.setattr(module, "mnist", lambda train=None, test=None: task)
    monkeypatch.setattr(transient, "GROUP", 1)
    run = folder(tmp_path)
    done = CliRunner().invoke(app, ["spikes", str(run), "--images", "2", "--duration", "40 us"])
    assert done.exit_code == 0, done.output
    assert "image 1: label 4, rate model" in done.output
    result = json.loads((run / "spikes.json").read_text())
    assert result["metrics"]["transistors"]["value"] > 2000
    assert [len(image["spikes"]) for image in result["images"]] == [86, 86]
    with np.load(run / "spikes.npz") as kept:
        assert len(kept["times"]) == sum(sum(image["spikes"]) for image in result["images"]) > 200
    assert "plotly" in (run / "spikes.html").read_text()
    # the second image was a group of its own, and is there when it is asked for again
    assert [path.name for path in (run / "stages").glob("spikes_circuit_*")] == ["spikes_circuit_0001.npz"]

    for dialect, suffix, analysis in (("ngspice", "cir", ".tran"), ("spectre", "scs", "tran stop=")):
        done = CliRunner().invoke(app, ["netlist", str(run), "--dialect", dialect])
        assert done.exit_code == 0, done.output
        text = (run / f"netlist/user.{suffix}").read_text()
        assert analysis in text
        # a neuron, its front end and a leg of each are there
        assert text.count(" simplified_ml") >= 86 and text.count("mpl2_9_") > 10
