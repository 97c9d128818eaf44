"""Products of whole numbers: the digital reference of a network at so many bits.

    y = s_x s_w sum_k q(x_k / s_x) q(w_k / s_w)

Weights are whole numbers of `weight_bits` with a sign, from -(2^(b-1) - 1) to 2^(b-1) - 1; inputs of `input_bits`,
from 0 to 2^b - 1, or from -2^(b-1) to 2^(b-1) - 1 where some are negative. Sums are exact. This is what ONNX's
QuantizeLinear and DequantizeLinear around a product make of it, and what memory cells are measured against.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from anamorph.processor.inference.products import Products
from anamorph.processor.inference.ranges import Ranges


class Digital(Products):
    """Products at so many bits.

    Args:
        ranges: of each product, by name.
        input_bits: of an input, 1 to 16.
        weight_bits: of a weight, 2 to 16 (one bit is taken for two).
    """

    def __init__(self, ranges: Mapping[str, Ranges], input_bits: int = 8, weight_bits: int = 8) -> None:
        self._ranges, self._input_bits, self._weight_bits = ranges, input_bits, weight_bits

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """What the quantised matrices make of quantised inputs."""
        found = self._ranges[name]
        codes, step = input_codes(x, found, self._input_bits)
        most = max(2.0 ** (self._weight_bits - 1) - 1, 1.0)
        scale = (found.weights / most)[:, None, None]
        stored = np.clip(np.rint(w / scale), -most, most)
        return ((codes @ stored) * (step * scale)).astype(x.dtype)


def input_codes(x: Float[np.ndarray, "*any"], found: Ranges, bits: int) -> tuple[Float[np.ndarray, "*any"], float]:
    """Inputs as whole numbers, and the value of one."""
    if found.signed:
        most = 2.0 ** (bits - 1) - 1
        step = found.inputs / max(most, 1.0)
        return np.clip(np.rint(x / np.float32(step)), -most - 1, most).astype(np.float64), step
    most = 2.0**bits - 1
    step = found.inputs / most
    return np.clip(np.rint(x / np.float32(step)), 0, most).astype(np.float64), step
