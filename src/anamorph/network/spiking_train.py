"""Training of a network of spiking neurons through their own activation.

Soupizet et al. 2023 train through a logistic function and infer through a polynomial that follows the measured
curve, and lose up to half of the accuracy on the way. A spline can be differentiated as it is, so here one function
serves for both. What else makes a network of such neurons trainable:

* A weight is the ratio of two transistors, positive and spread over decades, so its logarithm is trained: each neuron's
  weights as shares of their sum, and the sum apart from them and slower, since it moves a neuron for all images alike.
  With inhibitory synapses a weight is the difference of two such without that, and starts excitatory.
* The activation has no infinite slope but a threshold and a long flat end, so classes differ by per cents of an
  output. The loss is the cross-entropy of outputs in units of their own spread over the batch, times a factor that
  is learned and belongs to no circuit: the largest output decides.
* Every step sees weights that deviate by the process's own share, so that what is learned does not rest on
  differences that no two dies share.
* Excitations above 1, where the neuron is not characterised, are penalised.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.data.task import Task
from anamorph.errors import BadInput, NotConverged
from anamorph.network.forward import decide
from anamorph.network.spiking import Lookup, Structure, Weights
from anamorph.network.spiking_loss import SLOWER, cross_entropy, outside
from anamorph.network.spiking_start import State, random_states, start_scales

#: Share of the epochs over which training takes on the deviations of the weights, and what outputs differ by for all
#: images alike. A network that knows nothing yet has signals smaller than both, and would learn nothing.
RISE = 0.4
#: Images of one inference while accuracy is judged.
JUDGED = 10_000


@dataclass(frozen=True)
class SpikingTraining:
    """Hyper-parameters.

    Attributes:
        epochs: at most so many passes over the training set; 100 in the paper.
        learning_rate: of Adam at the start, for logarithms of weights; it falls to zero along a half cosine.
        batch_size: samples per step.
        weight_noise: standard deviation of a weight over dies, and of the gain of a neuron's second mirror where there
            is one, as a share of it; 0.01 in the paper.
        x_min: least excitation of every neuron: 0, or 0.2 for the range of low energy per spike.
        signed: with inhibitory synapses beside the excitatory ones.
        train_biases: biases are what the least excitation needs beside the synapses, and more where that helps and the
            structure has them; otherwise every bias is `x_min`, as in the paper.
        stop_at: training accuracy at which training ends (0.9 in algorithm 1); None to use all epochs.
        over_range: weight of the penalty on excitations above 1.
        scales: size of the starting weights, layer by layer; None to begin within the range.
        focus: q of the loss (1 - p^q) / q of an image whose class has the probability p: cross-entropy at 0, and the
            larger, the less is spent on images that are lost anyway (Zhang and Sabuncu 2018). It rises with training.
        starts: networks that are trained side by side from weights of their own; the one with the highest training
            accuracy is kept. Four take little longer than one: steps are small.

    Raises:
        BadInput: out of range.
    """

    epochs: int = 60
    learning_rate: float = 0.02
    batch_size: int = 100
    weight_noise: float = 0.01
    x_min: float = 0.0
    signed: bool = False
    train_biases: bool = True
    stop_at: float | None = None
    over_range: float = 1.0
    scales: tuple[float, ...] | None = None
    focus: float = 0.0
    starts: int = 1

    def __post_init__(self) -> None:
        limits = {
            "epochs": (1, 100_000), "learning_rate": (1e-6, 10), "batch_size": (1, 10**6), "weight_noise": (0, 1),
            "x_min": (0, 0.9), "over_range": (0, 1e6), "focus": (0, 1), "starts": (1, 1000),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not math.isfinite(value) or not low <= value <= high:
                raise BadInput("out of range", where=f"training: {name}", expected=f"{low} to {high}", got=f"{value}")
        if self.stop_at is not None and not 0 < self.stop_at <= 1:
            raise BadInput("not an accuracy", where="training: stop_at", expected="0 to 1", got=f"{self.stop_at}")


@dataclass(frozen=True)
class TrainedSpiking:
    """A network and how it came to be.

    Attributes:
        weights: of the network.
        train_accuracy: after each epoch, with nominal weights, ``[epochs]``: after the last, and after all where
            training may stop early, on all training samples, and otherwise on the first `JUDGED` of them.
        over_range: share of the training samples' excitations above 1, after the last epoch.
        under_range: share of them below `SpikingTraining.x_min`: none, where biases are trained.
    """

    weights: Weights
    train_accuracy: Float[np.ndarray, " epochs"]
    over_range: float
    under_range: float


def train_spiking(
    structure: Structure,
    activations: tuple[Lookup, ...],
    task: Task,
    settings: SpikingTraining,
    key: PRNGKeyArray,
) -> TrainedSpiking:
    """Train one network.

    Args:
        structure: neurons and synapses.
        activations: what training sees of the neurons of each layer.
        task: its training samples are used, its test samples not.
        settings: hyper-parameters.
        key: of the starting weights, the order of the batches and the deviations.

    Raises:
        BadInput: a task of another size.
        NotConverged: weights that are not finite.
    """
    if (task.n_features, task.n_classes) != (structure.layers[0], structure.layers[-1]):
        raise BadInput(
            "the task has another size",
            where="train_spiking",
            expected=f"{structure.layers[0]} features and {structure.layers[-1]} classes",
            got=f"{task.n_features} and {task.n_classes}",
        )
    scales = settings.scales or start_scales(structure, activations, settings.x_min, settings.signed)
    taps, labels = jnp.asarray(structure.taps(task.x_train), jnp.float32), jnp.asarray(task.y_train, jnp.int32)
    epoch, carry, real = _prepared(structure, activations, settings, scales, len(task.x_train), key)
    judge = jax.jit(lambda w, t: structure.forward(w, activations, t))

    def seen(state: State, start: int, most: int) -> tuple[Weights, list[Any]]:
        """Weights of one start, and what every neuron and output makes of so many training samples."""
        weights = real(jax.tree.map(lambda leaf: leaf[start], state))
        return weights, [judge(weights, taps[low : low + JUDGED]) for low in range(0, most, JUDGED)]

    accuracy = []
    for number in range(settings.epochs):
        carry = epoch(carry, taps, labels, jax.random.fold_in(key, number + 1), jnp.asarray(number))
        whole = settings.stop_at is not None or number + 1 == settings.epochs
        most = len(taps) if whole else min(JUDGED, len(taps))
        parts = [seen(carry[0], k, most)[1] for k in range(settings.starts)]
        answers = [np.concatenate([np.asarray(y) for _, y in part]) for part in parts]
        accuracy.append([float(np.mean(decide(y) == task.y_train[: len(y)])) for y in answers])
        if settings.stop_at is not None and max(accuracy[-1]) >= settings.stop_at:
            break
    best = int(np.argmax(accuracy[-1]))
    weights, parts = seen(carry[0], best, len(taps))
    found = jax.tree.map(lambda w: np.asarray(w, np.float64), weights)
    if not all(np.isfinite(w).all() for w in jax.tree.leaves(found)):
        raise NotConverged("training diverged", where="train_spiking", advice="Lower the learning rate.")
    x = np.concatenate([np.asarray(layer).ravel() for excitations, _ in parts for layer in excitations])
    # a bias that is meant to be x_min is so within float32
    under = float(np.mean(x < settings.x_min - 1e-5))
    return TrainedSpiking(found, np.array(accuracy)[:, best], float(np.mean(x > 1)), under)


def _prepared(
    structure: Structure, activations: tuple[Lookup, ...], settings: SpikingTraining, scales: tuple[float, ...],
    n_samples: int, key: PRNGKeyArray,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """One compiled epoch of all starts, what they begin with, and the way from one's parameters to weights."""
    size = min(settings.batch_size, n_samples)
    n_batches = n_samples // size
    steps = settings.epochs * n_batches
    adam = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, steps))
    real = jax.jit(functools.partial(_weights, structure, activations, settings, scales))
    begin = random_states(structure, settings.signed, key, settings.starts)

    def loss(state: State, taps: Array, labels: Array, rise: Array, key: Array) -> Array:
        weights = _deviating(real(state), settings.weight_noise * rise, settings.signed, key)
        excitations, y = structure.forward(weights, activations, taps)
        return cross_entropy(y, labels, state.sharpness, rise, settings.focus) + settings.over_range * outside(
            excitations
        )

    @jax.jit
    def epoch(carry: Any, taps: Array, labels: Array, key: Array, number: Array) -> Any:
        order_key, noise_key = jax.random.split(key)
        rows = jax.random.permutation(order_key, n_samples)[: n_batches * size].reshape(n_batches, size)
        rise = jnp.minimum(1.0, (number + 0.5) / (RISE * settings.epochs))

        def step(carry: Any, batch: Any) -> tuple[Any, None]:
            (states, memories), (index, place) = carry, batch

            def one(state: State, memory: Any, start: Array) -> tuple[Any, Any]:
                own = jax.random.fold_in(noise_key, place + n_batches * start)
                slope = jax.grad(loss)(state, taps[index], labels[index], rise, own)
                update, memory = adam.update(slope, memory)
                return optax.apply_updates(state, update), memory

            return jax.vmap(one)(states, memories, jnp.arange(settings.starts)), None

        return jax.lax.scan(step, carry, (rows, jnp.arange(n_batches)))[0]

    return epoch, (begin, jax.vmap(adam.init)(begin)), real


