"""A run's network as spikes, event by event: what it answers, after how long, and at what energy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from anamorph import technology
from anamorph.characterise.activation import Activation, combine
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.characterise.spiking_cell import TAU, SpikingCell, spiking_cell
from anamorph.data.task import Task
from anamorph.enn.curve_arrays import arrays_of, curve_of
from anamorph.enn.curves import CIRCUITS, neuron_curve, synapse_curve
from anamorph.enn.experiment import SpikingExperiment, load
from anamorph.enn.flow import mnist
from anamorph.enn.nir_export import kept_weights
from anamorph.enn.run import WEIGHTS
from anamorph.errors import BadInput
from anamorph.kept_stages import Stages
from anamorph.network.spike_events import run_events
from anamorph.network.spike_record import READOUTS, UNDECIDED, SpikeRecord
from anamorph.network.spiking import Structure, Weights, mnist_structure
from anamorph.provenance import named_key, versions
from anamorph.report.figures.spikes import listening, raster
from anamorph.report.page import Page, Section, write_report
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.units import show

PAGE, RESULT = "events.html", "events.json"
HEADLINE = ("accuracy_interval", "listening_interval", "energy_interval", "energy_per_spike")


@dataclass(frozen=True)
class RunEvents:
    """What a run's network was shown, and what it answered.

    Attributes:
        experiment: of the run.
        cell: neuron and synapse.
        record: spikes of all images.
        labels: of the images.
        rate_answers: of the rate model with the same weights; `UNDECIDED` where outputs tie.
    """

    experiment: SpikingExperiment
    cell: SpikingCell
    record: SpikeRecord
    labels: Int[np.ndarray, " images"]
    rate_answers: Int[np.ndarray, " images"]


def events_of_run(
    run: Path, images: int = 100, duration: float = 1e-3, tau: float = TAU, task: Task | None = None
) -> RunEvents:
    """Show the first test images of MNIST, or of a task, to the network of a run, its weights as geometries make them.

    Neurons begin at phases drawn from the run's seed, as on a chip that was at something else before.

    Raises:
        BadInput: no run folder of a spiking network, a number of images, time or time constant that makes no sense.
    """
    if not 1 <= images <= 10_000:
        raise BadInput("a number of images that makes no sense", where="images", expected="1 to 10000", got=f"{images}")
    experiment = load(str(run / EXPERIMENT))
    structure = mnist_structure(experiment.inhibitory)
    weights = kept_weights(run / WEIGHTS, structure)
    neuron = _neuron(run, experiment)
    synapse = synapse_curve(experiment.synapse, experiment.neuron, experiment.technology)
    activation = combine(neuron, synapse)
    cell = spiking_cell(neuron, synapse, activation, tau)
    task = task or mnist(1, images)
    x, labels = task.x_test[:images], task.y_test[:images]
    key = named_key(experiment.seed, "events")
    record = run_events(structure, weights, cell, x, duration, key)
    y = _outputs(structure, weights, activation, x)
    tied = (y == y.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return RunEvents(experiment, cell, record, labels, np.where(tied, UNDECIDED, y.argmax(axis=1)))


def _neuron(run: Path, experiment: SpikingExperiment) -> FrequencyCurve:
    """The neuron's curve; of a circuit, as the run has kept it."""
    name, card = experiment.neuron, experiment.technology
    if name not in CIRCUITS:
        return neuron_curve(name, card)
    inputs = {"neuron": name, "technology": technology.load(card).digest}
    with RunFolder(run) as folder:
        return curve_of(Stages(folder).arrays("curve", inputs, lambda: arrays_of(neuron_curve(name, card))))


def _outputs(structure: Structure, weights: Weights, activation: Activation, x: np.ndarray) -> np.ndarray:
    """What the rate model has for outputs."""
    y = x
    for sources, w, b in zip(structure.sources, weights.synapses, weights.biases, strict=True):
        excitation = y @ w if sources is None else np.einsum("ptn,tn->pn", y[:, sources], w)
        y = activation(excitation + b)
    return y


