"""Downloads into the cache by pooch: hashes checked, a stopped download taken up where it was, one at a time.

pooch downloads to a temporary file and gives it its name when the hash is right; it begins anew when it was
stopped. `_Resuming` keeps what arrived beside the cache's files and asks the server for the rest of it (an
HTTP range request). A server that sends everything again is obeyed. A wrong hash throws everything away.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from anamorph.cache import cache_root
from anamorph.errors import BadInput

#: Seconds without an answer after which a server counts as unreachable.
TIMEOUT = 20.0
_CHUNK = 65536


def fetch(urls: Sequence[str], path: str, served: str | None, most: int) -> Path:
    """The file `path` of the cache, downloaded from the first of `urls` that has it.

    Args:
        urls: the same file at several places.
        path: below the cache.
        served: hash of the file as served, ``"md5:..."``; None where a server does not promise its bytes.
        most: bytes that are accepted.

    Raises:
        BadInput: no address gave the file: what each of them said.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    target = cache_root() / path
    said = []
    with _held(target):
        for url in urls:
            try:
                with _bar(target.name) as bar:
                    # Any: pooch's own type of a downloader names other arguments than it passes
                    downloader: Any = _Resuming(target.with_name(f".partial-{target.name}"), most, bar)
                    pooch.retrieve(url, served, fname=target.name, path=target.parent, downloader=downloader)
                return target
            except (OSError, ValueError) as error:  # every failure of a connection is an OSError, a wrong hash is not
                said.append(f"{url}: {_reason(error)}")
    raise BadInput("could not be downloaded", where=target.name, got="; ".join(said))


class _Resuming:
    """A pooch downloader that keeps what arrived in `kept` until the file is whole."""

    def __init__(self, kept: Path, most: int, bar: Any) -> None:
        self.kept, self.most, self.bar = kept, most, bar

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        from pooch import HTTPDownloader

        with self.kept.open("ab") as stream:
            part = _Part(stream, self.most)
            headers = {"Accept-Encoding": "identity"}
            if part.size:
                headers["Range"] = f"bytes={part.size}-"
            get = HTTPDownloader(
                progressbar=self.bar or False, chunk_size=_CHUNK, timeout=TIMEOUT, headers=headers,
                hooks={"response": part.begin},
            )  # fmt: skip
            get(url, part, pooch)
        os.replace(self.kept, output_file)


class _Part:
    """The file that a download is appended to."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self.stream, self.most = stream, most
        self.size = stream.seek(0, os.SEEK_END)

    def begin(self, response: Any, **_: object) -> None:
        """Called with the headers of each answer: does the server send the rest, or everything again?"""
        if response.status_code in (200, 416):  # everything; or it has less than what arrived, which is then wrong
            self.stream.truncate(0)
            self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append. Raises `ValueError` when more arrives than the file can have."""
        self.size += len(chunk)
        if self.size > self.most:
            self.stream.truncate(0)
            raise ValueError(f"it sends more than the {self.most} bytes that the file has")
        self.stream.write(chunk)

    def flush(self) -> None:
        """What arrived is on the disk's side, should the process end now."""
        self.stream.flush()


@contextmanager
def _held(target: Path) -> Iterator[None]:
    """Alone with a file of the cache: a second process waits, and then finds the file there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        hold = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BadInput(
            f"the cache cannot be written ({error.strerror})", where=str(target.parent),
            advice="Set XDG_CACHE_HOME to a folder that can.",
        ) from None  # fmt: skip
    try:
        fcntl.flock(hold, fcntl.LOCK_EX)
        yield
    finally:
        os.close(hold)


@contextmanager
def _bar(name: str) -> Iterator[Any]:
    """What pooch tells its progress to: a bar on a terminal's stderr, otherwise None."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task(name, total=None))


class _Bar:
    """pooch's wishes (`total`, `update`, `reset`, `close`) for a rich progress bar."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "total":  # zero where the server does not say
            self._progress.update(self._task, total=value or None)
        else:
            super().__setattr__(name, value)

    def update(self, n: int) -> None:
        """`n` more bytes."""
        self._progress.advance(self._task, n)

    def reset(self) -> None:
        """Back to none."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Nothing to do: the bar goes with its context."""


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ValueError) and "hash" in text.lower():
        return "its content is not that of the official file"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"HTTP status {status}"
    if type(error).__module__.startswith("requests"):
        return "no connection"
    return " ".join(text.split())[:200] or type(error).__name__


def unpack_members(archive: Path, folder: Path, names: set[str], most: int) -> None:
    """Extract some files of a zip into a new folder, which appears whole or not at all.

    Args:
        archive: the zip. Wanted is what lies in a folder of the new folder's name, anywhere in it.
        folder: the new one; its parent exists.
        names: of the files.
        most: bytes that one file may have.

    Raises:
        BadInput: no zip, a member missing, damaged, or too large.
    """
    import zipfile

    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with zipfile.ZipFile(archive) as content:
            members = [PurePosixPath(member) for member in content.namelist()]
            found = {m.name: m for m in members if m.parent.name == folder.name and m.name in names}
            if len(found) < len(names):
                raise BadInput("lacks files", where=str(archive), expected=f"{len(names)}", got=f"{len(found)} of them")
            for name, member in found.items():
                with content.open(str(member)) as stream:
                    data = stream.read(most + 1)
                if len(data) > most:
                    raise BadInput("too large", where=f"{archive}: {member}", expected=f"at most {most} bytes")
                (partial / name).write_bytes(data)
        os.replace(partial, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise BadInput("could not be unpacked", where=str(archive), got=str(error)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
