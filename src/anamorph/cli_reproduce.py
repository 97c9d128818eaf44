"""`anamorph reproduce PAPER`: the claims of a paper beside what is measured here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anamorph.errors import BadInput

if TYPE_CHECKING:
    from anamorph.papers.reproduction import Reproduction


Name = Annotated[str, typer.Argument(metavar="PAPER", help="Author and year, as `anamorph list` names it.")]
Quick = Annotated[bool, typer.Option("--quick", help="Measure less: minutes instead of an hour.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the rows here.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="Folder; by default runs/reproduce-PAPER.", show_default=False)]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all randomness.")]
#: In a terminal.
COLOURS = {"agree": "green", "better": "bold green", "worse": "red", "missed": "yellow", "left out": "dim",
           "not comparable": "dim"}  # fmt: skip


def reproduce(paper: Name, quick: Quick = False, json_: Json = None, out: Out = None, seed: Seed = 1) -> None:
    """Measure a paper's claims: a table, ledger.json and ledger.html."""
    from anamorph import papers

    papers.check(paper)
    if json_ is not None:
        _check_target(json_)
    from anamorph.cli_output import Progress
    from anamorph.papers.measure import Measurement, find
    from anamorph.papers.reproduce import reproduce as measure_all
    from anamorph.stages.compilation import keep_compiled

    keep_compiled()
    known = find(paper)
    with Progress({name: measurement.title for name, measurement in known.items()}) as progress:

        def watch(measurement: Measurement | None) -> None:
            progress(measurement.name if measurement else None)

        done = measure_all(paper, out, quick=quick, seed=seed, watch=watch, tell=progress.tell, measurements=known)
    if json_ is not None:
        write_json(json_, done)
    print_ledger(done)


def _check_target(path: Path) -> None:
    """A file that cannot be written is refused before anything is measured."""
    if path.is_dir():
        raise BadInput("a folder is in the way", where=f"--json {path}", expected="a file, or nothing")
    if not path.parent.is_dir():
        raise BadInput("the folder of the file does not exist", where=f"--json {path}")


def write_json(path: Path, done: Reproduction) -> None:
    """Write the rows of a ledger, whole or not at all."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        partial.write_text(json.dumps([row.json() for row in done.rows], indent=1, allow_nan=False) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def print_ledger(done: Reproduction) -> None:
    """Paper beside ours, the failures, and where the page is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    from anamorph.papers.ledger import NOT_MEASURED, count, figure_text, printed

    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 140  # a file or a pipe has no edge to break lines at
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column, side in (("source", "left"), ("quantity", "left"), ("paper", "right"), ("here", "right"), ("", "left")):
        table.add_column(column, justify=side, no_wrap=column != "quantity" and column != "source")  # pyright: ignore[reportArgumentType]
    for claim, row in zip(done.paper.claims, done.rows, strict=True):
        cells = (
            escape(text) for text in (row.source, row.quantity, printed(claim.text), figure_text(row.here, row.unit))
        )
        table.add_row(*cells, Text(row.status, COLOURS[row.status]))
    out.print(table)
    for name, why in done.failures.items():
        if why != NOT_MEASURED:
            out.print(f"missed: {escape(name)}: {escape(why)}", soft_wrap=True)
    unmeasured = sorted(name for name, why in done.failures.items() if why == NOT_MEASURED)
    if unmeasured:
        out.print(f"not measured by this version: {escape(', '.join(unmeasured))}", soft_wrap=True)
    out.print(count(done.rows))
    out.print(f"page: {escape(str(done.page.absolute()))}", soft_wrap=True)
