"""`anamorph vmm`: multipliers of memory cells."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anamorph.errors import BadInput

if TYPE_CHECKING:
    from anamorph.vmm.design import Design

app = typer.Typer(no_args_is_help=True, help="Multipliers of a vector and a matrix in memory cells.")

#: Outputs are alike, so that the errors of some tell those of all.
ERROR_COLUMNS, ERROR_PATTERNS, ERROR_DIES = 32, 32, 2


@app.callback()
def _group() -> None:
    """Keeps `compare` a command of its own name though it is the only one."""


@app.command()
def compare(
    cell: Annotated[list[str] | None, typer.Option(help="Kind of cell; may be repeated. All by default.")] = None,
    encoding: Annotated[list[str] | None, typer.Option(help="ins, lin or exp; may be repeated.")] = None,
    bits: Annotated[
        list[str] | None, typer.Option(help="4, or inputs,weights,outputs as 4,5,6; may be repeated.")
    ] = None,
    size: Annotated[list[str] | None, typer.Option(help="200, or rows x columns as 500x300; may be repeated.")] = None,
    memory: Annotated[
        list[Path] | None, typer.Option(metavar="FILE.toml", help="A card of your own instead of ours of that name.")
    ] = None,
    error: Annotated[
        bool, typer.Option("--error", help="Output errors too, by simulation of dies: seconds for each design.")
    ] = False,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Write plots and table as HTML.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers, in SI.")] = None,
) -> None:
    """Time, energy, area of multipliers: cell, encoding, precision, size; what limits them; and what cannot work."""
    from anamorph.vmm.compare import card_of, parse_bits, parse_sizes, table
    from anamorph.vmm.compare import compare as compared

    for option, path in (("--page", page), ("--json", json_)):
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise BadInput("cannot be written: a folder, or in none", where=f"{option} {path}")
    if error and memory:
        raise BadInput("output errors are of the package's memories", where="--error",
                       advice="Leave --memory out, or take `anamorph.vmm.behaviour.Vmm` yourself.")  # fmt: skip
    points = compared(
        cell or (), encoding or (), parse_bits(bits or ["4"]), parse_sizes(size or ["64", "200"]),
        [card_of(path) for path in memory or ()], _errors() if error else None,
    )  # fmt: skip
    sys.stdout.write(table(points))
    if json_ is not None:
        _write(json_, json.dumps([point.as_json() for point in points], indent=1, allow_nan=False) + "\n")
    if page is not None:
        from anamorph.vmm.compare_page import write_page

        write_page(page, points)
        sys.stdout.write(f"page: {page.absolute()}\n")


def _errors() -> Callable[[Design], dict[str, float]]:
    """What finds the output errors of a design, and says on stderr of which."""
    from anamorph.stages.compilation import keep_compiled
    from anamorph.vmm.errors import output_error
    from anamorph.vmm.physics import physics_of

    keep_compiled()

    def found(design: Design) -> dict[str, float]:
        sys.stderr.write(f"errors of {design.cell.name} {design.encoding.name}, {design.rows} x {design.columns}\n")
        # lines of passive cells lose more the longer they are, so all columns count; current sources do not see them
        columns = min(design.columns, ERROR_COLUMNS) if design.cell.active else design.columns
        some = replace(design, columns=columns)
        return output_error(some, physics_of(design), patterns=ERROR_PATTERNS, dies=ERROR_DIES)

    return found


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".partial-{path.name}")
    try:
        partial.write_text(text)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
