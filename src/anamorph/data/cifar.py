"""CIFAR-10: 60,000 colour photographs of 32 x 32 pixels in ten classes, in the official binary files.

What counts is either the official archive ``cifar-10-binary.tar.gz`` or a folder ``cifar-10-batches-bin`` of its files.
A folder may hold only some of them, or files of the same format with fewer images (``test_batch_first1000.bin``, say):
a task of less than 50,000 and 10,000 images says so in whatever is made of it.

A record is a label and 3,072 bytes, the red plane, the green, the blue, each row by row. Samples here are images with
the colours of a pixel side by side (height, width, channel), as a convolution wants them.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Int, UInt8

from anamorph.data import store
from anamorph.data.checks import first_of
from anamorph.data.task import Task
from anamorph.errors import BadInput

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
SIDES = {"train": 50_000, "test": 10_000}
#: Label and three planes of 32 x 32.
RECORD = 1 + 3 * 32 * 32
#: The largest official file: 10,000 records.
MOST = 10_000 * RECORD
#: sha256 of those official files that a copy was at hand of; the others are checked for their format alone.
KNOWN = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
}
_NAME = {"train": re.compile(r"data_batch_\w+\.bin"), "test": re.compile(r"test_batch\w*\.bin")}


@dataclass(frozen=True)
class Batches:
    """The folder or the archive."""

    @property
    def here(self) -> Path | None:
        """Whichever there is, the folder first; None where neither is."""
        return store.locate(FOLDER) or store.locate(ARCHIVE)

    @property
    def wanted(self) -> str:
        """What a user has to provide."""
        return f"{ARCHIVE} or {FOLDER}/"

    def download(self) -> None:
        """Get the archive into the cache, checked by its published hash. Raises `BadInput` where that fails."""
        from anamorph.data import download

        address = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
        download.fetch((address,), ARCHIVE, "md5:c32a1d4ab5d03f1284b67883e8d87530", 170_052_171)


@dataclass(frozen=True)
class Photographs:
    """Images as bytes with their labels, one side of the split."""

    images: UInt8[np.ndarray, "n 32 32 3"]
    labels: Int[np.ndarray, " n"]


def read(side: str) -> Photographs:
    """All images of ``"train"`` or ``"test"`` that are here, in the order of the files' names.

    Raises:
        BadInput: nothing of that side, a file cut short, too large, or not of this format; a changed official file.
    """
    place = Batches().here
    if place is None:
        raise BadInput("no such data", where=FOLDER)
    parts = [parse(content, where) for content, where in _contents(place, side)]
    if not parts:
        raise BadInput(f"holds no file to {side}", where=str(place), expected=_NAME[side].pattern)
    return Photographs(np.concatenate([p.images for p in parts]), np.concatenate([p.labels for p in parts]))


def parse(content: bytes, where: str) -> Photographs:
    """The records of one file.

    Raises:
        BadInput: no whole number of records, or a label that names no class.
    """
    if not content or len(content) % RECORD:
        raise BadInput("not whole records, so cut short or no file of this kind", where=where,
                       expected=f"a multiple of {RECORD} bytes", got=f"{len(content)}")  # fmt: skip
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        raise BadInput("a label names no class", where=f"{where}: record {int(np.argmax(labels >= len(CLASSES)))}",
                       expected=f"0 to {len(CLASSES) - 1}", got=str(labels.max()))  # fmt: skip
    return Photographs(np.moveaxis(records[:, 1:].reshape(-1, 3, 32, 32), 1, 3), labels)


def cifar10(train: int | None = None, test: int | None = None) -> Task:
    """The task: rows of ``height, width, channel``, bytes over 255.

    Args:
        train: how many of the training images, the first; all that are here without it.
        test: how many of the test images, likewise.

    Raises:
        BadInput: as of `read`; numbers of images that there are not.
    """
    found, said = {}, []
    for side, count in (("train", train), ("test", test)):
        whole = read(side)
        if len(whole.labels) < SIDES[side]:
            said.append(f"Of CIFAR-10's {SIDES[side]:,} images to {side}, {len(whole.labels):,} are here.")
        n = first_of(count, len(whole.labels), f"cifar10: {side}")
        found[side] = (whole.images[:n].reshape(n, -1) / 255.0, whole.labels[:n])
    return Task(
        name="cifar10", x_train=found["train"][0], y_train=found["train"][1], x_test=found["test"][0],
        y_test=found["test"][1], class_names=CLASSES, source=SOURCE, warnings=tuple(said),
    )  # fmt: skip


def _contents(place: Path, side: str) -> Iterator[tuple[bytes, str]]:
    """The files of one side, each limited in size before it is read."""
    if place.is_dir():
        for path in sorted(p for p in place.iterdir() if _NAME[side].fullmatch(p.name)):
            store.limited(path, MOST)
            yield _checked(path.read_bytes(), path.name, str(path)), str(path)
        return
    yield from _members(place, side)


def _members(archive: Path, side: str) -> Iterator[tuple[bytes, str]]:
    try:
        with tarfile.open(archive, "r:gz") as files:
            chosen = [m for m in files if _NAME[side].fullmatch(PurePosixPath(m.name).name)]
            for member in sorted(chosen, key=lambda m: m.name):
                where = f"{archive}: {member.name}"
                stream = files.extractfile(member) if member.isfile() and member.size <= MOST else None
                if stream is None:
                    raise BadInput("not a file of this kind", where=where, expected=f"at most {MOST} bytes")
                yield _checked(stream.read(), PurePosixPath(member.name).name, where), where
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadInput(f"corrupt or cut short ({error})", where=str(archive), advice=store.again(archive)) from None


def _checked(content: bytes, name: str, where: str) -> bytes:
    known = KNOWN.get(name)
    if known is not None and hashlib.sha256(content).hexdigest() != known:
        raise BadInput("its content is not that of the official file", where=where, expected=f"sha256 {known}")
    return content
