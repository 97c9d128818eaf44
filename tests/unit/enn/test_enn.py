"""The flow of a spiking network on a small made-up task, and its command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from anamorph.cli import app
from anamorph.data.task import Task
from anamorph.enn import flow, synapse_circuits
from anamorph.enn.cost import cost_lines
from anamorph.enn.curves import neuron_curve, synapse_curve
from anamorph.enn.experiment import is_spiking, load
from anamorph.enn.flow import mirror_rules, synthesis
from anamorph.enn.page import write_page
from anamorph.enn.run import metrics, warnings
from anamorph.enn.synapse_circuits import CURRENTS
from anamorph.errors import BadInput
from anamorph.kept_stages import Stages
from anamorph.run_folder import open_for


@pytest.fixture
def neuron(tmp_path: Path) -> str:
    """A power law above a threshold, as a user's file."""
    i = np.linspace(1e-12, 1e-9, 300)
    f = np.where(i > 8e-12, 400e3 * (i / 1e-9) ** 0.6, 0.0)
    path = tmp_path / "neuron.csv"
    path.write_text("i_ex,f_spike\n" + "\n".join(f"{a!r},{b!r}" for a, b in zip(i.tolist(), f.tolist(), strict=True)))
    return str(path)


def _quadrants(n: int = 300) -> Task:
    """Ten classes by how much of each quarter of the image is bright."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n)
    level = rng.uniform(0.2, 1.0, (10, 4))
    x = np.zeros((n, 28, 28))
    for quarter, (top, left) in enumerate(((0, 0), (0, 14), (14, 0), (14, 14))):
        x[:, top : top + 14, left : left + 14] = level[labels, quarter][:, None, None] * rng.uniform(0, 1, (n, 14, 14))
    x = x.reshape(n, 784)
    return Task("quadrants", x[100:], labels[100:], x[:100], labels[:100], tuple("0123456789"), "made up")


def test_the_whole_flow_and_its_page(neuron: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    experiment = load("enn", {"neuron": neuron, "synapse": "published", "epochs": "3", "dies": "3",
                              "mismatch_dies": "2"})  # fmt: skip
    task = _quadrants()
    with open_for("enn", experiment.text(), tmp_path / "run") as folder:
        found = synthesis(experiment, task, stages=Stages(folder))
        # taken up again, nothing is computed a second time
        for name in ("train_spiking", "infer"):
            monkeypatch.setattr(flow, name, None)
        again = synthesis(experiment, task, stages=Stages(folder))
    np.testing.assert_array_equal(again.normal.accuracy, found.normal.accuracy)
    np.testing.assert_array_equal(again.trained.weights.synapses[0], found.trained.weights.synapses[0])
    said = metrics(found, experiment, len(task.y_test))
    assert (said["neurons"]["value"], said["synapses"]["value"]) == (86, 1238)
    assert len(found.normal.accuracy) == 3
    assert len(found.mismatched.accuracy) == 2
    # a geometry on a grid of 5 nm is within a per cent of its weight
    for wanted, made in zip(found.trained.weights.synapses, found.realised.synapses, strict=True):
        np.testing.assert_allclose(made[made > 0], wanted[made > 0], rtol=0.01)
    lines = {line.quantity: line for line in cost_lines(found, experiment.neuron, "curve", task.x_test, 0.2)}
    assert lines["legs_area"].value > 0
    assert lines["legs_power"].value > 0
    result = {
        "metrics": said | {"legs_area": said["neurons"]},
        "warnings": warnings(found, experiment),
        "provenance": {"seed": 1},
    }
    write_page(tmp_path / "page.html", experiment, found, result)
    assert "area law" in (tmp_path / "page.html").read_text()


def test_the_paper_s_way_trains_through_the_logistic_function(neuron: str):
    experiment = load("enn", {"neuron": neuron, "synapse": "published", "epochs": "1", "dies": "1",
                              "mismatch_dies": "1", "through": "logistic", "x_min": "0.2"})  # fmt: skip
    found = synthesis(experiment, _quadrants())
    for bias in found.trained.weights.biases:
        np.testing.assert_allclose(bias, 0.2, rtol=1e-6)


def test_an_experiment_reads_back_as_itself(tmp_path: Path):
    experiment = load("enn", {"dies": "7", "weight_spread": "2 %"})
    path = tmp_path / "mine.toml"
    path.write_text(experiment.text())
    assert is_spiking(str(path))
    assert load(str(path)) == experiment
    assert not is_spiking("iris")


def test_both_built_in_experiments_are_read():
    plain, signed = load("enn"), load("enn_inhibitory")
    assert not plain.inhibitory and signed.inhibitory
    assert plain.starts > 1 and signed.focus > 0


def test_misspelt_keys_and_names_are_refused():
    with pytest.raises(BadInput, match="unknown key 'dyes'"):
        load("enn", {"dyes": "7"})
    with pytest.raises(BadInput, match="no neuron named"):
        neuron_curve("biomimetic")
    with pytest.raises(BadInput, match="no synapse named"):
        synapse_curve("compct")


def test_a_synapse_circuit_is_driven_by_the_neuron_or_in_its_place_by_the_paper_s(monkeypatch: pytest.MonkeyPatch):
    drivers = []

    def kept(name: str, key: str, make: Callable[[], object]) -> dict[str, np.ndarray]:
        """The neuron's own rate, and what was measured with the synapse as its load."""
        drivers.append(key)
        n = len(CURRENTS) + 1
        rate, i_out = 1e3 * np.arange(n), 1e-12 * (5.0 + np.arange(n))
        return {"rate": rate, "loaded": 0.97 * rate, "i_out": i_out, "ripple": rate, "power": i_out,
                "converged": np.ones(n, bool)}  # fmt: skip

    monkeypatch.setattr(synapse_circuits, "kept_arrays", kept)
    found = synapse_curve("compact", "lif")
    assert found.f_spike[-1] == 1e3 * len(CURRENTS)
    assert found.i_out[0, 0] == 5e-12
    assert "behind lif" in found.source
    assert "behind biomimetic_ml" in synapse_curve("compact", "mine.csv").source
    assert "behind lif" in synapse_curve("dpi", "lif").source
    assert len(set(drivers)) == 3


