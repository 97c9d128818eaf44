"""Windows that slide over images: views of them, and the padding around."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def windows(x: np.ndarray, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> np.ndarray:
    """Views (images, channels, places ..., kernel ...) of a padded image."""
    axes = tuple(range(2, x.ndim))
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
    places = tuple(slice(None, None, s) for s in strides)
    return seen[(slice(None), slice(None), *places, *(slice(None, None, d) for d in dilations))]


def paddings(
    size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], how: str,
    pads: Sequence[int] | None,
) -> list[tuple[int, int]]:  # fmt: skip
    """What is added at both ends of each axis."""
    if how in ("NOTSET", "VALID"):
        given = pads if pads is not None and how == "NOTSET" else (0,) * 2 * len(kernel)
        return list(zip(given[: len(kernel)], given[len(kernel) :], strict=True))
    found = []
    for n, k, s, d in zip(size, kernel, strides, dilations, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        less, more = total // 2, total - total // 2
        found.append((less, more) if how == "SAME_UPPER" else (more, less))
    return found
