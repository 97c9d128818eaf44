"""A run's network as spikes, event by event: what it answers, after how long, and at what energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from anamorph.characterise.spiking_cell import SpikingCell, spiking_cell
from anamorph.data.task import Task
from anamorph.enn.circuit import circuit_of_run
from anamorph.enn.experiment import SpikingExperiment, load
from anamorph.enn.flow import characterised, mnist
from anamorph.enn.in_circuit import trained_in_circuit
from anamorph.enn.linked import link_pages
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
from anamorph.spikes.in_circuit import input_worth
from anamorph.units import show

PAGE, RESULT = "events.html", "events.json"
#: Time constant that stands for the compact synapse's circuit, s: with it, neurons behind the first layer are as late
#: as in a transient of all transistors (`docs/spiking.md`).
TAU = 250e-6
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
    run: Path, images: int = 100, duration: float = 1e-3, tau: float = TAU, task: Task | None = None,
    *, in_circuit: bool = False,
) -> RunEvents:  # fmt: skip
    """Show the first test images of MNIST, or of a task, to the network of a run, its weights as geometries make them.

    Neurons begin at phases drawn from the run's seed, as on a chip that was at something else before.

    Args:
        run: folder of a spiking network.
        images: how many.
        duration: for how long each, s.
        tau: time constant of the synapses, s.
        task: MNIST if left out.
        in_circuit: the network trained through its circuits (`anamorph.enn.in_circuit`), its neurons with the rates
            that they have there, and inputs as their diodes pass them on.

    Raises:
        BadInput: no run folder of a spiking network, a number of images, time or time constant that makes no sense.
    """
    if not 1 <= images <= 10_000:
        raise BadInput("a number of images that makes no sense", where="images", expected="1 to 10000", got=f"{images}")
    task = task or mnist(1, images)
    shown, labels = task.x_test[:images], task.y_test[:images]
    network = _in_circuit(run, tau) if in_circuit else _alone(run, tau)
    record = run_events(
        network.structure, network.weights, network.cells, network.worth(shown), duration,
        named_key(network.experiment.seed, "events"),
    )  # fmt: skip
    y = network.outputs(shown)
    tied = (y == y.max(axis=1, keepdims=True)).sum(axis=1) > 1
    answers = np.where(tied, UNDECIDED, y.argmax(axis=1))
    return RunEvents(network.experiment, network.cells[0], record, labels, answers)


@dataclass(frozen=True)
class _Network:
    """What is simulated: a cell and an activation for each layer, and what inputs are worth."""

    experiment: SpikingExperiment
    structure: Structure
    weights: Weights
    cells: tuple[SpikingCell, ...]
    activations: tuple[Callable[[np.ndarray], np.ndarray], ...]
    worth: Callable[[np.ndarray], np.ndarray]

    def outputs(self, images: np.ndarray) -> np.ndarray:
        """What the rate model has for outputs."""
        y, parts = self.worth(images), zip(self.weights.synapses, self.weights.biases, strict=True)
        for f, sources, (w, b) in zip(self.activations, self.structure.sources, parts, strict=True):
            x = y @ w if sources is None else np.einsum("ptn,tn->pn", y[:, sources], w)
            y = np.asarray(f(x + b))
        return y


def _alone(run: Path, tau: float) -> _Network:
    """Every neuron as it was characterised by itself; the curve of a circuit is the one that the run has kept."""
    experiment = load(str(run / EXPERIMENT))
    structure = mnist_structure(experiment.inhibitory)
    weights = kept_weights(run / WEIGHTS, structure)
    with RunFolder(run) as folder:
        found = characterised(experiment, Stages(folder))
    layers = len(structure.wirings)
    cell = spiking_cell(found.neuron, found.synapse, found.activation, tau)
    return _Network(experiment, structure, weights, (cell,) * layers, (found.activation,) * layers, lambda x: x)


def _in_circuit(run: Path, tau: float) -> _Network:
    """Neurons of each layer with the mean rate that they have behind their legs."""
    found = trained_in_circuit(run, circuit_of_run(run))
    curves = found.curves
    cell = spiking_cell(curves.neuron, curves.synapse, curves.activation, tau)
    knots = np.linspace(0.0, cell.x_max, len(cell.rate))
    cells = tuple(replace(cell, rate=np.asarray(rate(jnp.asarray(knots)))) for rate in found.rates)
    activations = tuple(lambda x, f=f: np.asarray(f(jnp.asarray(x))) for f in found.activations)
    worth = partial(input_worth, found.circuit, found.technology)
    return _Network(found.experiment, found.structure, found.weights, cells, activations, worth)


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
    run: Path, images: int = 100, duration: float = 1e-3, tau: float | None = None, *, in_circuit: bool = False
) -> tuple[list[str], Path]:
    """Run `events_of_run`, keep its figures as ``events.json`` and ``events.html`` in the folder.

    Returns:
        What to tell the user, line by line, and the page.
    """
    found = events_of_run(run, images, duration, TAU if tau is None else tau, in_circuit=in_circuit)
    entries = metrics(found)
    result = {"metrics": entries, "warnings": _warnings(found), "provenance": _provenance(found)}
    with RunFolder(run) as folder:
        folder.write_json(RESULT, result)
        page = folder.write(PAGE, lambda path: write_page(path, found, result))
        link_pages(folder)
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
        f"The synapse's time constant, {show(found.cell.tau, 's')}, is assumed: the circuit is no first-order filter. "
        "Answers come the later, the longer it is."
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
