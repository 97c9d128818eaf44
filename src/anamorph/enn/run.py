"""`anamorph run` of a spiking network: the flow, kept in a run folder with its result and its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anamorph import technology
from anamorph.cost.sheet import CostSheet
from anamorph.enn.cost import cost_lines
from anamorph.enn.curves import CIRCUITS
from anamorph.enn.experiment import SpikingExperiment
from anamorph.enn.flow import Synthesis, keep_weights, mnist, synthesis
from anamorph.enn.linked import link_pages
from anamorph.enn.page import write_page
from anamorph.enn.tuned import WAYS
from anamorph.kept_stages import Stages
from anamorph.network.spiking_monte_carlo import Dies
from anamorph.provenance import versions
from anamorph.run_folder import REPORT, RESULT, open_for
from anamorph.verify.interval import wilson

WEIGHTS = "weights.npz"


def run_spiking(
    experiment: SpikingExperiment, out: Path | None = None, watch: Callable[[str], None] = lambda stage: None
) -> tuple[Path, dict[str, Any]]:
    """Run the flow; the folder and the content of its ``result.json``.

    Raises:
        BadInput: a folder that is taken, or what `anamorph.enn.flow.synthesis` refuses.
    """
    task = mnist(experiment.train, experiment.test, experiment.validation)
    card = technology.load(experiment.technology)
    with open_for(experiment.name, experiment.text(), out) as folder:
        found = synthesis(experiment, task, watch, Stages(folder))
        watch("cost")
        lines = cost_lines(found, experiment.neuron, experiment.through, task.x_test, card.v_dd)
        result = {
            "experiment": experiment.name,
            "metrics": metrics(found, experiment, len(task.y_test)) | CostSheet(lines).metrics(),
            "warnings": warnings(found, experiment),
            "provenance": {
                "technology": {"name": card.name, "sha256": card.digest},
                "neuron": found.curves.neuron.source, "synapse": found.curves.synapse.source,
                "seed": experiment.seed, "versions": versions(),
            },
        }  # fmt: skip
        folder.write(WEIGHTS, lambda path: keep_weights(path, found.realised))
        folder.write(REPORT, lambda path: write_page(path, experiment, found, result))
        link_pages(folder)
        folder.write_json(RESULT, result)
        return folder.path, result


def metrics(found: Synthesis, experiment: SpikingExperiment, n: int) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n: accuracies with the range that holds 95 % of the dies."""
    fits = found.curves
    line = fits.feasibility.linear_from
    entries = {
        "accuracy": _dies(found.normal),
        "accuracy_ideal": _one(found.nominal, n),
        "accuracy_snapped": _one(found.snapped, n),
        "accuracy_mismatch": _dies(found.mismatched),
        "yield_mismatch": _yield(found.mismatched.accuracy, experiment.accuracy_min),
        "neurons": _entry(found.structure.n_neurons, ""),
        "synapses": _entry(found.structure.n_synapses, ""),
        "mirror_legs": _entry(sum(leg.count for leg in found.legs), ""),
        "polynomial_r_squared": _entry(fits.polynomial.r_squared, ""),
        "logistic_r_squared": _entry(fits.logistic.r_squared, ""),
        "over_range": _entry(found.trained.over_range, "%"),
        "under_range": _entry(found.trained.under_range, "%"),
        "epochs": _entry(len(found.trained.train_accuracy), ""),
    }
    if found.transistors is not None:
        entries["accuracy_transistors"] = _dies(found.transistors)
        entries["yield_transistors"] = _yield(found.transistors.accuracy, experiment.accuracy_min)
    if found.tuned is not None:
        for way, what in WAYS.items():
            entries[f"accuracy {what}"] = _several(getattr(found.tuned, way))
            entries[f"yield {what}"] = _yield(getattr(found.tuned, way), experiment.accuracy_min)
    for name, corner in found.corners.items():
        entries[f"accuracy at {name}"] = _entry(corner.as_is, "%")
        if np.isfinite(corner.tracked):
            entries[f"accuracy at {name}, tracked"] = _entry(corner.tracked, "%")
    if line is not None:
        entries["linear_from"] = _entry(line, "")
    return entries


def warnings(found: Synthesis, experiment: SpikingExperiment) -> list[str]:
    """What a reader must know before believing the numbers."""
    said = []
    if found.trained.over_range > 0.01:
        said.append(
            f"{100 * found.trained.over_range:.2g} % of the training set's excitations lie above x = 1, where the "
            "neuron was not characterised and its activation is taken as constant."
        )
    if found.trained.under_range > 0.01:
        said.append(f"{100 * found.trained.under_range:.2g} % of the excitations lie below x_min.")
    lost = sum(leg.left_out for leg in found.legs)
    if lost:
        said.append(f"{lost} weights are too small for any allowed transistor, and have no mirror leg.")
    undecided = float(found.normal.undecided.mean())
    if undecided > 0.001:
        said.append(f"{100 * undecided:.2g} % of the answers were undecided; they count as wrong.")
    if experiment.neuron not in CIRCUITS:
        said.append("Mismatch is that of the mirrors' transistors: of a neuron from a file no transistors are known.")
    return said


def _entry(
    value: float | int,
    unit: str,
    low: float | None = None,
    high: float | None = None,
    n: int = 1,
    basis: str = "simulated",
) -> dict[str, Any]:
    return {"value": float(value), "unit": unit, "low": low, "high": high, "basis": basis, "n": n}


def _dies(dies: Dies) -> dict[str, Any]:
    return _several(dies.accuracy)


def _several(accuracy: np.ndarray) -> dict[str, Any]:
    """Mean over dies, with the range that holds 95 % of them."""
    low, high = np.percentile(accuracy, [2.5, 97.5])
    return _entry(float(accuracy.mean()), "%", float(low), float(high), len(accuracy))


def _yield(accuracy: np.ndarray, least: float) -> dict[str, Any]:
    """Share of the dies with at least this accuracy."""
    good = int(np.sum(accuracy >= least))
    low, high = wilson(good, len(accuracy))
    return _entry(good / len(accuracy), "%", low, high, len(accuracy))


def _one(dies: Dies, n: int) -> dict[str, Any]:
    accuracy = float(dies.accuracy[0])
    low, high = wilson(round(accuracy * n), n)
    return _entry(accuracy, "%", low, high, n)
