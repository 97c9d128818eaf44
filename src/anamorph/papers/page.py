"""The ledger as a page: the table of claims, then the paper's figures redrawn from our data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from anamorph.papers.ledger import AGREE, BETTER, MISSED, NOT_COMPARABLE, NOT_MEASURED, WORSE, count, figure_text
from anamorph.provenance import versions
from anamorph.report.page import Figure, Page, Section, Table, write_report

if TYPE_CHECKING:
    from anamorph.papers.reproduce import Reproduction

#: What the words of the column "status" mean.
MEANING = (
    f"{AGREE}: within the tolerance; a claim with 'at most' or 'at least' holds. {BETTER}, {WORSE}: outside it, in the "
    f"good or in the bad direction; where neither is good, {WORSE}. {MISSED}: no figure of ours. {NOT_COMPARABLE}: the "
    "note says why."
)


def write_page(done: Reproduction, path: Path) -> None:
    """Write `ledger.html`: one file that opens without a network."""
    write_report(path, page_of(done))


def page_of(done: Reproduction) -> Page:
    """The page of a reproduction."""
    paper = done.paper
    failures = tuple(f"{name}: {text}" for name, text in done.failures.items() if text != NOT_MEASURED)
    return Page(
        f"{paper.title}: claims and measurements",
        summary=f"{paper.authors} {paper.year}, {paper.identifier}. {count(done.rows)}"
        f"{' (quick: measurements did less than they can).' if done.quick else '.'}",
        sections=(Section("Claims", MEANING, table=_table(done)), *_figures(done)),
        warnings=failures,
        provenance={"paper": paper.name, "seed": done.seed, "quick": done.quick, "versions": versions()},
    )


def _table(done: Reproduction) -> Table:
    rows = []
    for claim, row in zip(done.paper.claims, done.rows, strict=True):
        reach = f"± {figure_text(row.tolerance, row.unit)}" if claim.comparable and claim.tolerance else "–"
        note = f"{row.note} Tolerance: {claim.tolerance_reason}" if claim.tolerance_reason else row.note
        rows.append(
            (row.source, row.quantity, claim.text, figure_text(row.here, row.unit), reach, row.status, note.strip())
        )
    return Table(("Source", "Quantity", "Paper", "Here", "Tolerance", "Status", "Note"), tuple(rows))


def _figures(done: Reproduction) -> tuple[Section, ...]:
    """One section per figure of the paper, in the paper's order."""
    places: dict[str, list[Figure]] = {}
    for found in done.findings.values():
        for place, figures in found.figures.items():
            places.setdefault(place, []).extend(figures)
    return tuple(Section(place, figures=tuple(places[place])) for place in sorted(places, key=_natural))


def _natural(place: str) -> list[tuple[int, str]]:
    """Figure 4b before Figure 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", place)]
