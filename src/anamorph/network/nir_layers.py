"""Matrices and convolutions of a NIR graph as layers of synapses with weights of their own."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.nir_graph import BIASED, SIGNED, WINDOW
from anamorph.network.wiring import Dense, Wiring

#: Most synapses of a layer: an unrolled convolution may be far larger than its file.
MOST = 10_000_000


class Layer(NamedTuple):
    """Synapses of one layer, and the shape of the neurons after them."""

    wiring: Wiring
    biased: bool
    taps: Float[np.ndarray, "taps neurons"]
    bias: Float[np.ndarray, " neurons"]
    shape: tuple[int, ...]


def numbers(where: str, values: Any) -> np.ndarray:
    """Finite floats of the precision that they have; integers as doubles.

    Raises:
        BadInput: empty, not numbers, not finite.
    """
    found = np.asarray(values)
    if found.dtype.kind not in "fiu" or not found.size or not np.isfinite(found).all():
        raise BadInput("not finite numbers", where=where, got=f"{found.dtype} {list(found.shape)}"[:80])
    return found.astype(found.dtype.newbyteorder("=") if found.dtype.kind == "f" else float)


def matrix(where: str, node: Any, shape: tuple[int, ...]) -> Layer:
    """`Linear` or `Affine`, as the layer that it was unrolled from where its metadata say so.

    Raises:
        BadInput: shapes that do not chain, synapses outside the window that the metadata state.
    """
    weight = numbers(f"{where}: weight", node.weight)
    if weight.ndim != 2 or shape != weight.shape[1:]:
        raise BadInput("shapes do not chain", where=f"{where}: weight", expected=f"[neurons, *{list(shape)}]",
                       got=str(list(weight.shape)))  # fmt: skip
    n = len(weight)
    bias = _bias(where, node, n) if hasattr(node, "bias") else np.zeros(n, weight.dtype)
    flag = _flag(where, node, BIASED)
    biased = hasattr(node, "bias") if flag is None else flag
    negative = bool((weight < 0).any() or (bias < 0).any())
    signed = _flag(where, node, SIGNED)
    if negative and signed is False:
        raise BadInput("a negative weight in a layer said to have none", where=f"{where}: {SIGNED}")
    positive = not (negative if signed is None else signed)
    if WINDOW not in node.metadata:
        return Layer(Dense(weight.shape[1], n, positive), biased, np.ascontiguousarray(weight.T), bias, (n,))
    wiring = _window(where, node.metadata[WINDOW], positive)
    fits = math.prod(wiring.image) == weight.shape[1] and wiring.n_out == n
    if not fits or weight[~wiring.exists.T].any():
        raise BadInput("not the matrix of its window", where=f"{where}: {WINDOW}", got=repr(wiring)[:120])
    return Layer(wiring, biased, weight[np.arange(n), wiring.sources], bias, (n,))


def convolution(where: str, node: Any, shape: tuple[int, ...]) -> Layer:
    """`Conv2d` with one synapse for every use of a tap.

    Raises:
        BadInput: padding, dilation or groups, shapes that do not chain, too many synapses.
    """
    for name, wanted in (("padding", 0), ("dilation", 1), ("groups", 1)):
        value = 0 if getattr(node, name) == "valid" else getattr(node, name)
        if np.asarray(value).dtype.kind not in "iu" or (np.asarray(value) != wanted).any():
            raise BadInput("a convolution that cannot be carried", where=f"{where}: {name}", expected=str(wanted),
                           got=str(getattr(node, name))[:60])  # fmt: skip
    kernel = numbers(f"{where}: weight", node.weight)
    if len(shape) != 3 or kernel.ndim != 4 or kernel.shape[1] != shape[0]:
        raise BadInput("shapes do not chain", where=f"{where}: weight", got=str(list(kernel.shape)),
                       expected=f"[channels, *{list(shape[:1])}, height, width] for {list(shape)}")  # fmt: skip
    stride = np.asarray(node.stride)
    if stride.dtype.kind not in "iu" or stride.shape not in ((), (1,), (2,)):
        raise BadInput("not a stride", where=f"{where}: stride", expected="one or two integers", got=str(stride)[:60])
    down, right = (int(step) for step in np.broadcast_to(stride, 2))
    bias = _bias(where, node, len(kernel))
    positive = not ((kernel < 0).any() or (bias < 0).any())
    image, window = (shape[0], shape[1], shape[2]), (kernel.shape[2], kernel.shape[3])
    wiring = Convolution(image, window, (down, right), len(kernel), False, positive)
    if math.prod(kernel.shape[1:]) * wiring.n_out > MOST:
        raise BadInput("too many synapses", where=where, expected=f"at most {MOST}")
    places = wiring.n_out // len(kernel)
    taps = np.repeat(kernel.reshape(len(kernel), -1).T, places, axis=1)
    return Layer(wiring, True, taps, np.repeat(bias, places), wiring.image_out)


def _bias(where: str, node: Any, n: int) -> np.ndarray:
    found = numbers(f"{where}: bias", node.bias)
    if found.shape != (n,):
        raise BadInput("not one bias per neuron", where=f"{where}: bias", expected=f"[{n}]", got=str(list(found.shape)))
    return found


def _flag(where: str, node: Any, name: str) -> bool | None:
    if name not in node.metadata:
        return None
    found = np.asarray(node.metadata[name])
    if found.shape != (1,) or found.dtype.kind not in "iu" or found[0] not in (0, 1):
        raise BadInput("not a flag", where=f"{where}: {name}", expected="[0] or [1]", got=str(found)[:60])
    return bool(found[0])


def _window(where: str, values: Any, positive: bool) -> Convolution:
    found = np.asarray(values)
    if found.shape != (8,) or found.dtype.kind not in "iu" or not 0 < found.min() <= found.max() < 2**24:
        raise BadInput("not a window", where=f"{where}: {WINDOW}", expected="8 sizes from 1", got=str(found)[:80])
    c, h, w, kernel_h, kernel_w, down, right, channels = (int(v) for v in found)
    return Convolution((c, h, w), (kernel_h, kernel_w), (down, right), channels, False, positive)
