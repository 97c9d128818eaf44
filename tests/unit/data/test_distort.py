from __future__ import annotations

import numpy as np

from anamorph.data import distort
from anamorph.data.distort import distorted


def _blob() -> np.ndarray:
    y, x = np.indices((28, 28))
    blob = 255 * np.exp(-((x - 13.5) ** 2 + (y - 13.5) ** 2) / 18)
    return np.repeat(blob.astype(np.uint8)[None], 40, axis=0)


def test_without_distortion_the_pixels_are_those_of_the_image(monkeypatch):
    for name in ("TURN", "SIZE", "SHEAR", "SHIFT"):
        monkeypatch.setattr(distort, name, 0.0)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    chosen = np.zeros((28, 28), bool)
    chosen[3:20, 5:9] = True
    found = distorted(images, chosen, np.random.default_rng(0))
    np.testing.assert_allclose(found, images[:, chosen] / 255, atol=1e-9)


def test_copies_differ_and_keep_their_light():
    images, everywhere = _blob(), np.ones((28, 28), bool)
    found = distorted(images, everywhere, np.random.default_rng(1))
    assert found.min() >= 0 and found.max() <= 1
    assert np.abs(found - found[0]).max() > 0.05
    sums, original = found.sum(1), images[0].sum() / 255
    assert (np.abs(sums / original - 1) < 0.5).all() and abs(sums.mean() / original - 1) < 0.1
    middle = (found.reshape(-1, 28, 28) * np.arange(28)).sum((1, 2)) / sums
    assert np.abs(middle - 13.5).max() <= distort.SHIFT + 0.3


def test_chunks_do_not_matter(monkeypatch):
    everywhere = np.ones((28, 28), bool)
    whole = distorted(_blob(), everywhere, np.random.default_rng(2))
    monkeypatch.setattr(distort, "CHUNK", 7)
    np.testing.assert_array_equal(whole, distorted(_blob(), everywhere, np.random.default_rng(2)))
