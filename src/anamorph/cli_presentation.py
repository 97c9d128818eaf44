"""`anamorph presentation RUN`: how long each input has to be shown, and what knowing that saves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def presentation(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    patterns: Annotated[int, typer.Option(help="Training and test samples to take, at most.")] = 200,
    quantile: Annotated[
        float, typer.Option(help="Of the decisions that the fixed presentation reaches, how many to reach.")
    ] = 0.99,
) -> None:
    """Predict how long each input has to be presented, and say what that saves."""
    from rich.console import Console
    from rich.table import Table

    from anamorph.stages.compilation import keep_compiled
    from anamorph.stages.presentation import presentation_of_run
    from anamorph.stages.presentation_page import COLUMNS, PAGE, law_text, rows

    keep_compiled()
    found = presentation_of_run(run, patterns, quantile)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "policy" else "right", no_wrap=True)
    for row in rows(found):
        table.add_row(*row)
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 160
    out.print(table)
    for line in (*(law_text(found, name) for name in found.laws), *(f"warning: {text}" for text in found.warnings)):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"page: {(run / PAGE).absolute()}\n")
