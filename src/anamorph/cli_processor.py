"""`anamorph processor`: the inference processor built of memory-cell multipliers; so far, what a network asks of it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from anamorph.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="The inference processor: what a network asks of it.")


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

    found = load(subject, _sizes(dimension or []))
    if json_ is not None:
        partial = json_.with_name(f".partial-{json_.name}")
        try:
            partial.write_text(json.dumps(found.as_json(), indent=1) + "\n")
            os.replace(partial, json_)
        finally:
            partial.unlink(missing_ok=True)
    sys.stdout.write(table(found))


def _sizes(texts: list[str]) -> dict[str, int]:
    """NAME=N, each once."""
    sizes: dict[str, int] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        if not name or not size.isdecimal() or not 0 < len(size) < 10 or int(size) == 0 or name in sizes:
            raise BadInput("not a size", where="--dimension", expected="NAME=N, each once", got=f"'{text[:80]}'")
        sizes[name] = int(size)
    return sizes
