"""Training a rectified network: in floating point, through rounding, or through memory cells with all they do.

All three are `anamorph.mixed_signal.train`, with other answers. Through cells, every step meets blocks of one of
`CHIPS` chips and fresh noise, so the weights learn to do with what deviates; converters and inputs round, and gradients
pass them straight through. Full scales and output scales stay those of a calibration of the network that training
begins from. The chips of training are others than those on which networks are judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.mixed_signal.layers import Convolution
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.processor.accuracy.rectified import name_of
from anamorph.processor.inference.blocks import Blocks, in_cells, rounded_only
from anamorph.processor.inference.cells import Calibrated
from anamorph.provenance import named_key
from anamorph.vmm.magnitudes import magnitudes
from anamorph.vmm.sources import Errors

#: Chips that training meets.
CHIPS = 16


@dataclass(frozen=True)
class Floating:
    """Answers in floating point.

    Attributes:
        network: layers.
    """

    network: MacNetwork

    def __call__(
        self, weights: tuple[Weights, ...], x: Float[Array, "images h w c"], key: PRNGKeyArray, given: Any
    ) -> Float[Array, "images classes"]:
        """Outputs of the last layer; nothing is random."""
        return _answers(self.network, weights, x, lambda number, layer, x, w: layer.sums(w, x))


@dataclass(frozen=True)
class InBlocks:
    """Answers of blocks that round, or of memory cells, on another chip at every call.

    Attributes:
        network: layers.
        blocks: of each layer that multiplies.
        cells: whether they do all that cells do, and not only round.
    """

    network: MacNetwork
    blocks: tuple[Blocks, ...]
    cells: bool

    def __call__(
        self, weights: tuple[Weights, ...], x: Float[Array, "images h w c"], key: PRNGKeyArray, given: Any
    ) -> Float[Array, "images classes"]:
        """Outputs of the last layer; `given` is of `numbers`."""

        def sums(number: int, layer: Convolution, x: Array, w: Array) -> Array:
            blocks, own = self.blocks[number], given[number]
            seen = _windows(layer, x)
            vectors, stored = seen.reshape(1, -1, seen.shape[-1]) / own["inputs"], w[None] / own["weights"]
            if self.cells:
                chip = jax.random.randint(key, (), 0, CHIPS)  # one chip has all layers
                die = jax.tree.map(lambda parts: parts[chip], own["chips"])
                noise = jax.random.fold_in(key, number)
                y = in_cells(blocks, own["errors"], die, stored, vectors, own["sums"], own["scale"], noise)
            else:
                y = rounded_only(blocks, stored, vectors, own["sums"])
            return (y[0] * own["inputs"] * own["weights"]).reshape(*seen.shape[:3], -1)

        return _answers(self.network, weights, x, sums)


def in_blocks(
    network: MacNetwork, calibrated: Mapping[str, Calibrated], errors: Errors | None, seed: int = 0
) -> tuple[InBlocks, list[dict[str, Any]]]:
    """What to train through, and the numbers it takes; without `errors` blocks only round."""
    layers = [calibrated[name_of(number)] for number in range(len(network.neurons))]
    numbers = []
    for one in layers:
        vmm = one.blocks.vmm
        found = {
            "inputs": one.ranges.inputs, "weights": one.ranges.weights[0], "sums": one.ranges.sums, "scale": one.scale
        }  # fmt: skip
        found["errors"] = magnitudes(vmm.design, vmm.physics, errors or Errors.none())
        if errors is not None:
            keys = [named_key(seed, f"training chip {chip} {len(numbers)}") for chip in range(CHIPS)]
            found["chips"] = jax.tree.map(lambda *parts: jnp.stack(parts), *(one.blocks.fabricate(key) for key in keys))
        numbers.append(jax.tree.map(jnp.float32, found))
    return InBlocks(network, tuple(one.blocks for one in layers), errors is not None), numbers


def _answers(network: MacNetwork, weights: tuple[Weights, ...], x: Array, sums: Any) -> Array:
    number, count = 0, len(network.neurons)
    for layer in network.layers:
        if not isinstance(layer, Convolution):
            x = layer.means(x)  # pyright: ignore[reportAttributeAccessIssue]
            continue
        one = weights[number]
        y = jnp.exp(one.gain) * (sums(number, layer, x, one.synapses) + one.bias)
        number += 1
        x = jnp.clip(y, 0, 1) if number < count else y
    return x[:, 0, 0]


def _windows(layer: Convolution, x: Float[Array, "images h w c"]) -> Float[Array, "images y x taps"]:
    """As `rectified.unrolled`, to be differentiated."""
    height, width, _ = layer.image_out
    rows, columns = layer.kernel
    parts = [x[:, i : i + height, j : j + width] for i, j in np.ndindex(rows, columns)]
    return jnp.concatenate(parts, axis=-1)