def _weights(
    structure: Structure,
    activations: tuple[Lookup, ...],
    settings: SpikingTraining,
    scales: tuple[float, ...],
    state: State,
) -> Weights:
    """Weights of a state. No excitation is below `x_min`: a bias makes up for what is missing."""

    def real(u: Array) -> Array:
        return jnp.exp(u[0]) - jnp.exp(u[1]) if settings.signed else jnp.exp(u)

    synapses = tuple(
        scale * (real(u) if settings.signed else jnp.exp(SLOWER * gain) * _shares(u))
        for scale, u, gain in zip(scales, state.synapses, state.gains, strict=True)
    )
    biases, least = [], jnp.zeros((), jnp.float32)  # the least that a source gives: a black pixel, nothing
    for w, u, biased, f in zip(synapses, state.biases, structure.biased, activations, strict=True):
        trained = biased and settings.train_biases
        if not settings.signed or settings.x_min:
            own = 0.1 * jnp.exp(u[0] if settings.signed else u) if trained else jnp.zeros_like(w[0])
        else:
            own = 0.1 * real(u) if trained else jnp.zeros_like(w[0])
        biases.append(_needed(w, least, settings) + own if settings.train_biases else settings.x_min + own)
        least = f(jnp.asarray(settings.x_min, jnp.float32))
    return Weights(synapses, tuple(biases))


