"""Full scales of a product: which values its inputs, weights and sums span, found on samples.

A product in memory cells takes inputs from 0 to 1, weights from -1 to 1, and digitises sums within a full scale. What
these mean in the network's own units is chosen once, layer by layer, from what passes on a few samples: the scale, of
fractions of the largest magnitude, whose quantisation (rounding inside, clipping outside) has the least squared error.
At many bits that is the largest magnitude itself; at few bits a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from anamorph.processor.inference.products import Products

#: Fractions of the largest magnitude that are tried.
FRACTIONS = np.linspace(1.0, 0.1, 37)
#: Values that a scale is judged by, drawn at random from all that were seen.
SAMPLES = 20_000


@dataclass(frozen=True)
class Ranges:
    """Of one product.

    Attributes:
        inputs: magnitude that is the largest input.
        signed: whether inputs may be negative.
        weights: magnitude that is the largest weight, by group.
        sums: largest magnitude of the sums of one block, in units of `inputs` x `weights`; None before it is known.
    """

    inputs: float
    signed: bool
    weights: Float[np.ndarray, " groups"]
    sums: float | None = None


def best_scale(values: Float[np.ndarray, "..."], levels: float) -> float:
    """The full scale with the least squared error.

    Args:
        values: to be quantised.
        levels: steps from zero to full scale.

    Returns:
        It; 1 where all values are zero.
    """
    magnitudes = np.abs(values.ravel())
    largest = float(magnitudes.max(initial=0.0))
    if largest == 0:
        return 1.0
    scales = largest * FRACTIONS
    rounded = np.rint(np.minimum(magnitudes / scales[:, None], 1) * levels) / levels * scales[:, None]
    # the first of equals: the largest
    return float(scales[np.argmin(np.mean((rounded - magnitudes) ** 2, axis=1))])


class Watch(Products):
    """Another product's results, with inputs and weights as they come by remembered.

    Attributes:
        inputs: name of a product -> samples of its inputs.
        weights: name of a product -> its stored matrices.
    """

    def __init__(self, inner: Products, seed: int = 0) -> None:
        self._inner, self._random = inner, np.random.default_rng(seed)
        self.inputs: dict[str, Float[np.ndarray, "groups vectors rows"]] = {}
        self.weights: dict[str, Float[np.ndarray, "groups rows columns"]] = {}

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """What the other gives."""
        most = max(1, SAMPLES // (x.shape[0] * x.shape[2]) + 1)
        some = x[:, self._random.permutation(x.shape[1])[:most]]
        held = self.inputs.get(name)
        self.inputs[name] = some if held is None else np.concatenate([held, some], axis=1)
        self.weights[name] = w
        return self._inner(name, x, w)


def ranges_of(
    x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"], input_bits: int,
    weight_bits: int,
) -> Ranges:  # fmt: skip
    """Ranges of inputs and weights; a weight's bits hold its sign, an input's only where it is signed.

    Args:
        x: samples of inputs.
        w: the stored matrices.
        input_bits: of an input.
        weight_bits: of a weight.
    """
    signed = bool(np.any(x < 0))
    levels = 2.0 ** (input_bits - signed) - 1
    steps = max(2.0 ** (weight_bits - 1) - 1, 1.0)
    return Ranges(best_scale(x, max(levels, 1.0)), signed, np.array([best_scale(one, steps) for one in w]))