def test_a_mirror_s_reference_is_the_leg_of_the_synapse_that_was_characterised():
    widths = {
        name: mirror_rules(load("enn", {"synapse": name})).w_reference for name in ("compact", "dpi", "published")
    }
    assert widths == pytest.approx({"compact": 324e-9, "dpi": 465e-9, "published": 324e-9})


def test_the_published_synapse_has_two_names():
    assert (synapse_curve("published").i_out == synapse_curve("compact_published").i_out).all()


def test_the_published_synapse_follows_the_paper_s_line_where_it_has_one():
    found = synapse_curve("compact_published")
    f = np.array([200e3, 400e3])
    at = np.interp(f, found.f_spike, found.i_out[0])
    # the assumed beginning has died out to exp(-200 / 40) there
    np.testing.assert_allclose(at, 769.2e-12 + 1.63e-15 * f, rtol=0.01)


def test_a_synapse_s_file_is_read_and_a_wrong_one_refused(tmp_path: Path):
    path = tmp_path / "s.csv"
    path.write_text("f,i\n0,0\n1e5,1e-9\n")
    assert synapse_curve(str(path)).i_out[0, 1] == 1e-9
    path.write_text("f,i\n0,zero\n")
    with pytest.raises(BadInput, match="not a table of numbers"):
        synapse_curve(str(path))


def test_linearity_on_the_command_line(neuron: str):
    said = CliRunner().invoke(app, ["linearity", neuron])
    assert said.exit_code == 0
    assert "a cascade is one layer" in said.output
    refused = CliRunner().invoke(app, ["characterise", "iris", "--linearity"])
    assert refused.exit_code == 2
