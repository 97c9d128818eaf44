"""The Free Spoken Digit Dataset: 3,000 recordings at 8 kHz, 50 of each digit by each of six speakers.

By the official split recordings 0 to 4 of each speaker and digit test, 300 in all. It stands in for TIDIGITS,
which is licensed; prepared as `anamorph.data.speech` says.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from anamorph.cache import cache_root
from anamorph.data import store, wav
from anamorph.data.checks import first_of
from anamorph.data.speech import Preparation, Recording, speech_task
from anamorph.data.task import Task
from anamorph.errors import BadInput

SAMPLE_RATE = 8000
#: Of the recordings of a digit by a speaker, the first so many test.
N_TEST = 5
SOURCE = "Z. Jackson and others, Free Spoken Digit Dataset, v1.0.10"
_TAG = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
_ARCHIVE = "spoken_digits/v1.0.10.zip"
_MAX_ARCHIVE = 32 << 20


@dataclass(frozen=True)
class Recordings:
    """The folder of recordings, ``{digit}_{speaker}_{index}.wav``.

    Attributes:
        path: below a data folder.
        hashes: file name -> the first 16 digits of its sha256. The archive's own hash is not used, because its
            server packs it on demand and does not promise its bytes.
        urls: of a zip with a folder of that name in it.
    """

    path: str
    hashes: dict[str, str]
    urls: tuple[str, ...] = (_TAG,)

    @property
    def here(self) -> Path | None:
        """The folder; None where it is nowhere."""
        return store.locate(self.path)

    @property
    def wanted(self) -> str:
        """What a user has to provide."""
        return f"{self.path}/*.wav ({len(self.hashes)} files)"

    def download(self) -> None:
        """Get it into the cache. Raises `BadInput` where that fails."""
        from anamorph.data import download

        archive = download.fetch(self.urls, _ARCHIVE, None, _MAX_ARCHIVE)
        try:
            download.unpack_members(archive, cache_root() / self.path, set(self.hashes), wav.MAX_BYTES)
        finally:
            archive.unlink(missing_ok=True)

    def read(self, name: str, folder: Path) -> bytes:
        """One file of the folder. Raises `BadInput` where it is not the official one."""
        path = folder / name
        if not path.exists():
            raise BadInput("a recording is missing", where=str(path), advice=store.again(folder))
        store.limited(path, wav.MAX_BYTES)
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if not found.startswith(self.hashes[name]):
            raise BadInput(
                "its content is not that of the official file", where=str(path),
                expected=f"a sha256 that begins with {self.hashes[name]}", got=found, advice=store.again(folder),
            )  # fmt: skip
        return content


def recordings() -> Recordings:
    """The official recordings, by the list of hashes that comes with the package."""
    hashes = {}
    for line in resources.files("anamorph.data").joinpath("spoken_digits.txt").read_text().splitlines():
        if not line.startswith("#"):
            who, *found = line.split()
            hashes |= {f"{who}_{index}.wav": value for index, value in enumerate(found)}
    return Recordings("spoken_digits/recordings", hashes)


def spoken_digits(train: int | None = None, test: int | None = None, **options: Any) -> Task:
    """The task: 2,700 training recordings, each at every stretch, and 300 test recordings.

    Args:
        train: how many training recordings; all without it. Any first so many hold digits and speakers evenly.
        test: how many test recordings; all without it.
        **options: those of `anamorph.data.speech.Preparation`.

    Raises:
        BadInput: recordings that are missing, damaged or not the official ones; numbers or options that make no sense.
    """
    part = recordings()
    return read_task(part, train, test, Preparation(**options))


def read_task(part: Recordings, train: int | None, test: int | None, how: Preparation) -> Task:
    """As `spoken_digits`, of any such folder."""
    folder = part.here
    if folder is None:
        raise BadInput("no such data folder", where=part.path)
    names = sorted(part.hashes, key=_order)
    testing = [name for name in names if _order(name)[0] < N_TEST]
    training = names[len(testing) :]
    chosen = (
        training[: first_of(train, len(training), "spoken_digits: train")],
        testing[: first_of(test, len(testing), "spoken_digits: test")],
    )
    read = [[_recording(part, name, folder) for name in side] for side in chosen]
    return speech_task("spoken_digits", read[0], read[1], SAMPLE_RATE, SOURCE, how)


def _order(name: str) -> tuple[int, str, int]:
    """Index first, digit last: the first so many recordings hold every digit equally often."""
    digit, speaker, index = name.removesuffix(".wav").split("_")
    return int(index), speaker, int(digit)


def _recording(part: Recordings, name: str, folder: Path) -> Recording:
    return Recording(wav.parse(part.read(name, folder), SAMPLE_RATE, str(folder / name)), _order(name)[2])
