"""Stages that were computed once and are read again when an interrupted run is taken up.

A stage is a dictionary of arrays in an ``.npz`` of the run folder, whole or not there at all. With it is kept what it
was computed from: a digest of its inputs and of the packages' versions. A stage whose inputs are others now, a user's
CSV that was edited in between for one, is computed anew.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from anamorph.errors import BadInput
from anamorph.run_folder import RunFolder
from anamorph.versions import versions

#: Where stages lie in a run folder, and what one may hold unpacked, bytes.
FOLDER, LARGEST = "stages", 256 * 1024**2
_BASIS = "basis"
Arrays = dict[str, np.ndarray]


class Stages:
    """The stages of one run.

    Attributes:
        folder: of the run; None computes everything and keeps nothing.
    """

    def __init__(self, folder: RunFolder | None = None) -> None:
        self.folder = folder

    def arrays(self, name: str, inputs: Mapping[str, object], make: Callable[[], Arrays]) -> Arrays:
        """What `make` gives, from the folder if it was made of the same inputs before.

        Args:
            name: of the stage.
            inputs: all that the stage depends on: arrays, or values that print as what they are.
            make: computes it.

        Raises:
            BadInput: a file that is damaged or is no stage.
        """
        if self.folder is None:
            return make()
        file, basis = f"{FOLDER}/{name}.npz", digest(inputs)
        if self.folder.has(file):
            held = _read(self.folder.path / file)
            if str(held.pop(_BASIS, "")) == basis:
                return held
        found = make()
        self.folder.write(file, lambda path: _write(path, found | {_BASIS: np.array(basis)}))
        return found


def digest(inputs: Mapping[str, object]) -> str:
    """SHA-256 of arrays and values by name, and of the versions of the packages."""
    found = hashlib.sha256(repr(sorted(versions().items())).encode())
    for name, value in sorted(inputs.items()):
        if isinstance(value, np.ndarray):
            found.update(f"{name} {value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            found.update(f"{name} {value!r}".encode())
    return found.hexdigest()


def _write(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]


def _read(path: Path) -> Arrays:
    advice = "Remove the file to have the stage computed again."
    try:
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise BadInput("too large for a stage", where=str(path), advice=advice)
        with np.load(path, allow_pickle=False) as file:  # checks every part's checksum
            return {name: np.asarray(file[name]) for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"not a readable stage ({str(error)[:80]})", where=str(path), advice=advice) from None
