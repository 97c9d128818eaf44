"""What a network answers to many images under noise, layer by layer, each in one compiled step.

The same answers as `anamorph.mixed_signal.network.answer` gives, made for inference: images are the last axis, so that
every loop runs over them; noise is drawn inside the loop that adds it; and the tanh of the pixels that are averaged
are summed as they are found. Steps are compiled apart because XLA, given them together, would work out a layer again
for every window that sees it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.mixed_signal.layers import Average, Convolution
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.mixed_signal.random_numbers import Words, normal, threefry

#: Streams of random numbers that a draw, and a layer of it, may use.
OF_DRAW, OF_LAYER = 4096, 128

Maps = Float[Array | np.ndarray, "channels h w images"]
MapsOut = Float[Array, "neurons y x images"]


@dataclass(frozen=True)
class Stage:
    """A layer that multiplies, and what comes behind it: hashable, since compiled code depends on it.

    Attributes:
        layer: that multiplies.
        square: side of the squares whose means are taken; 1 for none.
        number: of the layer.
        last: its outputs are not limited.
    """

    layer: Convolution
    square: int
    number: int
    last: bool


class Draw(NamedTuple):
    """Noise of one evaluation.

    Attributes:
        sigma: standard deviation in units of the largest weight.
        key: of the images' random numbers.
        number: of the draw.
    """

    sigma: Float[Array, ""] | np.floating
    key: Words
    number: Array | np.unsignedinteger


class Sums(NamedTuple):
    """What a layer adds up, and the sum of the squares it saw (nothing where the noise does not ask for it)."""

    total: Float[Array, "neurons h w images"]
    energies: Float[Array, "h w images"] | None


def stages(network: MacNetwork) -> tuple[Stage, ...]:
    """The layers that multiply, each with the averages behind it: means of means are means of larger squares."""
    found: list[Stage] = []
    for layer in network.layers:
        if isinstance(layer, Average):
            before = found.pop()
            found.append(Stage(before.layer, before.square * layer.size, before.number, False))
        else:
            assert isinstance(layer, Convolution)
            found.append(Stage(layer, 1, len(found), False))
    return (*found[:-1], Stage(found[-1].layer, found[-1].square, found[-1].number, True))


def maps_of(network: MacNetwork, x: Float[np.ndarray, "images features"]) -> Float[np.ndarray, "channels h w images"]:
    """Rows of features with images last."""
    return np.ascontiguousarray(
        np.moveaxis(np.asarray(x, np.float32).reshape(-1, *network.image), 0, -1).transpose(2, 0, 1, 3)
    )


@functools.partial(jax.jit, static_argnums=(0, 3))
def sums(stage: Stage, weights: Weights, x: Maps, squares: bool) -> Sums:
    """Of one layer without noise; `squares` asks for the sums of squares too."""
    return _sums(stage.layer, weights, x, squares)


@functools.partial(jax.jit, static_argnums=(0, 4))
def outputs(stage: Stage, found: Sums, gain: Float[Array, ""], draw: Draw | None, of_branches: bool) -> MapsOut:
    """Of one layer from its sums."""
    return _outputs(stage, found, gain, draw, of_branches)


@functools.partial(jax.jit, static_argnums=(0, 4))
def answered(stage: Stage, weights: Weights, x: Maps, draw: Draw | None, of_branches: bool) -> MapsOut:
    """Of one layer from its inputs."""
    found = _sums(stage.layer, weights, x, draw is not None and not of_branches)
    return _outputs(stage, found, weights.gain, draw, of_branches)


def answer(
    steps: tuple[Stage, ...], first: Sums, weights: tuple[Weights, ...], draw: Draw | None, of_branches: bool
) -> Float[Array, "classes images"]:
    """Of the whole network, from the first layer's sums on."""
    x = outputs(steps[0], first, weights[0].gain, draw, of_branches)
    for stage, own in zip(steps[1:], weights[1:], strict=True):
        x = answered(stage, own, x, draw, of_branches)
    return x[:, 0, 0]


def _sums(layer: Convolution, weights: Weights, x: Maps, squares: bool) -> Sums:
    """One matrix product for all shifts along a row; those along a column are added up behind it."""
    height, width = layer.kernel
    rows, columns, neurons = layer.image_out
    channels, images = x.shape[0], x.shape[-1]
    kernel = weights.synapses.reshape(height, width, channels, neurons).astype(x.dtype)
    bias = weights.bias[:, None, None, None].astype(x.dtype)
    energies = _boxes(jnp.sum(x**2, axis=0), height, width) if squares else None
    if rows == columns == 1:
        flat = kernel.transpose(3, 2, 0, 1).reshape(neurons, -1) @ x.reshape(-1, images)
        return Sums(flat[:, None, None] + bias, energies)
    seen = jnp.stack([x[:, :, j : j + columns] for j in range(width)]).reshape(width * channels, -1)
    wide = kernel.transpose(0, 3, 1, 2).reshape(height * neurons, width * channels) @ seen
    wide = wide.reshape(height, neurons, -1, columns, images)
    return Sums(functools.reduce(jnp.add, (wide[i, :, i : i + rows] for i in range(height))) + bias, energies)


def _boxes(squares: Float[Array, "h w images"], height: int, width: int) -> Float[Array, "y x images"]:
    rows, columns = squares.shape[0] - height + 1, squares.shape[1] - width + 1
    down = functools.reduce(jnp.add, (squares[i : i + rows] for i in range(height)))
    return functools.reduce(jnp.add, (down[:, j : j + columns] for j in range(width)))


def _outputs(stage: Stage, found: Sums, gain: Array, draw: Draw | None, of_branches: bool) -> MapsOut:
    """The pixels of a square are four (or more) loops over the same places: sums of them need nothing twice."""
    side, total = stage.square, found.total
    gain = jnp.exp(gain).astype(total.dtype)
    parts = []
    for index in range(side * side):
        at = (slice(index // side, None, side), slice(index % side, None, side))
        part = total[:, *at]
        if draw is not None:
            seen = stage.layer.shape[0] if of_branches or found.energies is None else found.energies[at]
            drawn = _drawn(stage, draw, index, part.shape)
            part = part + draw.sigma * jnp.sqrt(jnp.asarray(1 + seen, part.dtype)) * drawn
        parts.append(gain * part if stage.last else jnp.tanh(gain * part))
    return functools.reduce(jnp.add, parts) / np.float32(side * side)


def _drawn(stage: Stage, draw: Draw, index: int, shape: tuple[int, ...]) -> MapsOut:
    """Of two neighbours in a square each takes one of a counter's two words."""
    count = jax.lax.iota(jnp.uint32, int(np.prod(shape)))
    stream = jnp.asarray(draw.number, jnp.uint32) * np.uint32(OF_DRAW)
    stream = stream + np.uint32(stage.number * OF_LAYER + index // 2)
    return normal(threefry(draw.key, count, stream)[index % 2]).reshape(shape)
