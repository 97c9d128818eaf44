"""What an imported network is run on: a user's arrays, or random ones."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from anamorph.errors import BadInput
from anamorph.processor.inference.model import Model
from anamorph.processor.workloads.onnx_file import plain

#: Largest file unpacked, bytes.
LARGEST = 2**31
#: Inputs that are drawn, and the largest whole number among them.
DRAWN, WORDS = 16, 2
LABELS = "labels"

Feeds = list[dict[str, np.ndarray]]


def feeds_of(model: Model, path: Path | None, seed: int) -> tuple[Feeds, np.ndarray | None]:
    """Inputs, as many at a time as the model takes, and labels if there are.

    Args:
        model: which inputs it takes.
        path: an ``.npz`` with an array per input, whose first axis may be several times as long as the model's, and
            maybe 'labels'; None for standard normals (whole numbers: 0 and 1).
        seed: of the random ones.

    Raises:
        BadInput: a file that cannot be read, an input that is missing or does not fit.
    """
    if path is None:
        random = np.random.default_rng(seed)
        batch = max([shape[0] for shape, _ in model.inputs.values() if shape], default=1)
        count = max(1, DRAWN // max(batch, 1))
        return [{name: _drawn(random, *one) for name, one in model.inputs.items()} for _ in range(count)], None
    given = _read(path)
    labels = given.pop(LABELS, None)
    parts: dict[str, np.ndarray] = {}
    for name, (shape, _) in model.inputs.items():
        where = f"{path}: '{plain(name)}'"
        if name not in given:
            raise BadInput("an input is missing", where=where, expected=", ".join(map(plain, model.inputs)),
                           got=", ".join(map(plain, given)))  # fmt: skip
        value = given[name]
        batch = shape[0] if shape else 1
        if value.ndim != max(len(shape), 1) or value.shape[1:] != shape[1:] or len(value) < batch or not batch:
            raise BadInput("an input that does not fit", where=where, expected=f"{shape}, or more along its first axis",
                           got=str(value.shape))  # fmt: skip
        parts[name] = value[: len(value) // batch * batch].reshape(-1, *shape)
    count = min(map(len, parts.values()))
    feeds = [{name: part[i] for name, part in parts.items()} for i in range(count)]
    first = next(iter(model.inputs.values()))[0]
    return feeds, None if labels is None else np.asarray(labels)[: count * (first[0] if first else 1)]


def _drawn(random: np.random.Generator, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    if kind.kind == "f":
        return random.normal(size=shape).astype(kind)
    return random.integers(0, WORDS, shape).astype(kind)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise BadInput("too large", where=str(path), expected=f"at most {LARGEST >> 30} GiB unpacked")
        with np.load(path, allow_pickle=False) as file:
            return {name: np.asarray(file[name]) for name in file.files}
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path), expected="an .npz with an array per input") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"not a readable .npz ({str(error)[:80]})", where=str(path)) from None
