"""Where data files are: first the folders of ``ANAMORPH_DATA``, then the cache that `download` fills.

    ANAMORPH_DATA=/data:/more/data      # searched in this order; nothing is ever written there

A file is read whole or refused: its size is limited before it is decompressed, and its *decompressed* content
is compared with a known hash, because a copy that somebody compressed again is as good as the official one.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from anamorph.cache import cache_root
from anamorph.errors import BadInput

#: Folders to search first, separated as in PATH.
VARIABLE = "ANAMORPH_DATA"


@dataclass(frozen=True)
class DataFile:
    """One gzipped file of a data set.

    Attributes:
        path: below a data folder, as in ``"mnist/train-images-idx3-ubyte.gz"``.
        size: of the decompressed content, bytes.
        sha256: of the decompressed content.
        urls: where it can be had, the first that answers counts.
        served: hash of the file as those addresses serve it, ``"md5:..."``.
        served_size: size of the file as served, bytes.
    """

    path: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    served: str
    served_size: int

    @property
    def here(self) -> Path | None:
        """Where the file is, compressed or not; None where it is nowhere."""
        return locate(self.path) or locate(self.path.removesuffix(".gz"))

    @property
    def wanted(self) -> str:
        """What a user has to provide."""
        return self.path

    def download(self) -> None:
        """Get it into the cache. Raises `BadInput` where that fails."""
        from anamorph.data import download

        download.fetch(self.urls, self.path, self.served, self.served_size)


def given() -> tuple[Path, ...]:
    """The folders of ``ANAMORPH_DATA``."""
    return tuple(Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part)


def locate(path: str) -> Path | None:
    """The first folder's file or folder `path`, or None."""
    for folder in (*given(), cache_root()):
        found = folder / path
        if found.exists():
            return found
    return None


def read(file: DataFile) -> tuple[bytes, Path]:
    """The decompressed content of a file that is here, and where it was read. `check_hash` is the caller's.

    Raises:
        BadInput: not here, unreadable, too large, or cut short.
    """
    path = file.here
    if path is None:
        raise BadInput("no such data file", where=file.path)
    # gzip adds less than 1 % to what it cannot compress
    limited(path, file.size + file.size // 100 + 4096)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(file.size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"corrupt or cut short ({error})", where=str(path), advice=again(path)) from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or error})", where=str(path)) from None
    if len(content) > file.size:
        raise BadInput("too large", where=str(path), expected=f"{file.size} bytes of content", advice=again(path))
    return content, path


def limited(path: Path, most: int) -> None:
    """Raises `BadInput` where `path` is no plain file, or larger than `most` bytes: checked before it is read."""
    try:
        if not path.is_file():
            raise BadInput("not a file", where=str(path))
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", where=str(path)) from None
    if size > most:
        raise BadInput(
            "too large", where=str(path), expected=f"at most {most} bytes", got=f"{size}", advice=again(path)
        )


def check_hash(file: DataFile, content: bytes, path: Path) -> None:
    """Raises `BadInput` where `content` is not the official one."""
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise BadInput(
            "its content is not that of the official file", where=str(path), expected=f"sha256 {file.sha256}",
            got=found, advice=again(path),
        )  # fmt: skip


def again(path: Path) -> str:
    """Advice for a file that cannot be used: how to have it replaced."""
    if cache_root() in path.parents:
        return "Remove it, then `anamorph data fetch` gets it again."
    return f"Replace it, or remove it from {VARIABLE} to have a copy downloaded."
