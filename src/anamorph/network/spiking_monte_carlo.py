"""Many dies of a spiking network at once: each with its own weights and, where that is asked, its own neurons.

What a die answers to an image is a rate model: sums of weights times activations. The first layer of all dies is one
matrix product per neuron, since all dies see the same pixels; activations are table lookups. Dies are shared out to
the cores in pieces whose arrays stay in the cache.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.network.spiking import Lookup, Structure, Weights
from anamorph.threads import in_threads

#: Dies of one piece, and images of one pass.
PIECE, PASS = 20, 1000


class Neurons(NamedTuple):
    """Activations of neurons that differ: a pool of tables, and which of them each neuron of each die has.

    Attributes:
        pool: tables over x from 0 to `x_max`, ``[samples, knots]``.
        chosen: of each layer, ``[dies, neurons]``.
        x_max: last knot.
    """

    pool: Float[np.ndarray, "samples knots"]
    chosen: tuple[Int[np.ndarray, "dies _"], ...]
    x_max: float = 1.0


@dataclass(frozen=True)
class Dies:
    """What many dies answered.

    Attributes:
        accuracy: share of the images that came out right, of each die.
        undecided: share of the images for which several outputs shared the largest rate, of each die; they count as
            wrong.
    """

    accuracy: Float[np.ndarray, " dies"]
    undecided: Float[np.ndarray, " dies"]

    def yield_above(self, accuracy: float) -> float:
        """Share of the dies with at least this accuracy."""
        return float(np.mean(self.accuracy >= accuracy))


def normal_weights(weights: Weights, sigma: float, dies: int, key: PRNGKeyArray) -> Weights:
    """Weights of many dies, normal about the trained ones with a standard deviation of `sigma` times each (line 22).

    What is below zero goes through a second mirror, one at each neuron, that takes current away: its gain deviates by
    `sigma` as well, for all inhibitory synapses of the neuron alike. Die ``i`` depends on `key` and ``i``.
    """
    found = _drawn(weights, jax.tree.map(lambda w: np.full(np.shape(w), sigma), weights), dies, key, lambda z: 1 + z)
    return _through_second_mirror(found, sigma, key) if any((w < 0).any() for w in jax.tree.leaves(found)) else found


def _through_second_mirror(weights: Weights, sigma: float, key: PRNGKeyArray) -> Weights:
    """Inhibitory weights of dies times the gain of their neuron's second mirror."""
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    for die in range(len(weights.biases[0])):
        rng = np.random.default_rng([*words, die, 2])
        for w, b in zip(weights.synapses, weights.biases, strict=True):
            gain = 1 + sigma * rng.standard_normal(b.shape[1])
            w[die] = np.where(w[die] < 0, w[die] * gain, w[die])
            b[die] = np.where(b[die] < 0, b[die] * gain, b[die])
    return weights


def lognormal_weights(weights: Weights, spread: Weights, dies: int, key: PRNGKeyArray) -> Weights:
    """The same with the logarithm of each weight normal, `spread` its standard deviation.

    In weak inversion a threshold's deviation is in the exponent of the current.
    """
    return _drawn(weights, spread, dies, key, np.exp)


def _drawn(weights: Weights, spread: Weights, dies: int, key: PRNGKeyArray, factor: Callable) -> Weights:
    """``w factor(spread z)`` with a standard normal z for every weight of every die, float32."""
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    leaves, tree = jax.tree.flatten(weights)
    sigmas = [np.asarray(s) for s in jax.tree.leaves(spread)]
    found = [np.empty((dies, *np.shape(w)), np.float32) for w in leaves]
    for die in range(dies):
        rng = np.random.default_rng([*words, die])
        for of, w, sigma in zip(found, leaves, sigmas, strict=True):
            of[die] = np.asarray(w) * factor(sigma * rng.standard_normal(sigma.shape))
    return jax.tree.unflatten(tree, found)


