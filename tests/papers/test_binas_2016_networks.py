"""Networks that measurements share are trained once, and a damaged file is made anew."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from anamorph.network.train import Trained
from anamorph.papers.binas_2016.measurements._networks import kept

LAYERS = (3, 2)


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Trained:
        self.calls += 1
        weights = np.arange(6.0).reshape(1, 3, 2) / 3
        return Trained((jnp.asarray(weights),), (weights + 0.1,), np.array([0.5]), np.array([0.9]), LAYERS)


def test_the_second_time_is_read_and_the_same(tmp_path: Path) -> None:
    make, path = Maker(), tmp_path / "common.npz"
    first, second = (kept(path, LAYERS, make) for _ in range(2))
    assert make.calls == 1
    for a, b in zip((*first.weights, *first.stored), (*second.weights, *second.stored), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert (second.loss, second.train_accuracy, second.layers) == (first.loss, first.train_accuracy, LAYERS)
    assert [p.name for p in tmp_path.iterdir()] == ["common.npz"]


def test_a_file_cut_short_or_of_another_network_is_made_anew(tmp_path: Path) -> None:
    make, path = Maker(), tmp_path / "common.npz"
    kept(path, LAYERS, make)
    path.write_bytes(path.read_bytes()[:100])
    kept(path, LAYERS, make)
    assert make.calls == 2
    with path.open("wb") as file:
        np.savez(file, weights_0=np.zeros((1, 4, 2)), stored_0=np.zeros((1, 4, 2)), loss=[0.0], train_accuracy=[0.0])
    np.testing.assert_array_equal(np.asarray(kept(path, LAYERS, make).weights[0]), np.asarray(make().weights[0]))
    kept(path, LAYERS, make)
    assert make.calls == 4  # one of them by this test itself
