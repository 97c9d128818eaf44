"""`anamorph data`: which data sets there are, which are here, and how to get them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from anamorph.data.registry import DataSet

app = typer.Typer(no_args_is_help=True, help="Name the data sets, or download them.")


@app.command(name="list")
def list_() -> None:
    """Say of each data set what it holds, where it comes from, its options, and whether it is here."""
    from anamorph.data import registry

    sys.stdout.write("\n".join(_entry(registry.get(name)) for name in registry.names()))


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of data sets.")]) -> None:
    """Download what is missing of some data sets; an interrupted download goes on where it was."""
    from anamorph.data import registry

    for found in [registry.get(name, "data fetch") for name in names]:  # a misspelt name stops before any download
        sys.stdout.write(f"{found.name}: {_where(registry.fetch(found.name))}\n")


def _entry(found: DataSet) -> str:
    """Lines of one data set."""
    known = f"{found.n_train} + {found.n_test} samples, " if found.n_train else ""
    split = "split at random" if found.drawn else "official split"
    lines = [
        f"{found.name}: {found.summary}",
        f"  {known}{found.n_features} features, {found.n_classes} classes; {split}",
        f"  source: {found.source}; licence: {found.licence}",
    ]
    for name, option in found.options.items():
        choices = f"; {' or '.join(option.choices)}" if option.choices else ""
        lines.append(f"  data.{name}: {option.meaning}{choices} (default {_plain(option.default)})")
    return "\n".join([*lines, f"  {_where(found)}", ""])


def _where(found: DataSet) -> str:
    """The folders that hold it, or what is missing."""
    parts = found.parts()
    missing = [part.wanted for part in parts if part.here is None]
    if missing:
        return f"not here: {', '.join(missing)}"
    here = [path.parent if path.is_file() else path for part in parts if (path := part.here) is not None]
    return f"here: {', '.join(dict.fromkeys(map(str, here)))}" if here else "here: comes with the package"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
