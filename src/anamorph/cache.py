"""What depends on the installation alone and is slow to make is made once and kept below the user's cache folder.

A missing, unreadable or damaged file is never an error: it is made again. Delete the folder at any time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

Arrays = Mapping[str, np.ndarray]


def cache_root() -> Path:
    """``$XDG_CACHE_HOME/anamorph``, by default below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "anamorph"


def cache_folder(name: str) -> Path:
    """A folder below `cache_root`."""
    return cache_root() / name


def kept_arrays(name: str, key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives, from the cache where it has them.

    Args:
        name: folder of the cache.
        key: everything that the arrays depend on, code included (`code_digest`).
        make: makes them.
    """
    path = cache_folder(name) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return {part: found[part] for part in found.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        arrays = make()
        with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
            _write(path, arrays)
        return arrays


def _write(path: Path, arrays: Arrays) -> None:
    """Atomically: several processes may make the same file at once."""
    save: Callable[..., None] = np.savez  # its stubs take a keyword for one of its options
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            save(file, **arrays)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


@functools.cache
def code_digest(*packages: str) -> str:
    """Hash of the source of some packages of anamorph: what was computed by other code is not used."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for package in packages:
        for file in sorted((here / package).rglob("*.py")):
            digest.update(str(file.relative_to(here)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
