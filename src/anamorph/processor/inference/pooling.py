"""Poolings by views of windows: the reference evaluator's go through every place in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from anamorph.processor.inference.windows import paddings, windows

Sizes = Sequence[int] | None


def _frame(
    size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], auto_pad: str | None,
    pads: Sizes, ceil_mode: int | None,
) -> tuple[list[tuple[int, int]], list[int]]:  # fmt: skip
    """Padding as given, and what is added at each end so that the last, hanging window is whole (`ceil_mode`)."""
    around = paddings(size, kernel, strides, dilations, auto_pad or "NOTSET", pads)
    beyond = []
    for n, k, s, d, (start, end) in zip(size, kernel, strides, dilations, around, strict=True):
        span = n + start + end - (d * (k - 1) + 1)
        more = -span % s if ceil_mode else 0
        # a window that would begin in the padding at the end is none
        beyond.append(0 if more and (span + more) // s * s >= n + start else more)
    return around, beyond


class MaxPool(OpRun):
    """The largest value of each window, and on demand where it stands."""

    def _run(self, x: np.ndarray, auto_pad: str | None = None, ceil_mode: int | None = None, dilations: Sizes = None,
             kernel_shape: Sizes = None, pads: Sizes = None, storage_order: int | None = None, strides: Sizes = None,
             ) -> tuple[np.ndarray, ...]:  # fmt: skip
        assert kernel_shape is not None
        ones = (1,) * len(kernel_shape)
        strides, dilations = strides or ones, dilations or ones
        around, beyond = _frame(x.shape[2:], kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
        least = np.finfo(x.dtype).min if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        edges = ((0, 0), (0, 0), *((start, end + more) for (start, end), more in zip(around, beyond, strict=True)))
        seen = windows(np.pad(x, edges, constant_values=least), kernel_shape, strides, dilations)
        seen = seen.reshape(*seen.shape[: x.ndim], -1)
        y = seen.max(axis=-1)
        if len(self.onnx_node.output) < 2:
            return (y,)
        number = np.arange(x.size).reshape(x.shape)
        if storage_order:
            number = np.arange(x.size).reshape(*x.shape[:2], *x.shape[:1:-1]).transpose(0, 1, *range(x.ndim - 1, 1, -1))
        at = windows(np.pad(number, edges), kernel_shape, strides, dilations).reshape(seen.shape)
        where = seen.argmax(axis=-1)[..., None]
        return y, np.take_along_axis(at, where, axis=-1)[..., 0]


class AveragePool(OpRun):
    """The mean of each window: of what is in the image, or with `count_include_pad` of the padding too."""

    def _run(self, x: np.ndarray, auto_pad: str | None = None, ceil_mode: int | None = None,
             count_include_pad: int | None = None, dilations: Sizes = None, kernel_shape: Sizes = None,
             pads: Sizes = None, strides: Sizes = None) -> tuple[np.ndarray]:  # fmt: skip
        assert kernel_shape is not None
        ones = (1,) * len(kernel_shape)
        strides, dilations = strides or ones, dilations or ones
        around, beyond = _frame(x.shape[2:], kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
        last = [(0, more) for more in beyond]
        counted = np.ones((1, 1, *x.shape[2:]), x.dtype)
        counted = np.pad(counted, ((0, 0), (0, 0), *around), constant_values=1 if count_include_pad else 0)

        def total(one: np.ndarray) -> np.ndarray:
            seen = windows(np.pad(one, ((0, 0), (0, 0), *last)), kernel_shape, strides, dilations)
            return seen.sum(axis=tuple(range(x.ndim, seen.ndim)), dtype=x.dtype)

        return (total(np.pad(x, ((0, 0), (0, 0), *around))) / total(counted),)


class LpPool(OpRun):
    """The p-norm of each window."""

    def _run(self, x: np.ndarray, auto_pad: str | None = None, ceil_mode: int | None = None, dilations: Sizes = None,
             kernel_shape: Sizes = None, p: int | None = None, pads: Sizes = None, strides: Sizes = None,
             ) -> tuple[np.ndarray]:  # fmt: skip
        assert kernel_shape is not None and p is not None
        ones = (1,) * len(kernel_shape)
        strides, dilations = strides or ones, dilations or ones
        around, beyond = _frame(x.shape[2:], kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
        edges = ((0, 0), (0, 0), *((start, end + more) for (start, end), more in zip(around, beyond, strict=True)))
        seen = windows(np.pad(np.abs(x) ** p, edges), kernel_shape, strides, dilations)
        return (seen.sum(axis=tuple(range(x.ndim, seen.ndim)), dtype=x.dtype) ** np.asarray(1 / p, x.dtype),)


class LRN(OpRun):
    """Local response normalisation across channels: y = x / (bias + alpha / size sum x^2)^beta."""

    def _run(self, x: np.ndarray, alpha: Any = None, beta: Any = None, bias: Any = None, size: int = 1
             ) -> tuple[np.ndarray]:  # fmt: skip
        edges = ((0, 0), ((size - 1) // 2, size // 2), *((0, 0),) * (x.ndim - 2))
        seen = np.lib.stride_tricks.sliding_window_view(np.pad(x * x, edges), size, axis=1)
        return ((x / (bias + alpha / size * seen.sum(axis=-1)) ** beta).astype(x.dtype),)


POOLING: list[type[OpRun]] = [MaxPool, AveragePool, LpPool, LRN]
