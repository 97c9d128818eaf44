"""The study of presentation times as a page and as a short table."""

from __future__ import annotations

import numpy as np

from anamorph.provenance import provenance
from anamorph.report.figures.presentation import predicted_times
from anamorph.report.page import Page, Section, Table, write_report
from anamorph.run_folder import RunFolder
from anamorph.stages.presentation_record import PresentationRecord
from anamorph.stages.setup import Setup
from anamorph.units import show

PAGE = "presentation.html"
COLUMNS = ("policy", "mean time", "longest", "energy", "saved", "final and right", "lost", "gained")
#: What each policy is.
MEANING = {
    "fixed": "every sample for the experiment's presentation",
    "shortened": "every sample for the time in which enough training samples are final",
    "stopped by current": "each sample for the time that its total input current predicts",
    "scaled by current": "each sample's current scaled so that the presentation just suffices, by that prediction",
    "stopped by model": "each sample for the time that the trained model's currents predict",
    "scaled by model": "each sample's current scaled, by that prediction",
    "own time": "each sample for its own time to output: a bound, since nobody knows it beforehand",
}


def rows(record: PresentationRecord) -> tuple[tuple[str, ...], ...]:
    """One row of text per policy, under `COLUMNS`."""
    return tuple(
        (
            name, show(p.time, "s"), show(p.longest, "s"), show(p.energy, "J"), show(p.saved, "%"),
            f"{show(p.accuracy, '%')} ({show(p.low, '%')} to {show(p.high, '%')})", str(p.lost), str(p.gained),
        )
        for name, p in record.policies.items()
    )  # fmt: skip


def law_text(record: PresentationRecord, name: str) -> str:
    """A fitted law in one sentence."""
    law = record.laws[name]
    terms = ", ".join(f"{c:+.2f} {feature}" for feature, c in zip(law.names, law.coefficients, strict=True))
    return (
        f"Law of the {name}: exponents {terms}. It explains {show(law.explained, '%')} of the variance of ln t in "
        f"{law.n} decisions, with {law.residual:.2f} left over (rms). "
        f"The reserve is a factor of {np.exp(law.reserve):.2f}."
    )


def write_page(setup: Setup, folder: RunFolder, record: PresentationRecord) -> None:
    """Write `presentation.html`."""
    shown = []
    for name, law in record.laws.items():
        times = law.measured
        if (np.isfinite(times) & (np.nan_to_num(times) > 0)).any():
            shown.append(predicted_times(law.predicted, times, law.reserve, f"the {name}"))
    meaning = "\n\n".join(f"{name}: {MEANING[name]}." for name in record.policies if name in MEANING)
    sections = (
        Section("Laws", "\n\n".join(law_text(record, name) for name in record.laws), tuple(shown)),
        Section("Policies", meaning, (), Table(COLUMNS, rows(record), "Means over the test samples; 95 % intervals.")),
    )
    summary = (
        f"How long {setup.experiment.title or setup.experiment.name} has to show an input, predicted. Laws were fitted "
        f"to {record.n_fitted} training samples, calibrated with {record.n_held} other decisions to reach "
        f"{show(record.quantile, '%')} of those that {show(record.presentation, 's')} reach, and judged with test "
        "samples."
    )
    page = Page(
        "Presentation times", summary=summary, sections=sections, warnings=record.warnings,
        provenance=provenance(setup.experiment, setup.technology),
    )  # fmt: skip
    folder.write(PAGE, lambda path: write_report(path, page))
