"""Training networks of mixed-signal neurons: through their coarse weights, and through their noise.

Adam on the cross-entropy of the answers, whose scale is trained with the rest. Forward and gradient use weights rounded
to the levels that exist, updates a high-precision copy (the dual copies of Courbariaux et al. 2015). With `noise`
every step meets a fresh draw of it, at a power drawn for each batch between none and the given one, uniform in the
standard deviation: one network then serves all powers up to it.

What differs between the trainings of one network (bits, rates, noise) is given to the compiled step as numbers, so that
all of them share it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.mixed_signal.network import MacNetwork, Noise, Weights, answer, of_levels, rounded

#: Largest gain that training may give a layer (assumed: a load so many times smaller than a branch).
GAIN_MAX = 4.0
#: Outputs of the last layer from weights, images ``[images, h, w, c]``, a key of what is random, and more numbers.
#: Hashable, as compiled code depends on it.
Through = Callable[[tuple[Weights, ...], Array, Array, Any], Array]
#: How far distorted images move, pixels.
SHIFT = 3


@dataclass(frozen=True)
class Training:
    """Hyper-parameters.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: of Adam at the start; it falls to zero along a half cosine.
        n_bits: of a weight's magnitude.
        noise: largest standard deviation of a weight that training meets; 0 for none.
        of_branches: see `Noise`.
        distort: images are mirrored and shifted at random (`distorted`), as photographs may be.

    Raises:
        BadInput: out of range.
    """

    epochs: int = 8
    batch_size: int = 100
    learning_rate: float = 0.02
    n_bits: int = 8
    noise: float = 0.0
    of_branches: bool = False
    distort: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size) < 1 or not self.learning_rate > 0 or not self.noise >= 0:
            raise BadInput("not a training", where="mixed_signal: training", got=str(self),
                           expected="epochs and batches of at least 1, a rate above 0, noise from 0")  # fmt: skip


class Fitted(NamedTuple):
    """A trained network.

    Attributes:
        stored: the high-precision copy.
        weights: rounded to the levels that exist.
        losses: mean of every epoch.
    """

    stored: tuple[Weights, ...]
    weights: tuple[Weights, ...]
    losses: Float[np.ndarray, " epochs"]


def start(network: MacNetwork, key: PRNGKeyArray) -> tuple[Weights, ...]:
    """Weights uniform over the whole range, so that few bits suffice to begin with; gains that keep sums near 1."""
    found = []
    for number, layer in enumerate(network.neurons):
        taps, neurons = layer.shape
        own = jax.random.fold_in(key, number)
        synapses = jax.random.uniform(own, (taps, neurons), jnp.float32, -1, 1)
        gain = jnp.asarray(np.log(min(np.sqrt(3 / taps), GAIN_MAX)), jnp.float32)
        found.append(Weights(synapses, jnp.zeros(neurons, jnp.float32), gain))
    return tuple(found)


def train(
    network: MacNetwork,
    x: Float[np.ndarray, "images features"],
    labels: Int[np.ndarray, " images"],
    settings: Training,
    key: PRNGKeyArray,
    progress: Callable[[int, float], None] | None = None,
    begin: tuple[Weights, ...] | None = None,
    through: Through | None = None,
    given: Any = None,
) -> Fitted:
    """Train one network.

    Args:
        network: layers.
        x: training images, values from 0 to 1 in units of full scale.
        labels: their classes.
        settings: hyper-parameters.
        key: of the start, the order of the batches and the noise.
        progress: told the number of each epoch and its mean loss.
        begin: stored weights to go on from, in place of random ones.
        through: what answers, in place of the network's own layers with noise in their weights.
        given: numbers that it takes, the same at every step.

    Raises:
        BadInput: fewer images than a batch.
    """
    steps = len(x) // settings.batch_size
    if steps < 1:
        raise BadInput("fewer images than a batch", where="train", expected=f"{settings.batch_size}", got=str(len(x)))
    stored = start(network, jax.random.fold_in(key, 0)) if begin is None else begin
    state = (stored, optax.scale_by_adam().init(stored))
    rates = settings.learning_rate * _half_cosine(steps * settings.epochs).reshape(settings.epochs, steps)
    knobs = _Knobs(np.float32(2.0**settings.n_bits - 1), np.float32(settings.noise), np.float32(settings.of_branches))
    images = np.asarray(network.images(jnp.asarray(x, jnp.float32)))
    order = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    losses = []
    for epoch in range(settings.epochs):
        rows = order.permutation(len(x))[: steps * settings.batch_size].reshape(steps, -1)
        own = jax.random.fold_in(key, epoch + 1)
        kinds = (settings.noise > 0, settings.distort)
        numbers = (rates[epoch], own, knobs, given)
        state, loss = _epoch(network, kinds, through, state, images, np.asarray(labels), rows, *numbers)
        losses.append(float(loss))
        if progress is not None:
            progress(epoch, losses[-1])
    return Fitted(state[0], rounded(state[0], settings.n_bits), np.array(losses))


class _Knobs(NamedTuple):
    """What a compiled step takes as numbers: the largest code, and the noise."""

    most: Array | np.floating
    noise: Array | np.floating
    of_branches: Array | np.floating


def _half_cosine(steps: int) -> Float[np.ndarray, " steps"]:
    """From one down to (nearly) zero."""
    return (0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))).astype(np.float32)


def distorted(key: PRNGKeyArray, images: Float[Array, "images h w c"]) -> Float[Array, "images h w c"]:
    """Each image mirrored or not, and moved by up to `SHIFT` pixels either way; what comes in at an edge repeats it."""
    flip, move = jax.random.split(key)
    count, height, width, channels = images.shape
    mirrored = jax.random.bernoulli(flip, 0.5, (count, 1, 1, 1))
    images = jnp.where(mirrored, images[:, :, ::-1], images)
    padded = jnp.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    corner = jax.random.randint(move, (count, 2), 0, 2 * SHIFT + 1)

    def cut(image: Array, at: Array) -> Array:
        return jax.lax.dynamic_slice(image, (at[0], at[1], jnp.zeros((), at.dtype)), (height, width, channels))

    return jax.vmap(cut)(padded, corner)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _epoch(
    network: MacNetwork,
    kinds: tuple[bool, bool],
    through: Through | None,
    state: Any,
    images: Float[Array, "images h w c"],
    labels: Int[Array, " images"],
    rows: Int[Array, "steps batch"],
    rates: Float[Array, " steps"],
    key: PRNGKeyArray,
    knobs: _Knobs,
    given: Any,
) -> tuple[Any, Float[Array, ""]]:
    adam = optax.scale_by_adam()
    noisy, distort = kinds

    def step(state: Any, batch: tuple[Array, Array, Array]) -> tuple[Any, Array]:
        row, rate, number = batch
        weights, memory = state
        own, other = jax.random.split(jax.random.fold_in(key, number))
        x = distorted(other, images[row]) if distort else images[row]
        if through is None:
            loss, slope = jax.value_and_grad(_loss)(weights, network, noisy, knobs, x, labels[row], own)
        else:
            loss, slope = jax.value_and_grad(_loss_through)(weights, through, given, x, labels[row], own)
        update, memory = adam.update(slope, memory)
        weights = jax.tree.map(lambda w, u: w - rate * u, weights, update)
        return (_inside(weights), memory), loss

    state, losses = jax.lax.scan(step, state, (rows, rates, jnp.arange(len(rows))))
    return state, jnp.mean(losses)


def _loss(
    stored: tuple[Weights, ...], network: MacNetwork, noisy: bool, knobs: _Knobs, x: Array, labels: Array, key: Array
) -> Array:
    noise = None
    if noisy:
        power, draw = jax.random.split(key)
        sigma = knobs.noise * jax.random.uniform(power, (), x.dtype)
        noise = Noise(sigma, draw, jnp.asarray(knobs.of_branches, x.dtype))
    outputs = answer(network, of_levels(stored, knobs.most), x, noise)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, labels))


def _loss_through(
    stored: tuple[Weights, ...], through: Through, given: Any, x: Array, labels: Array, key: Array
) -> Array:
    outputs = through(stored, x, key, given)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, labels))


def _inside(stored: tuple[Weights, ...]) -> tuple[Weights, ...]:
    """Within the range where the gradient passes."""
    most = float(np.log(GAIN_MAX))
    return tuple(
        Weights(jnp.clip(w.synapses, -1, 1), jnp.clip(w.bias, -1, 1), jnp.minimum(w.gain, most)) for w in stored
    )
