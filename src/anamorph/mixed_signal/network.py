r"""What a network of mixed-signal neurons answers, with the noise of every multiplication.

    y = tanh(g (sum_k (w_k + d_k) x_k + b + d_b)),    |w|, |b| <= 1

(Chatterjee et al. 2018, eq. 1.) Voltages are in units of the cell's full scale, weights in units of the largest code;
g is a layer's gain, the ratio of a branch's transconductance at the largest code to that of the load. d is the noise,
as a random part of the weights (section III): normal, `sigma` times the largest weight, drawn anew for every
multiplication or frozen for good. Of noise that is fresh for every multiplication only sums are ever seen, and those
are normal with

    variance  sigma^2 (sum_k x_k^2 + 1)

so that one number is drawn per sum instead of one per product: the same distribution, exactly.

A circuit's noise does not know how large the input of its branch is: `Noise.of_branches` adds ``sigma^2`` per branch,
whatever it multiplies, and is the worse of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.mixed_signal.layers import Average, Convolution, Image, Layer, dense


class Weights(NamedTuple):
    """Parameters of one layer.

    Attributes:
        synapses: in units of the largest weight, ``[taps, neurons]``.
        bias: of a synapse whose input is always at full scale, ``[neurons]``.
        gain: logarithm of the layer's gain.
    """

    synapses: Float[Array, "*batch taps neurons"]
    bias: Float[Array, "*batch neurons"]
    gain: Float[Array, "*batch"]


class Noise(NamedTuple):
    """What is added to the sums of one evaluation.

    Attributes:
        sigma: standard deviation in units of the largest weight.
        key: of the draws.
        of_branches: 1 where every branch adds its noise whatever its input is, 0 where it is a part of the weights.
    """

    sigma: Float[Array, ""]
    key: PRNGKeyArray
    of_branches: Float[Array, ""]


@dataclass(frozen=True)
class MacNetwork:
    """Layers of multiply-accumulate neurons and averages.

    Attributes:
        layers: one after the other.

    Raises:
        BadInput: layers that do not chain, or a first one that does not multiply.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[0], Convolution):
            raise BadInput(
                "the first layer does not multiply", where="network", expected="a convolution or dense layer"
            )
        for first, second in zip(self.layers, self.layers[1:], strict=False):
            if first.image_out != second.image:
                raise BadInput("layers do not chain", where="network", expected=str(first.image_out),
                               got=str(second.image))  # fmt: skip

    @property
    def neurons(self) -> tuple[Convolution, ...]:
        """The layers that multiply."""
        return tuple(layer for layer in self.layers if isinstance(layer, Convolution))

    @property
    def macs(self) -> int:
        """Multiplications per image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def image(self) -> Image:
        """What comes in."""
        return self.layers[0].image

    def images(self, x: Float[Array, "images features"]) -> Float[Array, "images h w c"]:
        """Rows of features as images; channels come last."""
        return x.reshape(-1, *self.image)


def fully_connected(image: Image, hidden: Sequence[int], classes: int) -> MacNetwork:
    """Dense layers alone."""
    layers: list[Layer] = []
    for neurons in (*hidden, classes):
        layers.append(dense(image if not layers else layers[-1].image_out, neurons))
    return MacNetwork(tuple(layers))


def convolutional(image: Image, channels: Sequence[int], kernels: Sequence[int], classes: int) -> MacNetwork:
    """Convolutions with kernels of these sides, each with averages over two by two behind it, and a dense layer."""
    layers: list[Layer] = []
    for count, side in zip(channels, kernels, strict=True):
        before = image if not layers else layers[-1].image_out
        layers.append(Convolution(before, (side, side), count))
        layers.append(Average(layers[-1].image_out))
    layers.append(dense(layers[-1].image_out, classes))
    return MacNetwork(tuple(layers))


def rounded(weights: Sequence[Weights], n_bits: int) -> tuple[Weights, ...]:
    """Weights and biases of the levels that `n_bits` and a sign have; the gradient passes straight through.

    Levels are multiples of ``1 / (2^n_bits - 1)`` from -1 to 1. The sign swaps the two outputs of a pair (assumed:
    the papers do not say how a weight becomes negative).

    Raises:
        BadInput: bits outside 1..16.
    """
    if not 1 <= n_bits <= 16:
        raise BadInput("no such weights", where="mixed_signal: n_bits", expected="1 to 16", got=str(n_bits))
    return of_levels(weights, 2.0**n_bits - 1)


def of_levels(weights: Sequence[Weights], most: Array | np.floating | float) -> tuple[Weights, ...]:
    """`rounded`, for a largest code that may be traced."""
    return tuple(Weights(_round(w.synapses, most), _round(w.bias, most), w.gain) for w in weights)


@jax.custom_jvp
def _nearest(w: Array, most: Array) -> Array:
    return jnp.round(jnp.clip(w, -1, 1) * most) / most


@_nearest.defjvp
def _straight_through(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    w, most = primals
    return _nearest(w, most), jnp.where(jnp.abs(w) <= 1, tangents[0], 0.0)


def _round(w: Array, most: Array | np.floating | float) -> Array:
    return _nearest(w, jnp.asarray(most, w.dtype))


def answer(
    network: MacNetwork,
    weights: Sequence[Weights],
    x: Float[Array, "images h w c"],
    noise: Noise | None = None,
) -> Float[Array, "images classes"]:
    """Outputs of the last layer before its limits, which do not change which is the largest.

    This is what training differentiates; `anamorph.mixed_signal.staged` gives the same for inference, faster.

    Args:
        network: layers.
        weights: one per layer that multiplies, without leading axes; rounded, where they are to be.
        x: images, in units of full scale.
        noise: of this evaluation; none without it.
    """
    number, count = 0, len(network.neurons)
    for layer in network.layers:
        if isinstance(layer, Average):
            x = layer.means(x)
            continue
        assert isinstance(layer, Convolution)
        own = weights[number]
        total = layer.sums(own.synapses, x) + own.bias
        if noise is not None:
            total = total + _drawn(layer, x, total, noise._replace(key=jax.random.fold_in(noise.key, number)))
        total = jnp.exp(own.gain) * total
        number += 1
        x = jnp.tanh(total) if number < count else total
    return x[:, 0, 0]


def _drawn(layer: Convolution, x: Array, total: Array, noise: Noise) -> Float[Array, "images y x neurons"]:
    """One number per sum, with the variance of all its products' noise; the bias is one more branch."""
    seen = layer.energies(x)
    variance = 1 + seen + noise.of_branches * (layer.shape[0] - seen)
    return noise.sigma * jnp.sqrt(variance) * jax.random.normal(noise.key, total.shape, total.dtype)
