"""`anamorph processor`: the inference processor built of memory-cell multipliers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anamorph.cli_arguments import sizes, write_json
from anamorph.cli_processor_accuracy import accuracy
from anamorph.cli_processor_run import run, sweep

app = typer.Typer(no_args_is_help=True, help="The inference processor: what a network asks of it, and what it gives.")


@app.command()
def network(
    subject: Annotated[str, typer.Argument(metavar="NAME|FILE.onnx", help="A built-in network, or an ONNX file.")],
    dimension: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="Size of a dimension that an ONNX file leaves open.", show_default=False),
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all of it as JSON.", show_default=False)
    ] = None,
) -> None:
    """Print a network's layers as matrix products, with rows, columns, vectors and multiply-accumulates, and totals."""
    from anamorph.processor.workloads import load
    from anamorph.processor.workloads.table import table

    found = load(subject, sizes(dimension or []))
    if json_ is not None:
        write_json(json_, found.as_json())
    sys.stdout.write(table(found))


app.command()(run)
app.command()(sweep)
app.command()(accuracy)
