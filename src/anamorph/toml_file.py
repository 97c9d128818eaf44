"""TOML in and out at the edges: read with every failure named, written so that it reads back the same."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anamorph.errors import BadInput

#: A file larger than this is not written by hand.
MAX_BYTES = 256 * 1024


def read(path: Path, what: str) -> bytes:
    """The content of a small file.

    Raises:
        BadInput: absent, not a file, unreadable, or too large; `what` says what was looked for.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise BadInput(f"no such {what}", where=str(path)) from None
    except OSError as error:
        raise BadInput(f"cannot read the {what} ({error.strerror})", where=str(path)) from None
    if len(content) > MAX_BYTES:
        raise BadInput(f"too large for a {what}", where=str(path), expected=f"at most {MAX_BYTES} bytes")
    return content


def parse(content: bytes, where: str) -> dict[str, Any]:
    """Tables of a TOML text. Raises `BadInput` with the line where it stops making sense."""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text (byte {error.start})", where=where) from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not a TOML file: {error}", where=where) from None
    except RecursionError:
        raise BadInput("not a TOML file: nested too deeply", where=where) from None


def value(text: str) -> Any:
    """A value as TOML, or, where it is none, the bare word that it is."""
    try:
        return parse(f"value = {text}".encode(), "")["value"] if "\n" not in text else text
    except BadInput:
        return text


def write(tables: Mapping[str, Any]) -> str:
    """TOML text of values, tables, and lists of tables in those: text, numbers, booleans and lists of them."""
    top = [f"{key} = {_value(value)}" for key, value in tables.items() if not isinstance(value, Mapping)]
    parts = ["\n".join(top)]
    for name, table in tables.items():
        if isinstance(table, Mapping):
            rows = {key: value for key, value in table.items() if _is_tables(value)}
            parts.append(_table(f"[{name}]", {key: value for key, value in table.items() if key not in rows}))
            parts += [_table(f"[[{name}.{key}]]", row) for key, values in rows.items() for row in values]
    return "\n\n".join(parts) + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, Sequence) and bool(value) and isinstance(value[0], Mapping)


def _table(head: str, table: Mapping[str, Any]) -> str:
    return "\n".join([head, *(f"{key} = {_value(value)}" for key, value in table.items())])


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(_character(c) for c in value) + '"'
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise TypeError(f"TOML has no form for {type(value).__name__}")


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() else f"\\U{ord(c):08x}"