def _needed(w: Float[Array, "taps neurons"], least: Array, settings: SpikingTraining) -> Array:
    """The bias with which no excitation is below `x_min`, whatever the sources give between `least` and 1."""
    if not settings.x_min:
        return jnp.zeros_like(w[0])
    guaranteed = least * jax.nn.relu(w).sum(axis=0) - jax.nn.relu(-w).sum(axis=0)
    needed = settings.x_min - guaranteed
    return needed if settings.signed else jax.nn.relu(needed)


def _shares(u: Float[Array, "taps neurons"]) -> Float[Array, "taps neurons"]:
    """Weights whose mean is 1 in each neuron: a step in one of them moves no neuron as a whole."""
    return jax.nn.softmax(u, axis=0) * u.shape[0]


def _deviating(weights: Weights, noise: Array, signed: bool, key: Array) -> Weights:
    """Weights of a random die, as `anamorph.network.spiking_monte_carlo.normal_weights` draws them."""
    leaves, tree = jax.tree.flatten(weights)
    keys = jax.random.split(key, len(leaves))
    drawn = [w * (1 + noise * jax.random.normal(k, w.shape, w.dtype)) for w, k in zip(leaves, keys, strict=True)]
    found = jax.tree.unflatten(tree, drawn)
    if not signed:
        return found
    mirrors = jax.random.split(jax.random.fold_in(key, 1), len(found.biases))
    gains = [1 + noise * jax.random.normal(k, b.shape, b.dtype) for k, b in zip(mirrors, found.biases, strict=True)]
    behind = lambda parts: tuple(jnp.where(w < 0, w * g, w) for w, g in zip(parts, gains, strict=True))  # noqa: E731
    return Weights(behind(found.synapses), behind(found.biases))
