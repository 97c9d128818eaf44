"""The ledger as a page: the table of claims, then the paper's figures and tables redrawn from our data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from anamorph.papers.ledger import (
    AGREE,
    BETTER,
    LEFT_OUT,
    MISSED,
    NOT_COMPARABLE,
    NOT_MEASURED,
    WORSE,
    count,
    figure_text,
    printed,
)
from anamorph.papers.tables import PaperTable
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.versions import versions

if TYPE_CHECKING:
    from anamorph.papers.claims import Claim
    from anamorph.papers.reproduction import Reproduction

#: What the words of the column "status" mean.
MEANING = (
    f"{AGREE}: within the tolerance; a claim with 'at most' or 'at least' holds. {BETTER}, {WORSE}: outside it, in the "
    f"good or in the bad direction; where neither is good, {WORSE}. {MISSED}: no figure of ours. {LEFT_OUT}: none in "
    f"a quick ledger. {NOT_COMPARABLE}: the note says why."
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
    rows, notes = [], []
    for claim, row in zip(done.paper.claims, done.rows, strict=True):
        reach = f"± {figure_text(row.tolerance, row.unit)}" if claim.comparable and claim.tolerance else "–"
        note = f"{row.note} Tolerance: {claim.tolerance_reason}" if claim.tolerance_reason else row.note
        ours = figure_text(row.here, row.unit)
        rows.append((row.source, row.quantity, printed(claim.text), ours, reach, row.status))
        notes.append(note.strip())
    return Table(("Source", "Quantity", "Paper", "Here", "Tolerance", "Status"), tuple(rows), notes=tuple(notes))


def _figures(done: Reproduction) -> tuple[Section, ...]:
    """One section per figure and table of the paper, in the paper's order."""
    places: dict[str, list[Figure]] = {table.place: [] for table in done.paper.tables}
    tables = {table.place: _filled(table, done) for table in done.paper.tables}
    for found in done.findings.values():
        for place, figures in found.figures.items():
            places.setdefault(place, []).extend(figures)
    return tuple(
        Section(place, figures=tuple(places[place]), table=tables.get(place)) for place in sorted(places, key=_natural)
    )


def _filled(table: PaperTable, done: Reproduction) -> Table:
    """The table with the paper's figures and ours side by side."""
    claims = {claim.id: claim for claim in done.paper.claims}
    columns = [f"{name}, {who}" for name in table.columns for who in ("paper", "here")]
    rows = []
    for label, cells in table.rows:
        texts = [label]
        for cell in cells:
            texts.append(" / ".join(_number(printed(claims[name].text), claims[name].unit) for name in cell))
            texts.append(" / ".join(_ours(claims[name], done) for name in cell))
        rows.append(tuple(texts))
    return Table(("", *columns), tuple(rows))


def _number(text: str, unit: str) -> str:
    return text.removesuffix(printed(unit)).strip()


def _ours(claim: Claim, done: Reproduction) -> str:
    """Our figure without its unit; with half its range where the paper gives a spread."""
    row = next(row for row in done.rows if row.id == claim.id)
    text = _number(figure_text(row.here, row.unit), row.unit)
    found = done.findings.get(claim.measure or "")
    ours = found.claims.get(claim.id) if found else None
    if row.here is None or claim.spread is None or ours is None or ours.low is None or ours.high is None:
        return text
    return f"{text} ± {(ours.high - ours.low) / 2 / claim.scale:.2g}"


def _natural(place: str) -> list[tuple[int, str]]:
    """Figure 4b before Figure 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", place)]