def infer(
    structure: Structure,
    weights: Weights,
    neurons: tuple[Lookup, ...] | Neurons,
    x: Float[np.ndarray, "images inputs"],
    labels: Int[np.ndarray, " images"],
) -> Dies:
    """All images through all dies.

    Args:
        structure: neurons and synapses.
        weights: with a leading axis of dies.
        neurons: one activation per layer, the same on all dies; or each neuron's own.
        x: images, values from 0 to 1.
        labels: their classes.

    Raises:
        BadInput: weights of other sizes, or neurons of another number of dies.
    """
    dies = len(weights.synapses[0])
    for index, (w, shape) in enumerate(zip(weights.synapses, structure.shapes, strict=True)):
        if w.shape != (dies, *shape):
            raise BadInput("weights do not fit", where=f"infer: layer {index}", expected=str((dies, *shape)),
                           got=str(w.shape))  # fmt: skip
    if isinstance(neurons, Neurons) and any(len(c) != dies for c in neurons.chosen):
        raise BadInput("neurons of another number of dies", where="infer", expected=str(dies))
    taps = np.asarray(structure.taps(x), np.float32)
    size = min(PIECE, dies)
    answer = _compiled(structure, None if isinstance(neurons, Neurons) else tuple(n.x_max for n in neurons))
    tables = None if isinstance(neurons, Neurons) else tuple(np.asarray(n.values, np.float32) for n in neurons)
    pool = np.asarray(neurons.pool, np.float32) if isinstance(neurons, Neurons) else None

    def piece(low: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.minimum(np.arange(low, low + size), dies - 1)  # of the last piece some are computed twice
        own = jax.tree.map(lambda w: np.asarray(w[rows], np.float32), weights)
        chosen = None if not isinstance(neurons, Neurons) else tuple(c[rows] for c in neurons.chosen)
        right, tied = np.zeros(size), np.zeros(size)
        for first in range(0, len(taps), PASS):
            at = slice(first, first + PASS)
            good, none = answer(own, tables, pool, chosen, taps[at], labels[at].astype(np.int32))
            right, tied = right + np.asarray(good), tied + np.asarray(none)
        return right, tied

    found = in_threads(piece, range(0, dies, size))
    right, tied = (np.concatenate(parts)[:dies] / len(taps) for parts in zip(*found, strict=True))
    return Dies(right, tied)


@functools.lru_cache(maxsize=8)
def _compiled(structure: Structure, x_max: tuple[float, ...] | None):
    return jax.jit(functools.partial(_answer, structure, x_max))


def _answer(
    structure: Structure, ends: tuple[float, ...] | None, weights: Weights, tables: tuple[Array, ...] | None,
    pool: Array | None, chosen: tuple[Array, ...] | None, taps: Array, labels: Array,
) -> tuple[Int[Array, " dies"], Int[Array, " dies"]]:  # fmt: skip
    """How many images come out right, and how many are undecided. Arrays have the axes neurons, images, dies."""
    y = taps
    for index, (w, b) in enumerate(zip(weights.synapses, weights.biases, strict=True)):
        x = _sums(structure.sources[index], jnp.asarray(w), y, index == 0) + b.T[:, None, :]
        if tables is not None and ends is not None:
            y = Lookup(tables[index], ends[index])(x)
        else:
            assert pool is not None and chosen is not None  # one of both is given
            y = _own(pool, chosen[index], x)
    best = y.max(axis=0)
    tied = (y == best).sum(axis=0) > 1
    right: Bool[Array, "images dies"] = (y.argmax(axis=0) == labels[:, None]) & ~tied
    return right.sum(axis=0), tied.sum(axis=0)


def _sums(sources: np.ndarray | None, w: Array, y: Array, first: bool) -> Float[Array, "neurons images dies"]:
    if first:
        return jnp.einsum("ptn,dtn->npd", y, w) if sources is not None else jnp.einsum("pi,din->npd", y, w)
    if sources is None:
        return jnp.einsum("ipd,din->npd", y, w)
    # few taps: sums of slabs need no copies of the layer before
    slabs = [y[source] * w[:, t, :].T[:, None, :] for t, source in enumerate(sources)]
    return functools.reduce(jnp.add, slabs)


def _own(pool: Array, chosen: Int[Array, "dies neurons"], x: Float[Array, "neurons images dies"]) -> Array:
    """Each neuron's own table; `x` runs from 0 to 1."""
    last = pool.shape[1] - 1
    place = jnp.clip(x, 0.0, 1.0) * last
    knot = jnp.clip(place.astype(jnp.int32), 0, last - 1)
    flat, base = pool.ravel(), (chosen.T * pool.shape[1])[:, None, :]
    low, high = flat[base + knot], flat[base + knot + 1]
    return low + (high - low) * (place - knot)
