"""The result: every number of a run with its unit, interval, basis and count, in the field's words."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from anamorph.characterise.transfer import Transfer
from anamorph.provenance import provenance
from anamorph.run_folder import PROVENANCE, RESULT, RunFolder
from anamorph.stages.cost import CostRecord
from anamorph.stages.setup import Setup
from anamorph.stages.verify import VerdictRecord, Verdicts
from anamorph.units import show
from anamorph.verify.interval import wilson
from anamorph.verify.verdict import Above

#: Half width of a 95 % interval of a normal distribution, in standard deviations.
Z_95 = 1.96


def metrics(setup: Setup, transfer: Transfer, verdicts: Verdicts, cost: CostRecord) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n. Intervals are 95 %, of cost lines their bounds."""
    own, common, ideal = verdicts.compensated, verdicts.uncompensated, verdicts.ideal
    n = len(setup.task.y_test)
    found = {
        "accuracy": _share(own.accuracy[0], n),
        "accuracy_uncompensated": _share(common.accuracy[0], n),
        "accuracy_ideal": _share(ideal.accuracy[0], n),
        "accuracy_mean": _mean(own.accuracy),
        "accuracy_uncompensated_mean": _mean(common.accuracy),
        "yield": _yield(own),
        "yield_uncompensated": _yield(common),
        "slope_spread": _mean(_slope_spread(transfer), "%", top=None, basis="measured"),
        "negative_unit": _mean(np.asarray(transfer.negative_unit), "", top=None, basis="measured"),
    }
    for line in cost.lines:
        found[line.quantity] = line.model_dump(include={"value", "unit", "low", "high", "basis", "n"})
    verdict = (own, common, ideal)
    found["unconverged"] = _entry(
        float(sum(v.unconverged for v in verdict)),
        "",
        None,
        None,
        "simulated",
        sum(v.predictions.size for v in verdict),
    )
    return found


def _entry(value: float, unit: str, low: float | None, high: float | None, basis: str, n: int) -> dict[str, Any]:
    return {"value": value, "unit": unit, "low": low, "high": high, "basis": basis, "n": n}


def _share(accuracy: float, n: int) -> dict[str, Any]:
    low, high = wilson(round(float(accuracy) * n), n)
    return _entry(float(accuracy), "%", low, high, "simulated", n)


def _yield(verdict: VerdictRecord) -> dict[str, Any]:
    n = len(verdict.accuracy)
    return _entry(verdict.n_passed / n, "%", verdict.yield_low, verdict.yield_high, "simulated", n)


def _mean(values: np.ndarray, unit: str = "%", top: float | None = 1.0, basis: str = "simulated") -> dict[str, Any]:
    """Mean over dies and its 95 % interval; none for a single die."""
    n, value = len(values), float(np.mean(values))
    if n < 2:
        return _entry(value, unit, None, None, basis, n)
    half = Z_95 * float(np.std(values, ddof=1)) / np.sqrt(n)
    high = value + half if top is None else min(value + half, top)
    return _entry(value, unit, float(max(value - half, 0.0)), float(high), basis, n)


def _slope_spread(transfer: Transfer) -> np.ndarray:
    """Standard deviation of each die's slopes, which have a mean of 1 in each layer, ``[dies]``."""
    return np.std(np.concatenate([np.asarray(a.slope) for a in transfer.activations], axis=1), axis=1)


def warnings(setup: Setup, transfer: Transfer, found: dict[str, Any], own: VerdictRecord) -> list[str]:
    """What a reader must know before believing the numbers. `own`: of the dies with their own programs."""
    said = list(setup.task.warnings)
    lost = int(found["unconverged"]["value"])
    if lost:
        said.append(f"{lost} of {found['unconverged']['n']} samples did not converge; they count as wrong.")
    clipped = setup.task.n_clipped
    if clipped:
        said.append(f"{clipped} test values lay outside the training data's range and were clipped to it.")
    said += beyond_domain(np.asarray(setup.inputs), transfer)
    said += hidden_beyond_domain(own.above, own.predictions.size, transfer)
    worst = max(float(np.max(np.asarray(a.fit_error)[0])) for a in transfer.activations)
    if worst > 0.1:
        said.append(f"A neuron of the prototype is off its fitted rectifier by {show(worst, '%')} of full scale.")
    return said


def beyond_domain(inputs: Float[np.ndarray, "patterns n_in"], transfer: Transfer) -> list[str]:
    """Input currents (A) above all at which the input neurons were measured, counted: there the transfer is a guess.

    Below the lowest measured current there is no warning: a rectifier's line goes through zero, and so do its neurons.
    """
    top = transfer.activations[0].domain[1]
    beyond = inputs > top * (1 + 1e-9)
    if not beyond.any():
        return []
    largest, limit = show(float(inputs.max()), "A"), show(top, "A")
    return [
        f"{int(beyond.sum())} input currents of {int(beyond.any(1).sum())} of {len(inputs)} test samples lie above "
        f"{limit}, the largest at which neurons were measured (up to {largest})."
    ]


def hidden_beyond_domain(above: Above, n_samples: int, transfer: Transfer) -> list[str]:
    """The same of the neurons behind the first layer, over all dies with their own programs."""
    if not above.count:
        return []
    largest, limit = show(above.largest, "A"), show(min(a.domain[1] for a in transfer.activations[1:]), "A")
    return [
        f"{above.count} currents into neurons behind the inputs of {above.samples} of {n_samples} test samples (all "
        f"dies) lie above {limit}, the largest at which neurons were measured (up to {largest})."
    ]


def write_result(setup: Setup, folder: RunFolder, found: dict[str, Any], said: list[str]) -> None:
    """Write `result.json`, the last file of a run: with it the folder is complete."""
    folder.write_json(
        RESULT,
        {
            "experiment": setup.experiment.name,
            "metrics": found,
            "warnings": said,
            "provenance": provenance(setup.experiment, setup.technology),
        },
    )


def check_provenance(setup: Setup, folder: RunFolder) -> None:
    """Make sure that what is in the folder came from the same card and the same versions.

    Raises:
        BadInput: it did not; the numbers of two origins would be mixed.
    """
    from anamorph.errors import BadInput

    now = provenance(setup.experiment, setup.technology)
    if not folder.has(PROVENANCE):
        folder.write_json(PROVENANCE, now)
        return
    before = folder.read_json(PROVENANCE)
    for part, value in now.items():
        if not isinstance(before, dict) or before.get(part) != value:
            raise BadInput(
                f"the run was begun with another {part}", where=str(folder.path),
                expected=str(before.get(part) if isinstance(before, dict) else before), got=str(value),
                advice="Start a new run with --out.",
            )  # fmt: skip
