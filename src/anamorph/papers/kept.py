"""Findings on disk: one JSON file per measurement, whole or not there, named after all that could change it."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import plotly.graph_objects as go
from pydantic import ConfigDict

from anamorph.papers.measure import Findings, Measured, measurement_names
from anamorph.report.page import Figure
from anamorph.run_folder import RunFolder
from anamorph.stages.record import Record
from anamorph.versions import versions

#: Below the output folder.
KEPT = "measurements"
#: Characters of the digest in names of files.
SHORT = 16


class _MeasuredRecord(Record):
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    basis: str
    note: str


class _FigureRecord(Record):
    model_config = ConfigDict(extra="forbid", frozen=True)

    plot: dict[str, Any]
    caption: str
    wide: bool


class _FindingsRecord(Record):
    claims: dict[str, _MeasuredRecord]
    figures: dict[str, tuple[_FigureRecord, ...]]


def stem(name: str, digest: str) -> str:
    """Where a measurement keeps its things: ``measurements/NAME-DIGEST``."""
    return f"{KEPT}/{name}-{digest[:SHORT]}"


def save(folder: RunFolder, name: str, digest: str, findings: Findings) -> Findings:
    """Keep what a measurement returned. Returns what `load` will."""
    record = _FindingsRecord(
        claims={key: _MeasuredRecord(**vars(m)) for key, m in findings.claims.items()},
        figures={place: tuple(map(_figure_record, found)) for place, found in findings.figures.items()},
    )
    record.save(folder, f"{stem(name, digest)}.json")
    return _findings(_FindingsRecord.load(folder, f"{stem(name, digest)}.json"))


def load(folder: RunFolder, name: str, digest: str) -> Findings | None:
    """What `save` kept, or None.

    Raises:
        BadInput: the file is cut short or was changed.
    """
    file = f"{stem(name, digest)}.json"
    if not folder.has(file):
        return None
    return _findings(_FindingsRecord.load(folder, file))


def _findings(record: _FindingsRecord) -> Findings:
    return Findings(
        {key: Measured(**m.model_dump()) for key, m in record.claims.items()},
        {
            place: tuple(Figure(go.Figure(f.plot), f.caption, f.wide) for f in found)
            for place, found in record.figures.items()
        },
    )


def _figure_record(figure: Figure) -> _FigureRecord:
    plot = json.loads(str(figure.plot.to_json()))  # NaN becomes null, arrays typed base64
    return _FigureRecord(plot=plot, caption=figure.caption, wide=figure.wide)


def digest_of(paper: str, name: str, quick: bool, seed: int) -> str:
    """SHA-256 of what a measurement depends on: its settings, the versions, the code and the cards."""
    asked = {"paper": paper, "name": name, "quick": quick, "seed": seed, "versions": versions()}
    sha = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    sha.update(_code(paper, name).encode())
    return sha.hexdigest()


def _code(paper: str, name: str) -> str:
    """Digest of the package's code and cards, without claims and without the paper's other measurements."""
    root = resources.files("anamorph")
    others = {f"papers/{paper}/measurements/{n}.py" for n in measurement_names(paper) if n != name}
    sha = hashlib.sha256()
    for path, file in _files(root, ""):
        if path not in others and not path.startswith("report/") and not path.endswith("claims.toml"):
            content = file.read_bytes()
            sha.update(f"{path}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    """Every ``.py`` and ``.toml`` below `folder`, in a fixed order."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _files(entry, f"{path}/")
        elif path.endswith((".py", ".toml")):
            found.append((path, entry))
    return found
