"""Small data files of our own making, and folders to find them in. No test of this folder leaves the machine."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from anamorph.data import mnist
from anamorph.data.store import DataFile


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As for a user: without the type checks of the tests, which would refuse first and say less."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and no other folder to search."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ANAMORPH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache" / "anamorph"


@pytest.fixture
def given(tmp_path, cache, monkeypatch) -> Path:
    """The one folder of ANAMORPH_DATA."""
    folder = tmp_path / "given"
    folder.mkdir()
    monkeypatch.setenv("ANAMORPH_DATA", str(folder))
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture(name="put")
def _put() -> Callable[..., DataFile]:
    """Write a file below a folder; what a registry would know of it."""
    return put


def put(folder: Path, path: str, content: bytes, urls: tuple[str, ...] = ()) -> DataFile:
    """Write `content` gzipped below `folder`, and what a registry would know of it."""
    served = gzip.compress(content, mtime=0)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(served)
    md5 = f"md5:{hashlib.md5(served).hexdigest()}"
    return DataFile(path, len(content), hashlib.sha256(content).hexdigest(), urls, md5, len(served))


def images(n: int, seed: int) -> np.ndarray:
    """Bright blobs of different sizes on a dark ground."""
    rng = np.random.default_rng(seed)
    made = np.zeros((n, 28, 28), np.uint8)
    made[:, 3:25, 3:25] = rng.integers(0, 256, (n, 22, 22))
    return made


@pytest.fixture
def small_mnist(given, monkeypatch) -> tuple[DataFile, ...]:
    """20 training and 10 test images in the four files of MNIST, known by their own hashes."""
    arrays = (images(20, 1), np.arange(20) % 10, images(10, 2), np.arange(10))
    files = tuple(put(given, f.path, idx_bytes(a)) for f, a in zip(mnist.FILES, arrays, strict=True))
    monkeypatch.setattr(mnist, "FILES", files)
    return files


@pytest.fixture
def real_data() -> Callable[[str], None]:
    """Where the real data sets are, or the test is skipped."""
    folders = [Path(p) for p in os.environ.get("ANAMORPH_DATA", "").split(os.pathsep) if p]

    def have(path: str) -> None:
        if not any((folder / path).exists() for folder in folders):
            pytest.skip(f"no {path} in the folders of ANAMORPH_DATA")

    return have
