"""`anamorph nir` on a run folder and on what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from anamorph.cli import app
from anamorph.enn.experiment import load
from anamorph.enn.flow import keep_weights
from anamorph.network.nir_import import from_nir
from anamorph.network.spiking import Weights, mnist_structure

pytest.importorskip("nir", reason="the extra nir is not installed")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What of a run folder is read."""
    i = np.linspace(1e-12, 1e-9, 50)
    table = "\n".join(f"{a!r},{400e3 * (a / 1e-9) ** 0.6!r}" for a in i.tolist())
    (tmp_path / "neuron.csv").write_text(f"i_ex,f_spike\n{table}\n")
    folder = tmp_path / "run"
    folder.mkdir()
    changed = {"neuron": str(tmp_path / "neuron.csv"), "synapse": "published"}
    (folder / "experiment.toml").write_text(load("enn", changed).text())
    structure, rng = mnist_structure(), np.random.default_rng(0)
    weights = Weights(tuple(rng.uniform(0, 0.1, s) for s in structure.shapes),
                      tuple(np.zeros(n) for n in structure.layers[1:]))  # fmt: skip
    keep_weights(folder / "weights.npz", weights)
    return folder


def test_a_run_is_exported_and_its_file_accepted(run: Path):
    done = CliRunner().invoke(app, ["nir", str(run)])
    assert done.exit_code == 0, done.output
    assert "straight line" in done.output
    found = from_nir(run / "network.nir")
    with np.load(run / "weights.npz") as kept:
        for index, synapses in enumerate(found.weights.synapses):
            np.testing.assert_array_equal(synapses, kept[f"synapses_{index}"])
    checked = CliRunner().invoke(app, ["nir", str(run / "network.nir")])
    assert checked.exit_code == 0
    assert "layers: 784-49-27-10" in checked.output
    assert "synapses: 1238" in checked.output


def test_what_is_no_spiking_run_is_refused(run: Path, tmp_path: Path):
    for content in (b"", b"PK not a zip"):
        (run / "weights.npz").write_bytes(content)
        assert CliRunner().invoke(app, ["nir", str(run)]).exit_code == 2
    (run / "weights.npz").unlink()
    assert CliRunner().invoke(app, ["nir", str(run)]).exit_code == 2
    assert CliRunner().invoke(app, ["nir", str(tmp_path / "nothing")]).exit_code == 2
    assert not (run / "network.nir").exists()
