"""TIDIGITS (R. G. Leonard, G. Doddington, LDC93S10), for those who have it: isolated digits at 20 kHz.

The folder ``tidigits`` is a copy of the corpus: anywhere below it, ``.../train/.../man/SPEAKER/1a.wav``, with
``train`` or ``test``, then ``man``, ``woman``, ``boy`` or ``girl``, then the speaker; a name of one of
``z o 1 2 3 4 5 6 7 8 9`` and ``a`` or ``b`` is an isolated digit in its first or second production. Longer names are
strings of digits and are left out. "Zero" and "oh" are one class, as in the authors' program (jbinas/adnn).

There is no copy to compare hashes with: a file's header and length are all that is checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anamorph.data import sphere, store, wav
from anamorph.data.checks import first_of
from anamorph.data.speech import Preparation, Recording, speech_task
from anamorph.data.task import Task
from anamorph.errors import BadInput

SAMPLE_RATE = 20_000
SOURCE = "R. G. Leonard, G. Doddington, TIDIGITS, LDC93S10"
GROUPS = ("man", "woman", "boy", "girl")
_ISOLATED = re.compile(r"([zo1-9])([ab])\.(?:wav|sph)", re.IGNORECASE)


@dataclass(frozen=True)
class Corpus:
    """The user's copy."""

    path: str = "tidigits"

    @property
    def here(self) -> Path | None:
        """The folder; None where it is nowhere."""
        return store.locate(self.path)

    @property
    def wanted(self) -> str:
        """What a user has to provide."""
        return f"{self.path}/ (a copy of LDC93S10)"

    def download(self) -> None:
        """Always raises `BadInput`."""
        raise BadInput("is licensed and cannot be downloaded; the Linguistic Data Consortium provides it as LDC93S10")


def tidigits(train: int | None = None, test: int | None = None, **options: Any) -> Task:
    """The task: isolated digits of the corpus by its own split.

    Args:
        train: how many training recordings; all without it. Any first so many hold the digits evenly.
        test: how many test recordings; all without it.
        **options: those of `anamorph.data.speech.Preparation`.

    Raises:
        BadInput: no such recordings; compressed, damaged or unusual ones; numbers or options that make no sense.
    """
    how, folder = Preparation(**options), Corpus().here
    if folder is None:
        raise BadInput("no such data folder", where=Corpus().path)
    found = {side: isolated(folder, side) for side in ("train", "test")}
    for side, paths in found.items():
        if not paths:
            raise BadInput(
                f"holds no isolated digits to {side}", where=str(folder),
                expected=f"files like {side}/man/SPEAKER/1a.wav, as in LDC93S10",
            )  # fmt: skip
    chosen = [
        [_recording(path) for path in paths[: first_of(count, len(paths), f"tidigits: {side}")]]
        for (side, paths), count in zip(found.items(), (train, test), strict=True)
    ]
    return speech_task("tidigits", chosen[0], chosen[1], SAMPLE_RATE, SOURCE, how)


def isolated(folder: Path, side: str) -> Sequence[Path]:
    """The isolated digits of ``"train"`` or ``"test"``: first productions first, then speaker by speaker."""
    found = []
    for path in folder.rglob("*"):
        match = _ISOLATED.fullmatch(path.name)
        above = [part.lower() for part in path.relative_to(folder).parts[:-1]]
        if match and side in above and len(above) > 1 and above[-2] in GROUPS:
            found.append((match[2].lower(), *above[-2:], match[1].lower(), path))
    return [path for *_, path in sorted(found)]


def _recording(path: Path) -> Recording:
    store.limited(path, wav.MAX_BYTES)
    content = path.read_bytes()
    parse = sphere.parse if content.startswith(sphere.MAGIC) else wav.parse
    word = path.name[0].lower()
    return Recording(parse(content, SAMPLE_RATE, str(path)), 0 if word in "zo" else int(word))
