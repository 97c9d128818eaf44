"""Training networks of mixed-signal neurons: through their coarse weights, and through their noise.

Adam on the cross-entropy of the answers, whose scale is trained with the rest. Forward and gradient use weights rounded
to the levels that exist, updates a high-precision copy (the dual copies of Courbariaux et al. 2015). With `noise`
every step meets a fresh draw of it, at a power drawn for each batch between none and the given one, uniform in the
standard deviation: one network then serves all powers up to it.
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
from anamorph.mixed_signal.network import MacNetwork, Noise, Weights, answer, rounded

#: Largest gain that training may give a layer (assumed: a load so many times smaller than a branch).
GAIN_MAX = 4.0


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

    Raises:
        BadInput: out of range.
    """

    epochs: int = 8
    batch_size: int = 100
    learning_rate: float = 0.02
    n_bits: int = 8
    noise: float = 0.0
    of_branches: bool = False

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

    Raises:
        BadInput: fewer images than a batch.
    """
    steps = len(x) // settings.batch_size
    if steps < 1:
        raise BadInput("fewer images than a batch", where="train", expected=f"{settings.batch_size}", got=str(len(x)))
    stored = start(network, jax.random.fold_in(key, 0)) if begin is None else begin
    schedule = optax.cosine_decay_schedule(settings.learning_rate, steps * settings.epochs)
    state = (stored, optax.adam(schedule).init(stored))
    images = np.asarray(network.images(jnp.asarray(x, jnp.float32)))
    order = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    losses = []
    for epoch in range(settings.epochs):
        rows = order.permutation(len(x))[: steps * settings.batch_size].reshape(steps, -1)
        own = jax.random.fold_in(key, epoch + 1)
        state, loss = _epoch(network, settings, steps, state, images, np.asarray(labels), rows, own)
        losses.append(float(loss))
        if progress is not None:
            progress(epoch, losses[-1])
    return Fitted(state[0], rounded(state[0], settings.n_bits), np.array(losses))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _epoch(
    network: MacNetwork,
    settings: Training,
    steps: int,
    state: Any,
    images: Float[Array, "images h w c"],
    labels: Int[Array, " images"],
    rows: Int[Array, "steps batch"],
    key: PRNGKeyArray,
) -> tuple[Any, Float[Array, ""]]:
    adam = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, steps * settings.epochs))

    def step(state: Any, batch: tuple[Array, Array]) -> tuple[Any, Array]:
        row, number = batch
        weights, memory = state
        own = jax.random.fold_in(key, number)
        loss, slope = jax.value_and_grad(_loss)(weights, network, settings, images[row], labels[row], own)
        update, memory = adam.update(slope, memory)
        weights = jax.tree.map(jnp.add, weights, update)
        return (_inside(weights), memory), loss

    state, losses = jax.lax.scan(step, state, (rows, jnp.arange(steps)))
    return state, jnp.mean(losses)


def _loss(
    stored: tuple[Weights, ...], network: MacNetwork, settings: Training, x: Array, labels: Array, key: Array
) -> Array:
    noise = None
    if settings.noise:
        power, draw = jax.random.split(key)
        sigma = settings.noise * jax.random.uniform(power, (), x.dtype)
        noise = Noise(sigma, draw, jnp.asarray(float(settings.of_branches), x.dtype))
    outputs = answer(network, rounded(stored, settings.n_bits), x, noise)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(outputs, labels))


def _inside(stored: tuple[Weights, ...]) -> tuple[Weights, ...]:
    """Within the range where the gradient passes."""
    most = float(np.log(GAIN_MAX))
    return tuple(
        Weights(jnp.clip(w.synapses, -1, 1), jnp.clip(w.bias, -1, 1), jnp.minimum(w.gain, most)) for w in stored
    )
