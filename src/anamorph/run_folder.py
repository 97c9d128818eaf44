"""A run folder: what an experiment left behind, each file whole or not there at all.

A folder belongs to one experiment, of which it holds the resolved text. A run that was stopped is taken up
where it was: what is there is read, what is missing is made. A complete folder is never written over.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from anamorph.errors import BadInput

EXPERIMENT, RESULT, REPORT, TIMINGS = "experiment.toml", "result.json", "report.html", "timings.json"
PROVENANCE = "provenance.json"
#: Where runs go unless told otherwise.
RUNS = Path("runs")
#: A JSON artefact larger than this is not one of ours.
MAX_JSON_BYTES = 512 * 1024 * 1024
T = TypeVar("T")


class RunFolder:
    """One folder, held by this process alone until `close`.

    Raises:
        BadInput: it cannot be opened, or another process works in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._hold = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise BadInput(f"cannot open the run folder ({error.strerror})", where=str(path)) from None
        try:
            # the kernel lets go of it when the process ends, however it ends
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._hold)
            raise BadInput("another run is at work in this folder", where=str(path)) from None

    def close(self) -> None:
        """Let other processes have it."""
        os.close(self._hold)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, name: str) -> bool:
        """Whether an artefact is there."""
        return (self.path / name).is_file()

    def write(self, name: str, save: Callable[[Path], None]) -> Path:
        """Let `save` write to a temporary name and give it its own name when it is whole."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f".partial-{path.name}")
        try:
            save(partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file, whole or not at all."""
        return self.write(name, lambda path: _write_bytes(path, text.encode()))

    def write_json(self, name: str, value: Any) -> Path:
        """Write JSON, whole or not at all; NaN is refused, as other readers would."""
        return self.write_text(name, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """What `write_json` wrote.

        Raises:
            BadInput: absent, cut short, not JSON, or far too large.
        """
        path = self.path / name
        advice = "Remove the file to have it made again."
        try:
            if path.stat().st_size > MAX_JSON_BYTES:
                raise BadInput("too large", where=str(path), expected=f"at most {MAX_JSON_BYTES} bytes")
            return json.loads(path.read_bytes())
        except OSError as error:
            raise BadInput(f"cannot be read ({error.strerror})", where=str(path)) from None
        except (ValueError, RecursionError) as error:
            raise BadInput(f"not a JSON file, or cut short ({error})", where=str(path), advice=advice) from None

    def keep(self, name: str, make: Callable[[], T], save: Callable[[T, Path], None], load: Callable[[Path], T]) -> T:
        """The artefact `name`: read if it is there, otherwise made and saved."""
        if self.has(name):
            return load(self.path / name)
        value = make()
        self.write(name, lambda path: save(value, path))
        return value


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def open_for(name: str, text: str, out: Path | None = None, *, complete: bool = False) -> RunFolder:
    """The folder in which the experiment `text` runs.

    Args:
        name: of the experiment, for the folder's name.
        text: the resolved experiment.
        out: the folder asked for. Without it: the newest incomplete folder of the same experiment below
            `RUNS`, or else a new one.
        complete: a complete folder of the same experiment will do.

    Raises:
        BadInput: the folder is complete, of another experiment, or holds other files.
    """
    if out is not None:
        return _claim(out, text, complete)
    found = sorted((int(m[1]), p) for p in _siblings(name) if (m := re.search(r"-(\d+)\Z", p.name)))
    for _, path in reversed(found):
        if _same(path, text) and (complete or not (path / RESULT).is_file()):
            try:
                return _claim(path, text, complete)
            except BadInput:
                continue  # at work in another process
    number = found[-1][0] + 1 if found else 1
    while True:
        path = RUNS / f"{name}-{number:03d}"
        if _make(path, exist_ok=False):
            return _claim(path, text, complete)
        number += 1


def _siblings(name: str) -> list[Path]:
    pattern = re.compile(re.escape(name) + r"-\d{3,9}")
    return [p for p in RUNS.iterdir() if pattern.fullmatch(p.name)] if RUNS.is_dir() else []


def _make(path: Path, exist_ok: bool) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        if exist_ok:
            raise BadInput("a file is in the way", where=str(path), expected="a folder, or nothing") from None
        return False
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot make the run folder ({error})", where=repr(str(path))[1:-1]) from None
    return True


def _same(path: Path, text: str) -> bool:
    try:
        return (path / EXPERIMENT).read_bytes() == text.encode()
    except OSError:
        return False


def _claim(path: Path, text: str, complete: bool) -> RunFolder:
    _make(path, exist_ok=True)
    folder = RunFolder(path)
    try:
        _check_owner(folder, text, complete)
    except BaseException:
        folder.close()
        raise
    return folder


def _check_owner(folder: RunFolder, text: str, complete: bool) -> None:
    fresh = "Give another folder with --out."
    if not folder.has(EXPERIMENT):
        others = [p.name for p in folder.path.iterdir() if not p.name.startswith(".partial-")]
        if others:
            raise BadInput(
                "the output folder exists and is no run folder", where=str(folder.path),
                expected="a new or an empty folder", got=f"{len(others)} files, {min(others)!r} among them",
                advice=fresh,
            )  # fmt: skip
        folder.write_text(EXPERIMENT, text)
    elif not _same(folder.path, text):
        raise BadInput(
            "the output folder belongs to another experiment, or to another seed", where=str(folder.path),
            advice=fresh,
        )  # fmt: skip
    elif folder.has(RESULT) and not complete:
        raise BadInput(
            "the output folder holds a complete run of this experiment", where=str(folder.path), advice=fresh
        )
