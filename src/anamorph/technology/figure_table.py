"""Tables of figures in TOML: every one with value and unit, source and basis, checked against what is declared.

For cards of memories and of peripheral circuits. Technology cards have their own reader (`card.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anamorph import toml_file, units
from anamorph.errors import BadInput, nearest
from anamorph.technology.card import BASES, Figure, Param

#: As on technology cards; "derived" is arithmetic on published figures.
FIGURE_BASES = (*BASES, "derived")
Sections = Mapping[str, Mapping[str, Param]]
Figures = Mapping[str, Mapping[str, Figure]]


def read(content: bytes, where: str, required: Sections, optional: Sections) -> tuple[str, str, Figures]:
    """Name, title and figures of a card's text, in SI.

    Raises:
        BadInput: not TOML; unknown or missing section or figure; wrong unit; out of range; no source; unknown basis.
    """
    tables = toml_file.parse(content, where)
    known = {"name", "title", *required, *optional}
    for key in tables:
        if key not in known:
            raise BadInput(f"unknown key '{key}'", where=where, advice=nearest(key, known))
    for key in ("name", "title"):
        if not isinstance(tables.get(key), str):
            raise BadInput(f"missing '{key}'", where=where, expected="text")
    declared = {**required, **{section: params for section, params in optional.items() if section in tables}}
    figures = {
        section: _section(tables.get(section, {}), params, f"{where}: {section}")
        for section, params in declared.items()
    }
    return tables["name"], tables["title"], figures


def _section(table: Any, params: Mapping[str, Param], where: str) -> dict[str, Figure]:
    if not isinstance(table, Mapping):
        raise BadInput("expected a table of figures", where=where, got=repr(table)[:80])
    for key in table:
        if key not in params:
            raise BadInput(f"unknown figure '{key}'", where=where, advice=nearest(key, params))
    for key, param in params.items():
        if key not in table:
            raise BadInput(f"missing figure '{key}' ({param.meaning})", where=where)
    return {key: _figure(table[key], param, f"{where}.{key}") for key, param in params.items()}


def _figure(entry: Any, param: Param, where: str) -> Figure:
    if not isinstance(entry, Mapping) or set(entry) != {"value", "source", "basis"}:
        raise BadInput("a figure needs its value, its source and its basis", where=where,
                       expected='{ value = "0.4 V", source = "...", basis = "published" }',
                       got=repr(entry)[:80])  # fmt: skip
    value = units.parse(entry["value"], param.unit, where=where)
    if not param.low <= value <= param.high:
        raise BadInput(f"out of range ({param.meaning})", where=where, got=str(entry["value"]),
                       expected=f"{param.low:g} to {param.high:g} {param.unit}".rstrip())  # fmt: skip
    if not isinstance(entry["source"], str) or not entry["source"].strip():
        raise BadInput("no source", where=where, expected="where the figure comes from")
    if entry["basis"] not in FIGURE_BASES:
        raise BadInput(f"unknown basis '{entry['basis']}'", where=where,
                       advice=nearest(str(entry["basis"]), FIGURE_BASES))  # fmt: skip
    return Figure(value, entry["source"], entry["basis"])
