"""What commands of the processor take and write: sizes of dimensions, blocks, memories; JSON files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from anamorph.errors import BadInput


def sizes(texts: list[str]) -> dict[str, int]:
    """NAME=N, each once."""
    found: dict[str, int] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        if not name or not size.isdecimal() or not 0 < len(size) < 10 or int(size) == 0 or name in found:
            raise BadInput("not a size", where="--dimension", expected="NAME=N, each once", got=f"'{text[:80]}'")
        found[name] = int(size)
    return found


def block_size(text: str) -> tuple[int, int]:
    """ROWSxCOLUMNS."""
    rows, x, columns = text.lower().partition("x")
    if not x or not rows.isdecimal() or not columns.isdecimal() or max(len(rows), len(columns)) > 9:
        raise BadInput("not a block", where="--block", expected="ROWSxCOLUMNS, as 256x256", got=f"'{text[:80]}'")
    return int(rows), int(columns)


def memory_bytes(text: str | None) -> int | None:
    """A size of memory with its unit; None where none is given."""
    from anamorph.units import parse

    return None if text is None else round(parse(text, "byte", where="--edram"))


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or not at all."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        partial.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
