"""What a network of measured neurons answers: the forward pass that training differentiates.

The first stage is a layer of neurons, not of weights (Binas et al. 2016, section 3.1): inputs are rectified
and scaled by the input neurons' own slopes before the first weight matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.contract import Shape, Substrate


def forward(
    substrate: Substrate,
    transfer: Transfer,
    weights: Sequence[Float[Array, "dies _ _"]],
    x: Float[Array, "patterns n_in"],
) -> Float[Array, "dies patterns n_out"]:
    """Outputs of a network on every chip that `transfer` describes.

    Args:
        substrate: kind of circuit.
        transfer: measured characteristics, ``dies`` chips.
        weights: one array per weight matrix, ``[dies, n_in, n_out]``.
        x: inputs, the same for all chips, in any unit: rectifying neurons have no scale of their own.
    """
    layers = (weights[0].shape[-2], *(w.shape[-1] for w in weights))
    check_layers(layers, substrate.shape)
    chosen = transfer.select(layers)
    return jax.vmap(lambda one, w: chip_forward(substrate, one, w, x))(chosen, tuple(weights))


def chip_forward(
    substrate: Substrate,
    transfer: Transfer,
    weights: Sequence[Float[Array, "_ _"]],
    x: Float[Array, "patterns n_in"],
) -> Float[Array, "patterns n_out"]:
    """The same for one chip, whose `transfer` and weights have no axis of dies (inside ``jax.vmap``)."""
    y = substrate.layer(transfer, 0, None, x)
    for index, matrix in enumerate(weights, start=1):
        y = substrate.layer(transfer, index, matrix, y)
    return y


def decide(outputs: Float[Array, "... n_classes"] | np.ndarray) -> Int[np.ndarray, "..."]:
    """The class whose output is the largest, or -1 where the outputs decide nothing.

    A NaN or infinite output never wins. Where no output is finite, or several share the largest value (all
    outputs silent, say), the answer is -1, which is no class: such a sample counts as wrong.
    """
    values = np.asarray(outputs)
    values = np.where(np.isfinite(values), values, -np.inf)
    best = values.max(axis=-1)
    undecided = np.sum(values == best[..., None], axis=-1) > 1
    return np.where(undecided | ~np.isfinite(best), -1, values.argmax(axis=-1))


def check_layers(layers: Sequence[int], shape: Shape) -> Shape:
    """`layers` as a tuple, once it is known that the chip carries them.

    Raises:
        BadInput: a layer without neurons.
        DoesNotFit: more layers, or more neurons in one of them, than the chip has.
    """
    layers = tuple(layers)
    if len(layers) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in layers):
        raise BadInput(
            "layers are not sizes of layers",
            where="layers",
            expected="two or more whole numbers above 0",
            got=str(layers),
        )
    if len(layers) != len(shape):
        raise DoesNotFit(
            "the network does not have the chip's number of layers",
            where="layers",
            expected=f"{len(shape)} layers {tuple(shape)}",
            got=f"{len(layers)} layers {layers}",
        )
    for index, (wanted, available) in enumerate(zip(layers, shape, strict=True)):
        if wanted > available:
            raise DoesNotFit(
                "the network is larger than the chip",
                where=f"layer {index}",
                expected=f"at most {available} neurons",
                got=f"{wanted} ({wanted - available} too many)",
            )
    return layers


def check_finite(transfer: Transfer) -> None:
    """Raises `BadInput` where a neuron has no slope."""
    for layer, activation in enumerate(transfer.activations):
        bad = ~np.isfinite(np.asarray(activation.slope))
        if bad.any():
            die, neuron = np.argwhere(bad)[0]
            raise BadInput(
                "a neuron has no slope",
                where=f"transfer: die {die}, layer {layer}, neuron {neuron}",
                expected="a finite slope",
                got=f"{np.asarray(activation.slope)[die, neuron]} ({bad.sum()} such in this layer)",
                advice="Its measurement did not converge or saw no current: measure it again.",
            )
