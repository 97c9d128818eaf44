"""Conv, Gemm and MatMul whose stored side is multiplied by `Products`, in place of the reference evaluator's own.

A convolution's windows become vectors of (channel, kernel) rows, as its kernels are unrolled into columns; padding is
zeros. A product of two activations stays digital, at full precision. Scales (alpha, beta) and biases are applied
digitally, after the product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from anamorph.processor.inference.products import Products
from anamorph.processor.inference.windows import paddings, windows

#: Values of unrolled windows held at once.
HELD = 2**24


class Stored:
    """What the operators of one run share.

    Attributes:
        products: multiplies.
        names: first output of a node -> name of its product.
        constant: tensors that are the same for every run.
    """

    def __init__(self, products: Products, names: Mapping[str, str], constant: Mapping[str, str]) -> None:
        self.products, self.names, self.constant = products, names, constant

    def side(self, node: Any) -> int | None:
        """Which of a node's two factors is stored, as the importer decides; None for neither, or for both."""
        if node.output[0] not in self.names:
            return None
        a, b = (name in self.constant for name in node.input[:2])
        return (1 if b else 0 if a else None) if a != b else None

    def name(self, node: Any) -> str:
        """Of a node's product."""
        return self.names[node.output[0]]


class _Conv(OpRun):
    """Conv by unrolled windows."""

    shared: Stored

    def _run(
        self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None, auto_pad: str | None = None,
        dilations: Sequence[int] | None = None, group: int | None = None, kernel_shape: Sequence[int] | None = None,
        pads: Sequence[int] | None = None, strides: Sequence[int] | None = None,
    ) -> tuple[np.ndarray]:  # fmt: skip
        kernel = w.shape[2:]
        strides, dilations = strides or (1,) * len(kernel), dilations or (1,) * len(kernel)
        around = paddings(x.shape[2:], kernel, strides, dilations, auto_pad or "NOTSET", pads)
        step = max(1, HELD // max(1, int(np.prod(x.shape[1:])) * int(np.prod(kernel))))
        parts = [
            self._images(x[i : i + step], w, group or 1, around, strides, dilations) for i in range(0, len(x), step)
        ]
        y = np.concatenate(parts)
        return (y if b is None else y + b.reshape(-1, *(1,) * len(kernel)),)

    def _images(
        self, x: np.ndarray, w: np.ndarray, groups: int, around: Sequence[tuple[int, int]], strides: Sequence[int],
        dilations: Sequence[int],
    ) -> np.ndarray:  # fmt: skip
        seen = windows(np.pad(x, ((0, 0), (0, 0), *around)), w.shape[2:], strides, dilations)
        images, channels, axes = len(x), x.shape[1] // groups, w.ndim - 2
        out = seen.shape[2 : 2 + axes]
        seen = seen.reshape(images, groups, channels, *out, -1)
        # groups, images, places, channels, kernel
        seen = np.moveaxis(seen, (1, 2), (0, -2)).reshape(groups, images * int(np.prod(out)), -1)
        kernels = w.reshape(groups, w.shape[0] // groups, -1).transpose(0, 2, 1)
        y = self.shared.products(self.shared.name(self.onnx_node), seen, kernels)
        y = np.moveaxis(y.reshape(groups, images, *out, -1), (0, -1), (1, 2))
        return y.reshape(images, -1, *out).astype(x.dtype, copy=False)


class _Gemm(OpRun):
    """Gemm with a stored factor."""

    shared: Stored

    def _run(
        self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None, alpha: Any = None, beta: Any = None,
        transA: int | None = None, transB: int | None = None,
    ) -> tuple[np.ndarray]:  # fmt: skip
        y = _product(self, a.T if transA else a, b.T if transB else b)
        if alpha is not None and alpha != 1:
            y = y * np.asarray(alpha, y.dtype)
        if c is not None:
            y = y + (c if beta is None or beta == 1 else c * np.asarray(beta, c.dtype))
        return (y.astype(a.dtype, copy=False),)


class _MatMul(OpRun):
    """MatMul with a stored factor."""

    shared: Stored

    def _run(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray]:
        y = _product(self, a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b)
        y = y[..., 0] if b.ndim == 1 else y
        y = (y[..., 0] if b.ndim == 1 else y[..., 0, :]) if a.ndim == 1 else y
        return (np.asarray(y).astype(a.dtype, copy=False),)


def _product(node: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a b, through the stored side if there is one."""
    side = node.shared.side(node.onnx_node)
    if side is None:
        return a @ b
    name, products = node.shared.name(node.onnx_node), node.shared.products
    if side == 1:
        return stacked(products, name, a, b)
    return np.swapaxes(stacked(products, name, np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2)), -1, -2)


def stacked(products: Products, name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x w for stacks (..., vectors, rows) and (..., rows, columns) that broadcast: axes of w's own are groups."""
    lead = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    own = (1,) * (len(lead) - w.ndim + 2) + w.shape[:-2]
    grouped = [i for i, n in enumerate(own) if n > 1]
    free = [i for i in range(len(lead)) if i not in grouped]
    x = np.broadcast_to(x, (*lead, *x.shape[-2:])).transpose(*grouped, *free, -2, -1)
    shape = x.shape
    w = w.reshape(-1, *w.shape[-2:])
    y = products(name, x.reshape(len(w), -1, shape[-1]), w)
    back = np.argsort([*grouped, *free, len(lead), len(lead) + 1])
    return y.reshape(*shape[:-1], w.shape[-1]).transpose(back)


def operators(shared: Stored) -> list[type[OpRun]]:
    """Operators for one evaluator, each of which knows `shared`."""
    from anamorph.processor.inference.pooling import POOLING
    from anamorph.processor.inference.recurrent import RECURRENT

    own = {"Conv": _Conv, "Gemm": _Gemm, "MatMul": _MatMul} | RECURRENT
    return [type(name, (one,), {"shared": shared}) for name, one in own.items()] + POOLING
