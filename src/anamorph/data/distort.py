"""Distorted copies of images: turned, scaled, sheared and moved a little, as another hand would have written them.

A network that is to answer through imprecise circuits has to generalise first: with 25,000 coarse weights
the training images alone are soon known by heart.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, UInt8

#: Largest turn (rad), relative change of size, shear, and shift (pixels); each drawn uniformly (assumed).
TURN, SIZE, SHEAR, SHIFT = np.deg2rad(12), 0.12, 0.15, 1.6
#: Images distorted together, so that memory stays within a hundred megabytes.
CHUNK = 5000


def distorted(
    images: UInt8[np.ndarray, "n h w"], chosen: Bool[np.ndarray, "h w"], rng: np.random.Generator
) -> Float[np.ndarray, "n pixels"]:
    """The chosen pixels of one distorted copy of each image, 0 to 1, by bilinear interpolation.

    Args:
        images: bytes.
        chosen: which pixels of the distorted images are wanted.
        rng: of the distortions.
    """
    n, height, width = images.shape
    turn, shear = rng.uniform(-TURN, TURN, n), rng.uniform(-SHEAR, SHEAR, n)
    size, shift = 1 + rng.uniform(-SIZE, SIZE, (n, 2, 1)), rng.uniform(-SHIFT, SHIFT, (n, 2))
    rows = (
        np.stack([np.cos(turn), shear - np.sin(turn)], axis=-1),
        np.stack([np.sin(turn), np.cos(turn)], axis=-1),
    )
    maps = np.stack(rows, axis=1) * size
    middle = (np.array([height, width]) - 1) / 2
    places = np.argwhere(chosen) - middle
    parts = [
        _sampled(
            images[low : low + CHUNK], places @ maps[low : low + CHUNK].mT + middle + shift[low : low + CHUNK, None]
        )
        for low in range(0, n, CHUNK)
    ]
    return np.concatenate(parts)


def _sampled(images: UInt8[np.ndarray, "n h w"], at: Float[np.ndarray, "n pixels 2"]) -> Float[np.ndarray, "n pixels"]:
    """Images between their pixels; beyond an edge the value at the edge."""
    limit = np.array(images.shape[1:]) - 1
    at = np.clip(at, 0, limit - 1e-6)
    corner = at.astype(int)
    y, x = np.moveaxis(corner, -1, 0)
    down, right = np.moveaxis(at - corner, -1, 0)
    which = np.arange(len(images))[:, None]
    upper = images[which, y, x] * (1 - right) + images[which, y, x + 1] * right
    lower = images[which, y + 1, x] * (1 - right) + images[which, y + 1, x + 1] * right
    return (upper * (1 - down) + lower * down) / 255.0
