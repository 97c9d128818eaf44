r"""Networks for a multiplier with unsigned inputs: layers of MAC neurons whose outputs are cut to 0..1.

    y = clip(g (sum_k w_k x_k + b), 0, 1),    |w|, |b| <= 1

The layers and weights are those of `anamorph.mixed_signal`; where its neuron has a tanh, a converter with a fixed range
has two corners. Products go through `Products`, in which images' windows are vectors; bias, gain and corners are
digital. Beyond the last layer nothing is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from anamorph.mixed_signal.layers import Convolution
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.processor.inference.products import Products
from anamorph.processor.inference.windows import windows

#: Images taken at once: what their windows hold stays small.
IMAGES = 1000


def name_of(number: int) -> str:
    """The product of a layer that multiplies."""
    return f"layer {number + 1}"


def answers(
    network: MacNetwork, weights: Sequence[Weights], products: Products, x: Float[np.ndarray, "images features"]
) -> Float[np.ndarray, "images classes"]:
    """Outputs of the last layer.

    Args:
        network: layers.
        weights: one per layer that multiplies.
        products: multiplies.
        x: images, 0..1.
    """
    images = np.asarray(x, np.float32).reshape(-1, *network.image)
    return np.concatenate([_some(network, weights, products, part) for part in _batches(images)])


def _batches(images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(images), IMAGES):
        yield images[start : start + IMAGES]


def _some(network: MacNetwork, weights: Sequence[Weights], products: Products, x: np.ndarray) -> np.ndarray:
    number, count = 0, len(network.neurons)
    for layer in network.layers:
        if not isinstance(layer, Convolution):
            height, width, channels = layer.image_out
            sides = (len(x), height, layer.image[0] // height, width, layer.image[1] // width, channels)
            x = x.reshape(sides).mean(axis=(2, 4))
            continue
        one = weights[number]
        seen = unrolled(layer, x)
        y = products(name_of(number), seen.reshape(1, -1, seen.shape[-1]), np.asarray(one.synapses, np.float32)[None])
        y = np.exp(np.asarray(one.gain, np.float32)) * (y[0] + np.asarray(one.bias, np.float32))
        number += 1
        x = np.clip(y, 0, 1) if number < count else y
        x = x.reshape(*seen.shape[:3], -1)
    return x[:, 0, 0]


def unrolled(layer: Convolution, x: Float[np.ndarray, "images h w c"]) -> Float[np.ndarray, "images y x taps"]:
    """The windows of a layer; taps count row by row, channels within a pixel, as its weights do."""
    seen = windows(x.transpose(0, 3, 1, 2), layer.kernel, (1, 1), (1, 1))
    seen = seen.transpose(0, 2, 3, 4, 5, 1)
    return seen.reshape(*seen.shape[:3], -1)
