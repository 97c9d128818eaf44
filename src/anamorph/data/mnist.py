"""MNIST with 196 of its 784 pixels, as section 3.4 of Binas et al. 2016 prepares it ("14 x 14 MNIST").

Two readings of which pixels:

* ``most_active``, the paper's text: the 196 pixels of the highest mean over the training set.
* ``checkerboard``, the authors' program (jbinas/adnn, datasets.py): of every second pixel (x + y even), those
  whose mean over the training set is above 0.027. There are 196 of them.

Neither is an image. For networks that need one there is ``averaged``: the 14 x 14 means of two by two pixels.

Every image is then scaled so that its 196 pixels have the mean 0.04. A value is a fraction of the full-scale
input current, so the mean current of an input is 0.04 times the full scale: 15 nA at a full scale of 375 nA.
At that mean no pixel of MNIST exceeds the full scale (largest: 0.54 and 0.77 in the two readings). At larger
means some do; they are cut to 1, and those of test images are counted in `Task.n_clipped`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from anamorph.data import idx, store
from anamorph.data.checks import first_of, scale_to_mean
from anamorph.data.distort import distorted
from anamorph.data.store import DataFile
from anamorph.data.task import Task
from anamorph.errors import BadInput, nearest

CLASSES = tuple("0123456789")
N_PIXELS = 196
SOURCE = "Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits"
#: Above this mean a pixel counts as active in the authors' program.
ACTIVE = 0.027
AVERAGED = "averaged"
_ALL = np.ones((28, 28), bool)
_ADDRESSES = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _file(name: str, size: int, sha256: str, md5: str, served_size: int) -> DataFile:
    urls = tuple(address + name for address in _ADDRESSES)
    return DataFile(f"mnist/{name}", size, sha256, urls, f"md5:{md5}", served_size)


#: Training images and labels, test images and labels: the official files.
FILES = (
    _file(
        "train-images-idx3-ubyte.gz",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        9_912_422,
    ),
    _file(
        "train-labels-idx1-ubyte.gz",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "d53e105ee54ea40749a09fcbcd1e9432",
        28_881,
    ),
    _file(
        "t10k-images-idx3-ubyte.gz",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "9fb629c4189551a2d022fa330f9573f3",
        1_648_877,
    ),
    _file(
        "t10k-labels-idx1-ubyte.gz",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "ec29112dd5afa0611ce80d1b7f02629c",
        4_542,
    ),
)


@dataclass(frozen=True)
class Digits:
    """The official files as arrays: images of 28 x 28 bytes, and their labels."""

    x_train: UInt8[np.ndarray, "n 28 28"]
    y_train: UInt8[np.ndarray, " n"]
    x_test: UInt8[np.ndarray, "m 28 28"]
    y_test: UInt8[np.ndarray, " m"]


def read(files: tuple[DataFile, ...] = FILES) -> Digits:
    """The four files, each checked.

    Raises:
        BadInput: a file that is not here, cut short, no idx file, or not the official one.
    """
    arrays = []
    for file, n_dimensions in zip(files, (3, 1, 3, 1), strict=True):
        content, path = store.read(file)
        try:
            arrays.append(idx.parse(content, n_dimensions, str(path)))
        except BadInput as error:
            raise BadInput(
                error.what, where=error.where, expected=error.expected, got=error.got, advice=store.again(path)
            ) from None
        store.check_hash(file, content, path)
    return Digits(*arrays)


def mnist14(
    train: int | None = None,
    test: int | None = None,
    *,
    pixels: str = "most_active",
    mean: float = 0.04,
    copies: int = 0,
    seed: int = 0,
) -> Task:
    """The task: 60,000 training and 10,000 test images of 196 pixels in the official order.

    Args:
        train: how many of the training images, the first; all without it. Pixels are chosen by all of them.
        test: how many of the test images, the first; all without it.
        pixels: ``"most_active"``, ``"checkerboard"`` or ``"averaged"``.
        mean: of the 196 values of each image, as a fraction of the full-scale current.
        copies: distorted copies of every training image that are added to it; see `distort.py`.
        seed: of the distortions.

    Raises:
        BadInput: files as in `read`; numbers of images or an option that make no sense.
    """
    found = read()
    chosen = _ALL if pixels == AVERAGED else choose_pixels(found.x_train, pixels)
    x_train, y_train = _part(found.x_train, found.y_train, chosen, train, "train")
    x_test, y_test = _part(found.x_test, found.y_test, chosen, test, "test")
    if copies:
        rng = np.random.default_rng(seed)
        images = found.x_train[: len(x_train)]
        x_train = np.concatenate([x_train, *(distorted(images, chosen, rng) for _ in range(copies))])
        y_train = np.tile(y_train, copies + 1)
    if pixels == AVERAGED:
        x_train, x_test = averaged(x_train), averaged(x_test)
    x_train, _ = scale_to_mean(x_train, mean, "mnist14: x_train")
    x_test, n_clipped = scale_to_mean(x_test, mean, "mnist14: x_test")
    return Task(
        name="mnist14", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, class_names=CLASSES,
        source=SOURCE, n_clipped=n_clipped,
    )  # fmt: skip


def averaged(images: Float[np.ndarray, "n 784"]) -> Float[np.ndarray, "n 196"]:
    """Means of two by two pixels, row by row."""
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, N_PIXELS)


def choose_pixels(images: UInt8[np.ndarray, "n 28 28"], reading: str) -> Bool[np.ndarray, "28 28"]:
    """Which 196 pixels are used.

    Args:
        images: the training set.
        reading: ``"most_active"`` or ``"checkerboard"``.

    Raises:
        BadInput: no such reading; a training set whose checkerboard does not hold 196 active pixels.
    """
    means = images.sum(axis=0, dtype=np.int64) / (255.0 * len(images))
    if reading == "most_active":
        # a stable order: of pixels with equal means the first in reading order
        order = np.argsort(-means.ravel(), kind="stable")
        chosen = np.zeros(means.size, bool)
        chosen[order[:N_PIXELS]] = True
        return chosen.reshape(means.shape)
    if reading == "checkerboard":
        y, x = np.indices(means.shape)
        board = (means > ACTIVE) & ((x + y) % 2 == 0)
        if board.sum() != N_PIXELS:
            raise BadInput(
                "the checkerboard does not give the number of pixels that the paper has", where="mnist14: pixels",
                expected=f"{N_PIXELS} pixels with a mean above {ACTIVE}", got=f"{board.sum()}",
            )  # fmt: skip
        return board
    known = ("most_active", "checkerboard", AVERAGED)
    raise BadInput(
        f"no choice of pixels named {reading[:60]!r}", where="mnist14: pixels", advice=nearest(reading, known)
    )


def _part(
    images: UInt8[np.ndarray, "n 28 28"],
    labels: UInt8[np.ndarray, " n"],
    chosen: Bool[np.ndarray, "28 28"],
    count: int | None,
    which: str,
) -> tuple[Float[np.ndarray, "m pixels"], Int[np.ndarray, " m"]]:
    count = first_of(count, len(images), f"mnist14: {which}")
    return images[:count, chosen] / 255.0, labels[:count].astype(np.int64)
