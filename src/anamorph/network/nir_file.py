"""Files of NIR, which are HDF5: checked before they are read, and written whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from anamorph.errors import BadInput
from anamorph.network.nir_graph import package

#: Largest file, and what its arrays may unpack to, bytes.
LARGEST, UNPACKED = 64 * 1024**2, 256 * 1024**2
#: Most groups and arrays of a file, and how deep they may lie.
OBJECTS, DEPTH = 10_000, 8
#: What reading a malformed file raises in h5py and nir.
_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError, RuntimeError)


def read_nir(path: Path, refuse: Callable[[str, str], None]) -> Any:
    """The graph of a file.

    Args:
        path: of the file.
        refuse: told name and type of each node before anything is built of it; raises where it does not want it.

    Raises:
        BadInput: absent, too large, not HDF5 or not NIR.
    """
    nir, where = package(), str(path)
    if not path.is_file():
        raise BadInput("no such file", where=where, expected="a file of NIR")
    if path.stat().st_size > LARGEST:
        raise BadInput("too large", where=where, expected=f"at most {LARGEST >> 20} MiB")
    content = path.read_bytes()
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _check(file, where)
            for name, kind in _kinds(file["node"], where):
                refuse(name, kind)
        return nir.read(io.BytesIO(content), type_check=False)
    except _BROKEN as error:
        raise BadInput(f"not a readable file of NIR ({str(error)[:120]})", where=where) from None


def write_nir(path: Path, graph: Any) -> None:
    """Write a graph."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        package().write(partial, graph)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _check(file: Any, where: str) -> None:
    """Only arrays within the file itself, not too many, and not too large when unpacked."""
    todo, objects, size = [(file, 0)], 0, 0
    while todo:
        group, depth = todo.pop()
        for name in group:
            objects += 1
            if objects > OBJECTS or depth > DEPTH:
                raise BadInput("too many objects", where=where, expected=f"at most {OBJECTS}, {DEPTH} deep")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise BadInput("a link to elsewhere", where=f"{where}: {name[:60]!r}", expected="arrays and groups")
            item = group[name]
            if isinstance(item, h5py.Group):
                todo.append((item, depth + 1))
            elif not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                raise BadInput("not an array of this file", where=f"{where}: {name[:60]!r}")
            else:
                size += item.nbytes
    if size > UNPACKED:
        raise BadInput("too large", where=where, expected=f"at most {UNPACKED >> 20} MiB unpacked")


def _kinds(graph: Any, where: str) -> list[tuple[str, str]]:
    """Name and type of each node of the graph."""
    if _text(graph["type"]) != "NIRGraph":
        raise BadInput("not a graph", where=where, expected="NIRGraph", got=_text(graph["type"])[:60])
    return [(name, _text(node["type"])) for name, node in graph["nodes"].items()]


def _text(item: Any) -> str:
    value = item[()]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