def metrics(found: RunEvents) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n."""
    record, n = found.record, len(found.labels)
    entries = {"accuracy_rate_model": _entry((found.rate_answers == found.labels).mean(), "%", n)}
    for readout in READOUTS:
        decided = record.decide(readout)
        entries |= {
            f"accuracy_{readout}": _entry((decided.answer == found.labels).mean(), "%", n),
            f"agreement_{readout}": _entry((decided.answer == found.rate_answers).mean(), "%", n),
            f"undecided_{readout}": _entry((decided.answer == UNDECIDED).mean(), "%", n),
        }
        stable = decided.stable[np.isfinite(decided.stable)]
        if len(stable):
            entries[f"listening_{readout}"] = _entry(np.median(stable), "s", n, *np.percentile(stable, [2.5, 97.5]))
            energy = record.energy_at(decided.stable)
            if np.isfinite(energy).any():
                ends = np.nanpercentile(energy, [2.5, 97.5])
                entries[f"energy_{readout}"] = _entry(np.nanmedian(energy), "J", n, *ends)
    entries["spikes_per_image"] = _entry(len(record.times) / n, "", n)
    if "neurons" in record.energy and len(record.times):
        per_spike = record.energy["neurons"][:, -1].sum() / len(record.times)
        entries["energy_per_spike"] = _entry(per_spike, "J", n)
    for name, energy in record.energy.items():
        entries[f"power_{name}"] = _entry(energy[:, -1].mean() / record.duration, "W", n)
    return entries


def report_events(
    run: Path, images: int = 100, duration: float = 1e-3, tau: float | None = None
) -> tuple[list[str], Path]:
    """Run `events_of_run`, keep its figures as ``events.json`` and ``events.html`` in the folder.

    Returns:
        What to tell the user, line by line, and the page.
    """
    found = events_of_run(run, images, duration, TAU if tau is None else tau)
    entries = metrics(found)
    result = {"metrics": entries, "warnings": _warnings(found), "provenance": _provenance(found)}
    with RunFolder(run) as folder:
        folder.write_json(RESULT, result)
        page = folder.write(PAGE, lambda path: write_page(path, found, result))
    lines = []
    for name, e in entries.items():
        span = "" if e["low"] is None else f"  ({show(e['low'], e['unit'])} to {show(e['high'], e['unit'])})"
        lines.append(f"{name:24} {show(e['value'], e['unit']) if e['unit'] else format(e['value'], 'g')}{span}")
    return [*lines, *(f"note: {text}" for text in result["warnings"])], page


def write_page(path: Path, found: RunEvents, result: dict[str, Any]) -> None:
    """The page of a run's spikes."""
    record = found.record
    figures = (raster(record, 0, f"an image of {found.labels[0]}"), listening(record, found.labels, found.rate_answers))
    text = (
        f"Event by event: neurons as oscillators with their characterised rate, synapses with a time constant of "
        f"{show(found.cell.tau, 's')}. {record.n_images} images, each for {show(record.duration, 's')}."
    )
    page = Page(
        f"Spikes of {found.experiment.title or found.experiment.name}",
        summary=text,
        metrics=result["metrics"],
        sections=(Section("Spikes", figures=figures),),
        warnings=tuple(result["warnings"]),
        provenance=result["provenance"],
        headline=tuple(name for name in HEADLINE if name in result["metrics"]),
    )
    write_report(path, page)


def _warnings(found: RunEvents) -> list[str]:
    said = [
        f"The synapse's time constant, {show(found.cell.tau, 's')}, is assumed: rates and answers depend on it "
        "where it is not long against the intervals of spikes."
    ]
    if found.cell.power is None:
        said.append("The neuron's curve has no power, so energy is that of the mirror legs alone.")
    return said


def _provenance(found: RunEvents) -> dict[str, Any]:
    return {
        "neuron and synapse": found.cell.source, "synapse time constant, s": found.cell.tau,
        "seed": found.experiment.seed, "versions": versions(),
    }  # fmt: skip


def _entry(
    value: float | np.floating, unit: str, n: int, low: float | np.floating | None = None,
    high: float | np.floating | None = None,
) -> dict[str, Any]:  # fmt: skip
    ends = (None if end is None else float(end) for end in (low, high))
    return {"value": float(value), "unit": unit, **dict(zip(("low", "high"), ends, strict=True)),
            "basis": "simulated", "n": n}  # fmt: skip
