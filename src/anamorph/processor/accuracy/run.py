"""`anamorph processor accuracy`: a task studied in a run folder, with table, plot and JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from anamorph import toml_file
from anamorph.kept_stages import Stages
from anamorph.processor.accuracy.page import write_page
from anamorph.processor.accuracy.study import TRAININGS, Asked, Case, Found, study
from anamorph.run_folder import REPORT, RESULT, open_for
from anamorph.verify.interval import wilson
from anamorph.versions import versions


def run(
    asked: Asked, out: Path | None = None, tell: Callable[[str], None] = lambda part: None
) -> tuple[Path, Found, dict[str, Any]]:
    """Study a task; the folder, what was found, and the content of its ``result.json``.

    A stopped run goes on from what is there.

    Raises:
        BadInput: as of `study`; a folder that is taken.
    """
    name = f"accuracy-{asked.subject}"
    with open_for(name, text(asked), out) as folder:
        stages = Stages(folder)
        inputs = {"asked": text(asked)}
        found = study(asked, lambda part, make: stages.arrays(part, inputs, make), tell)
        result = {
            "experiment": name, "metrics": metrics(found), "cases": [_case(case) for case in found.cases],
            "refused": found.refused, "warnings": list(found.warnings),
            "provenance": {"seed": asked.seed, "versions": versions()},
        }  # fmt: skip
        folder.write(REPORT, lambda path: write_page(path, found, result))
        folder.write_json(RESULT, result)
        return folder.path, found, result


def text(asked: Asked) -> str:
    """What was asked, as TOML."""
    tables: dict[str, Any] = {
        "kind": "processor accuracy", "subject": asked.subject, "trainings": list(asked.trainings), "dies": asked.dies,
        "seed": asked.seed, "figures": [f"{name} = {value!r}" for name, value in asked.figures],
        "designs": [" ".join(f"{k}={v}" for k, v in p.as_json().items()) for p in asked.processors],
    }  # fmt: skip
    tables |= {k: v for k in ("train", "test", "epochs") if (v := getattr(asked, k)) is not None}
    return toml_file.write(tables)


def metrics(found: Found) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n: right answers in floating point, and of chips the mean and range."""
    low, high = wilson(round(found.floating * found.tested), found.tested)
    entries: dict[str, Any] = {
        "floating point": {"value": found.floating, "unit": "%", "low": low, "high": high, "basis": "simulated",
                           "n": found.tested}
    }  # fmt: skip
    for case in found.cases:
        if not case.dies:
            continue
        entries[f"{case.memory} {case.encoding}, {case.bits} bits, trained {TRAININGS[case.training]}"] = {
            "value": sum(case.dies) / len(case.dies), "unit": "%", "low": min(case.dies), "high": max(case.dies),
            "basis": "simulated", "n": len(case.dies),
        }  # fmt: skip
    return entries


def _case(case: Case) -> dict[str, Any]:
    return {
        "memory": case.memory, "encoding": case.encoding, "bits": case.bits, "training": case.training,
        "floating": case.floating, "rounded": case.rounded, "dies": list(case.dies),
    }  # fmt: skip
