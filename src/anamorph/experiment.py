"""An experiment: one TOML file with units in its values that says everything a run depends on.

    experiment = load("iris")                       # a built-in one, or a path to a .toml file
    experiment = load("iris", {"chip.dies": "20"})  # with a value replaced

What it holds is in `anamorph.experiment_sections`. Whatever is wrong with a file becomes a `BadInput` that names the
file and the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anamorph import toml_file
from anamorph.errors import BadInput, nearest
from anamorph.experiment_sections import Experiment
from anamorph.experiment_types import MAX_TITLE
from anamorph.refusals import translate
from anamorph.stages.fits import check_fits


def builtin_names() -> list[str]:
    """Names of the experiments that come with the package."""
    folder = resources.files("anamorph.experiments")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load(name_or_path: str | Path, replace: Mapping[str, str] | None = None) -> Experiment:
    """A built-in experiment by name, or a user's by path (``.toml``), with values replaced.

    Args:
        name_or_path: ``"iris"`` or ``"my/experiment.toml"``.
        replace: new values by dotted key, as TOML or as plain text: ``{"chip.dies": "20"}``.

    Raises:
        BadInput: no such experiment; unknown, missing or illegal keys and values; sizes that do not chain.
    """
    where = str(name_or_path)
    if where.endswith(".toml"):
        path = Path(name_or_path)
        tables = toml_file.parse(toml_file.read(path, "experiment"), where)
        card = tables.get("technology")
        if isinstance(card, str) and card.endswith(".toml") and "\0" not in card:
            tables["technology"] = str((path.parent / card).resolve())  # a card beside the experiment
    elif where in builtin_names():
        tables = toml_file.parse((resources.files("anamorph.experiments") / f"{where}.toml").read_bytes(), where)
    else:
        advice = f"{nearest(where, builtin_names())} A file's name ends in .toml."
        raise BadInput(f"no experiment named {where[:MAX_TITLE]!r}", advice=advice)
    for key, text in (replace or {}).items():
        _replace(tables, key, text)
    return from_tables(tables, where)


def parse_replacements(texts: Sequence[str]) -> dict[str, str]:
    """``["chip.dies=20"]`` as `load` takes them. Raises `BadInput` where there is no ``=``."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise BadInput("not a replacement", where=f"--set {text}", expected="key=value, as in chip.dies=20")
        found[key.strip()] = value.strip()
    return found


def _replace(tables: dict[str, Any], key: str, text: str) -> None:
    *path, last = key.split(".")
    if not last or not all(path) or len(path) > 1:
        raise BadInput("not a key", where=f"--set {key}", expected="key=value or section.key=value")
    for part in path:
        tables = tables.setdefault(part, {})
        if not isinstance(tables, dict):
            raise BadInput(f"'{part}' has no keys of its own", where=f"--set {key}")
    tables[last] = toml_file.value(text)  # names and quantities need no quotes on a command line


def from_tables(tables: Mapping[str, Any], where: str) -> Experiment:
    """Check parsed TOML tables. Raises as `load`; `where` is the file for the messages."""
    try:
        experiment = Experiment.model_validate(tables)
    except ValidationError as errors:
        raise translate(errors.errors(), where, Experiment) from None
    check_fits(experiment, where)
    return experiment
