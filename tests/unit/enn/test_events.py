"""The spikes of a run's network, event by event, from its folder to its page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from anamorph.cli_spike_events import tell_events
from anamorph.data.task import Task
from anamorph.enn import events
from anamorph.enn.events import RunEvents, events_of_run, metrics
from anamorph.enn.experiment import load
from anamorph.enn.flow import keep_weights
from anamorph.errors import BadInput
from anamorph.network.spiking import Weights, mnist_structure

TASK = Task(
    "pixels", np.zeros((1, 784)), np.zeros(1, int), np.random.default_rng(1).uniform(0, 1, (2, 784)), np.arange(2),
    tuple("0123456789"), "drawn",
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a run folder is read."""
    folder = tmp_path_factory.mktemp("events") / "run"
    folder.mkdir()
    i = np.linspace(1e-12, 1e-9, 50)
    table = "\n".join(f"{a!r},{400e3 * (a / 1e-9) ** 0.6!r}" for a in i.tolist())
    (folder.parent / "neuron.csv").write_text(f"i_ex,f_spike\n{table}\n")
    changed = {"neuron": str(folder.parent / "neuron.csv"), "synapse": "published"}
    (folder / "experiment.toml").write_text(load("enn", changed).text())
    structure, rng = mnist_structure(), np.random.default_rng(0)
    weights = Weights(tuple(rng.uniform(0, 0.15, s) for s in structure.shapes),
                      tuple(np.zeros(n) for n in structure.layers[1:]))  # fmt: skip
    keep_weights(folder / "weights.npz", weights)
    return folder


@pytest.fixture(scope="module")
def found(run: Path) -> RunEvents:
    return events_of_run(run, 2, 2e-4, task=TASK)


def test_the_metrics_are_those_of_the_record(found: RunEvents):
    entries = metrics(found)
    assert found.record.layers == (49, 27, 10) and found.record.n_images == 2
    assert entries["spikes_per_image"]["value"] == len(found.record.times) / 2 > 100
    answers = found.record.decide("interval").answer
    assert entries["accuracy_interval"]["value"] == np.mean(answers == TASK.y_test)
    assert entries["agreement_interval"]["value"] == np.mean(answers == found.rate_answers)
    assert "energy_per_spike" not in entries  # the curve has no power


def test_first_layer_spikes_at_the_rates_of_its_pixels(found: RunEvents, run: Path):
    with np.load(run / "weights.npz") as kept:
        synapses = kept["synapses_0"]
    x = np.einsum("ptn,tn->pn", mnist_structure().taps(TASK.x_test), synapses)
    f = 400e3 * np.clip(x, 0, 1) ** 0.6
    # one spike of 0.2 ms, and a table linear between 4097 points
    np.testing.assert_allclose(found.record.rates()[:, :49], f, atol=1.05 / 2e-4)


def test_figures_and_page_are_kept_and_told(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(events, "mnist", lambda train, images: TASK)
    tell_events(run, 2, "0.2 ms", "50 us")
    kept = json.loads((run / "events.json").read_text())
    assert kept["provenance"]["synapse time constant, s"] == pytest.approx(50e-6)
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("accuracy_interval") for line in said)
    assert any("time constant" in line and "assumed" in line for line in said)
    assert said[-1] == f"page: {run / 'events.html'}"
    assert (run / "events.html").read_text().startswith("<!doctype html>")


def test_what_makes_no_sense_is_refused(run: Path):
    with pytest.raises(BadInput, match="images"):
        events_of_run(run, 0, task=TASK)
    with pytest.raises(BadInput, match="tau"):
        events_of_run(run, 1, 1e-4, 0.0, TASK)
