"""A trained network on disk, so that the measurements that use it, and a reproduction taken up again, train it once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from anamorph.network.train import Trained
from anamorph.substrate.contract import Shape


def kept(path: Path, layers: Shape, make: Callable[[], Trained]) -> Trained:
    """The network in `path`, or a new one that is kept there; a file that cannot be read is made anew.

    Args:
        path: a ``.npz`` file; its name says all that the network depends on.
        layers: neurons per layer.
        make: trains it.
    """
    try:
        return _load(path, layers)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        trained = make()
    _save(path, trained)
    return trained


def _load(path: Path, layers: Shape) -> Trained:
    count = len(layers) - 1
    # opened here: numpy leaves a file open that it cannot read
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        weights = tuple(jnp.asarray(file[f"weights_{i}"]) for i in range(count))
        stored = tuple(file[f"stored_{i}"] for i in range(count))
        found = Trained(weights, stored, file["loss"], file["train_accuracy"], layers)
    shapes = tuple(w.shape[1:] for w in found.weights)
    if shapes != tuple(zip(layers, layers[1:], strict=False)):
        raise ValueError(f"{path} holds another network: {shapes}")
    return found


def _save(path: Path, trained: Trained) -> None:
    arrays = {f"weights_{i}": np.asarray(w) for i, w in enumerate(trained.weights)}
    arrays |= {f"stored_{i}": np.asarray(w) for i, w in enumerate(trained.stored)}
    arrays |= {"loss": trained.loss, "train_accuracy": trained.train_accuracy}
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
