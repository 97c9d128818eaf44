"""A campaign's folder: one manifest, and one file per finished shard, whole or not there at all.

Shards are ``.npz`` files of NumPy: every part has a checksum, so a damaged file is noticed (HDF5 has none unless
asked), the same numbers give the same bytes, and reading needs no pickle. The table of a whole campaign is an
`xarray.Dataset`, which writes itself as netCDF for whoever wants one file.

A shard is named by its points, so a campaign may be taken up with shards of another size. A file that cannot be read
or belongs to another plan is named and refused, never overwritten: a rename is atomic, so it came about in some way
that its owner should hear of. Removing it has its points computed again.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from anamorph.campaign.plan import Axis, Campaign
from anamorph.campaign.rows import FAILED, NOT_COMPUTED, Rows, dims, disagreement
from anamorph.errors import BadInput
from anamorph.run_folder import RunFolder
from anamorph.versions import versions

MANIFEST = "campaign.json"
SHARD = re.compile(r"points-(\d{1,9})-(\d{1,9})\.npz")
#: Ten million values of an axis are fewer bytes.
MAX_MANIFEST_BYTES = 512 * 1024 * 1024
_VALUE = "value."


class Store:
    """What is done of a campaign.

    Attributes:
        campaign: the plan.
        held: results by their points.
        n_failed: points that are done and have no values.
    """

    def __init__(self, campaign: Campaign, path: Path) -> None:
        """Read the shards of a folder. Raises `BadInput` for one that is broken or of another plan."""
        self.campaign, self.path = campaign, path
        self.held: dict[range, Rows] = {}
        self.n_failed = 0
        self._model: range | None = None  # a shard whose layout all others share
        self._done = np.zeros(len(campaign), bool)
        for file in sorted(path.iterdir()):
            if match := SHARD.fullmatch(file.name):
                points = range(int(match[1]), int(match[2]) + 1)
                self._hold(points, _load(file, points, campaign), file)

    def missing(self) -> list[int]:
        """Indices of the points that are not done."""
        return np.flatnonzero(~self._done).tolist()

    def add(self, points: range, rows: Rows, folder: RunFolder) -> None:
        """Keep the results of a shard, on disk first.

        Raises:
            BadInput: results that differ in kind from those of other points.
        """
        self._check(points, rows)
        name = f"points-{points.start:06d}-{points.stop - 1:06d}.npz"
        self._hold(points, rows, folder.write(name, lambda path: _save(path, rows, self.campaign.digest)))

    def _check(self, points: range, rows: Rows) -> None:
        model = self._model
        if model is not None and rows.values and rows.layout != self.held[model].layout:
            raise disagreement(self.campaign, points.start, model.start)

    def _hold(self, points: range, rows: Rows, file: Path) -> None:
        if self._done[points.start : points.stop].any():
            raise BadInput("holds points that another file holds too", where=str(file), advice="Remove one of them.")
        self._check(points, rows)
        self.held[points] = rows
        self.n_failed += int((rows.failed != "").sum())
        self._model = self._model or (points if rows.values else None)
        self._done[points.start : points.stop] = True

    def dataset(self) -> xr.Dataset:
        """All results, with the axes as dimensions, and why a point has none: `FAILED`."""
        campaign, size = self.campaign, len(self.campaign)
        failed = np.full(size, NOT_COMPUTED, dtype=object)
        values: dict[str, np.ndarray] = {}
        for points, rows in sorted(self.held.items(), key=lambda item: item[0].start):
            failed[points.start : points.stop] = rows.failed
            for name, array in rows.values.items():
                whole = values.setdefault(name, np.full((size, *array.shape[1:]), np.nan, array.dtype))
                whole[points.start : points.stop] = array
        values[FAILED] = failed.astype(np.str_)
        axes = tuple(axis.name for axis in campaign.axes)
        variables = {
            name: ((*axes, *dims(name, array.ndim - 1)), array.reshape(campaign.shape + array.shape[1:]))
            for name, array in sorted(values.items())
        }
        coordinates = {axis.name: np.array(axis.values) for axis in campaign.axes}
        attributes = {"campaign": campaign.name, "seed": campaign.seed, "plan_sha256": campaign.digest}
        return xr.Dataset(variables, coordinates, attributes)


def claim(campaign: Campaign, folder: RunFolder) -> Store:
    """The store of a campaign in a folder that is held: a new one, or its own.

    Raises:
        BadInput: the folder is of another plan, holds other files, a broken shard, or an unfinished campaign
            that was begun with other versions of the packages.
    """
    fresh = "Give another folder."
    if not folder.has(MANIFEST):
        others = [p.name for p in folder.path.iterdir() if not p.name.startswith(".partial-")]
        if others:
            raise BadInput(
                "the folder exists and is no campaign's", where=str(folder.path), expected="a new or an empty folder",
                got=f"{len(others)} files, {min(others)!r} among them", advice=fresh,
            )  # fmt: skip
        folder.write_json(MANIFEST, {**campaign.plan, "plan_sha256": campaign.digest, "versions": versions()})
    there = _manifest(folder.path)
    differs = [key for key, value in campaign.plan.items() if there.get(key) != value]
    if differs:
        raise BadInput(
            "the folder belongs to another plan", where=str(folder.path), got=f"another {', '.join(differs)}",
            advice=fresh,
        )  # fmt: skip
    for left in folder.path.glob(".partial-*"):  # of a kill: nobody else writes here
        left.unlink(missing_ok=True)
    store = Store(campaign, folder.path)
    if store.missing() and there.get("versions") != versions():
        raise BadInput(
            "begun with other versions of the packages, which may give other numbers", where=str(folder.path),
            expected=str(there.get("versions")), got=str(versions()), advice=f"Install those again, or: {fresh}",
        )  # fmt: skip
    return store


def read(folder: str | Path) -> xr.Dataset:
    """The results in a campaign's folder as far as they go; of one at work, those of the moment.

    Raises:
        BadInput: no campaign's folder, or a broken one.
    """
    path = Path(folder)
    there = _manifest(path)
    try:
        axes = tuple(Axis(axis["name"], axis["values"]) for axis in there["axes"])
        campaign = Campaign(there["name"], there["seed"], axes, there["code"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"not a campaign's manifest ({error!r})", where=str(path / MANIFEST)) from None
    return Store(campaign, path).dataset()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise BadInput("too large for a manifest", where=str(path), expected=f"at most {MAX_MANIFEST_BYTES} bytes")
        there = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadInput("not a campaign's folder", where=str(folder), expected=f"one that holds {MANIFEST}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"not a manifest, or cut short ({error})", where=str(path)) from None
    if not isinstance(there, dict):
        raise BadInput("not a campaign's manifest", where=str(path), got=type(there).__name__)
    return there


def _save(path: Path, rows: Rows, plan: str) -> None:
    with path.open("wb") as stream:
        parts: dict[str, Any] = {_VALUE + name: array for name, array in rows.values.items()}
        np.savez(stream, plan=np.array(plan), failed=rows.failed, **parts)
        stream.flush()
        os.fsync(stream.fileno())


def _load(path: Path, points: range, campaign: Campaign) -> Rows:
    def refuse(why: str) -> BadInput:
        return BadInput(why, where=str(path), advice="Remove the file to have its points computed again.")

    try:
        with zipfile.ZipFile(path) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise refuse("not a shard of a campaign: compressed")  # a small file cannot unfold into a large one
            damaged = archive.testzip()
        if damaged:
            raise refuse(f"damaged: '{damaged}' differs from its checksum")
        with np.load(path, allow_pickle=False) as parts:
            arrays = {name: np.asarray(parts[name]) for name in parts.files}
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise refuse(f"not a readable shard, or cut short ({error})") from None
    plan, failed = arrays.pop("plan", None), arrays.pop("failed", None)
    if plan is None or failed is None or failed.dtype.kind != "U" or not all(n.startswith(_VALUE) for n in arrays):
        raise refuse("not a shard of a campaign")
    if str(plan) != campaign.digest:
        raise refuse("a shard of another plan")
    if not points or points.stop > len(campaign) or any(len(a) != len(points) for a in (failed, *arrays.values())):
        raise refuse(f"does not hold the points {points.start} to {points.stop - 1}")
    return Rows({name.removeprefix(_VALUE): array for name, array in arrays.items()}, failed)
