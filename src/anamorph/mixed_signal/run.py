"""`anamorph run` of a mixed-signal neuron: energies beside a digital one, then networks under its noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anamorph import technology
from anamorph.cell.differential_pair import standard
from anamorph.kept_stages import Stages
from anamorph.mixed_signal.energy import energies, energy_metrics
from anamorph.mixed_signal.experiment import MixedSignalExperiment
from anamorph.mixed_signal.front import CellTrade, Line, front_of, lines
from anamorph.mixed_signal.monte_carlo import Errors
from anamorph.mixed_signal.noise import full_scale
from anamorph.mixed_signal.page import write_page
from anamorph.mixed_signal.study import ALLOWED, QUOTED, SIGMAS, WITH_MISMATCH, Judged, Study, study
from anamorph.run_folder import REPORT, RESULT, RunFolder, open_for
from anamorph.verify.interval import wilson
from anamorph.versions import versions

#: What each stage does, for the reader who waits.
STAGES = {
    "energy": "simulating the neuron and the digital multiplier beside it",
    "networks": "training networks, and judging them under noise",
    "report": "drawing the report",
}
NETWORKS = "networks.json"


def run_mixed_signal(
    experiment: MixedSignalExperiment,
    out: Path | None = None,
    watch: Callable[[str], None] = lambda stage: None,
    tell: Callable[[str], None] = lambda part: None,
) -> tuple[Path, dict[str, Any]]:
    """Run the flow; the folder and the content of its ``result.json``. A stopped run goes on from what is trained.

    Raises:
        BadInput: a folder that is taken, data that is not here.
    """
    card = technology.load(experiment.technology)
    with open_for(experiment.name, experiment.text(), out) as folder:
        watch("energy")
        energy = energies(card, experiment.n_bits)
        trades = {bits: CellTrade.of(card, standard(bits)) for bits in experiment.n_bits}
        watch("networks")
        v_fs = full_scale(card.value("nfet", "slope_factor"))
        found = study(experiment, v_fs, _keeper(experiment, folder), tell)
        watch("report")
        fronts = lines(found, trades)
        result = {
            "experiment": experiment.name,
            "metrics": energy_metrics(energy) | metrics(found) | front_metrics(fronts),
            "warnings": list(found.warnings),
            "provenance": {
                "technology": {"name": card.name, "sha256": card.digest}, "seed": experiment.seed,
                "versions": versions(),
            },
        }  # fmt: skip
        folder.write_json(NETWORKS, _arrays(found) | _fronts(fronts))
        folder.write(REPORT, lambda path: write_page(path, experiment, energy, found, fronts, result))
        folder.write_json(RESULT, result)
        return folder.path, result


def _keeper(experiment: MixedSignalExperiment, folder: RunFolder) -> Callable:
    """Weights that were trained before an interruption are read, not trained again."""
    stages = Stages(folder)
    asked = experiment.trained_from()
    return lambda name, make: stages.arrays(name, asked, make)


def metrics(found: Study) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n: errors without noise and what the quoted noise adds."""
    entries = {}
    for case in found.cases:
        name = f"{case.network} {case.n_bits} bits"
        entries[f"{name}: error"] = _share(case.plain.clean, found.tested[case.network])
        entries[f"{name}: added at {QUOTED:g} V^2"] = _added(found, case.plain)
        if case.plain.dies is not None:
            entries[f"{name}: added by mismatch, with {WITH_MISMATCH:g} V^2"] = _of_dies(case.plain.dies, case.plain)
        if case.aware is not None:
            entries[f"{name}: trained through noise, added at {QUOTED:g} V^2"] = _added(found, case.aware, case.plain)
    return entries


def _share(error: float, n: int) -> dict[str, Any]:
    low, high = wilson(round(error * n), n)
    return {"value": error, "unit": "%", "low": low, "high": high, "basis": "simulated", "n": n}


def _added(found: Study, judged: Judged, base: Judged | None = None) -> dict[str, Any]:
    """Error at the quoted power above that without noise, of the draws: mean, best and worst."""
    at = int(np.abs(found.powers - QUOTED).argmin())
    added = judged.branches.error[at] - (base or judged).clean
    return {
        "value": float(added.mean()), "unit": "%", "low": float(added.min()), "high": float(added.max()),
        "basis": "simulated", "n": len(added),
    }  # fmt: skip


def _of_dies(dies: Errors, judged: Judged) -> dict[str, Any]:
    """What transistors that deviate add: mean, best and worst of the dies."""
    added = dies.error[0] - judged.clean
    return {
        "value": float(added.mean()), "unit": "%", "low": float(added.min()), "high": float(added.max()),
        "basis": "simulated", "n": len(added),
    }  # fmt: skip


def front_metrics(fronts: tuple[Line, ...]) -> dict[str, Any]:
    """Energies of an inference that costs one per cent of the images, and the noise that this takes."""
    entries = {}
    for line in fronts:
        name = f"{line.case.network} {line.case.n_bits} bits" + (", trained through noise" if line.aware else "")
        told = (("energy per inference", line.at_one_per_cent, "J"), ("noise power of a branch", line.allowed, "V^2"))
        for what, value, unit in told:
            if value is not None:
                entries[f"{name}: {what}, {ALLOWED:.0%} more errors"] = {
                    "value": value, "unit": unit, "low": None, "high": None, "basis": "simulated", "n": 1
                }  # fmt: skip
    return entries


def _fronts(fronts: tuple[Line, ...]) -> dict[str, Any]:
    networks = dict.fromkeys(line.case.network for line in fronts)
    chosen = {name: front_of([line for line in fronts if line.case.network == name]) for name in networks}
    return {
        "energy_against_error": [
            {"network": line.case.network, "n_bits": line.case.n_bits, "trained_through_noise": line.aware,
             "energy_per_inference_j": line.energy.tolist(), "error": line.error.tolist(),
             "cell_exists": line.exists.tolist()}
            for line in fronts
        ],
        "front": {name: {"energy_per_inference_j": e.tolist(), "error": y.tolist()}
                  for name, (e, y) in chosen.items()},
    }  # fmt: skip


def _arrays(found: Study) -> dict[str, Any]:
    """All errors, for those who plot themselves."""

    def of(judged: Judged | None) -> Any:
        if judged is None:
            return None
        kinds = {"fresh": judged.fresh, "branches": judged.branches, "frozen": judged.frozen, "dies": judged.dies}
        told = {name: errors.error.tolist() for name, errors in kinds.items() if errors is not None}
        return {"clean": judged.clean} | told

    return {
        "noise_power_v2": found.powers.tolist(), "weight_sigma": found.sigmas.tolist(),
        "full_scale_v": found.full_scale, "sigmas_of_dies": SIGMAS,
        "cases": [
            {"network": c.network, "n_bits": c.n_bits, "plain": of(c.plain), "trained_through_noise": of(c.aware)}
            for c in found.cases
        ],
    }  # fmt: skip
