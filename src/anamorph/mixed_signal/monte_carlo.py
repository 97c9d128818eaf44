"""Classification errors over noise powers and draws, in one compiled computation.

What the first layer adds up without noise is the same for every power and every draw, and so is the variance of its
noise: both are worked out once per pass over images.

Two kinds of draws:

* *fresh*: every multiplication of every image has noise of its own (thermal noise faster than the images).
* *frozen*: every weight has a deviation of its own for good (slow flicker noise, mismatch of a die).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.mixed_signal.network import MacNetwork, Noise, Weights, answer, answer_from, first_sums

#: Images of one pass, so that its arrays stay within a few hundred megabytes.
PASS = 250


@dataclass(frozen=True)
class Errors:
    """Shares of the images that came out wrong.

    Attributes:
        error: ``[sigmas, draws]``.
        sigmas: standard deviations of a weight, in units of the largest.
    """

    error: Float[np.ndarray, "sigmas draws"]
    sigmas: Float[np.ndarray, " sigmas"]

    @property
    def mean(self) -> Float[np.ndarray, " sigmas"]:
        """Over the draws."""
        return self.error.mean(axis=1)

    @property
    def worst(self) -> Float[np.ndarray, " sigmas"]:
        """Of the draws."""
        return self.error.max(axis=1)


def fresh_noise(
    network: MacNetwork,
    weights: tuple[Weights, ...],
    x: Float[np.ndarray, "images features"],
    labels: Int[np.ndarray, " images"],
    sigmas: Float[np.ndarray, " sigmas"],
    draws: int,
    key: PRNGKeyArray,
    *,
    of_branches: bool = False,
) -> Errors:
    """Errors with noise that is drawn anew for every multiplication.

    Args:
        network: layers.
        weights: as written, without leading axes.
        x: images, values from 0 to 1 in units of full scale.
        labels: their classes.
        sigmas: see `Errors`.
        draws: of each.
        key: of the draws. Draw ``i`` depends on `key` and ``i`` alone.
        of_branches: see `anamorph.mixed_signal.network.Noise`.

    Raises:
        BadInput: no draws, a standard deviation below zero.
    """
    sigmas = _checked(sigmas, draws)
    levels = np.repeat(sigmas, draws).astype(np.float32)
    kind = np.float32(of_branches)
    wrong = np.zeros(len(levels), np.int64)
    for low, images, classes in _passes(network, x, labels):
        # generated faster than the default's, and as good for this
        own = jax.random.key(int(jax.random.bits(jax.random.fold_in(key, low), dtype=jnp.uint32)), impl="rbg")
        wrong += np.asarray(_wrong_fresh(network, draws, weights, images, classes, levels, own, kind))
    return Errors((wrong / len(x)).reshape(len(sigmas), draws), sigmas)


def frozen_deviations(
    network: MacNetwork,
    weights: tuple[Weights, ...],
    x: Float[np.ndarray, "images features"],
    labels: Int[np.ndarray, " images"],
    sigmas: Float[np.ndarray, " sigmas"],
    draws: int,
    key: PRNGKeyArray,
    *,
    limit: float | None = None,
) -> Errors:
    """Errors of dies whose weights deviate for good: each by a normal number of its own.

    A kernel that slides over an image is one circuit, used again and again: its deviations are the same at every place.

    Args:
        network: layers.
        weights: as written, without leading axes.
        x: images, values from 0 to 1 in units of full scale.
        labels: their classes.
        sigmas: see `Errors`.
        draws: dies of each.
        key: of the draws. Die ``i`` depends on `key` and ``i`` alone, and deviates alike at every sigma but for size.
        limit: no deviation beyond so many sigmas (the paper's "+-3 sigma").

    Raises:
        BadInput: as of `fresh_noise`.
    """
    sigmas = _checked(sigmas, draws)
    most = np.float32(np.inf if limit is None else limit)
    wrong = np.zeros((len(sigmas), draws), np.int64)
    for _, images, classes in _passes(network, x, labels):
        wrong += np.asarray(_wrong_frozen(network, draws, weights, images, classes, sigmas, key, most))
    return Errors(wrong / len(x), sigmas)


def _checked(sigmas: Any, draws: int) -> Float[np.ndarray, " sigmas"]:
    values = np.atleast_1d(np.asarray(sigmas, np.float32))
    if values.ndim != 1 or not np.all(values >= 0) or draws < 1:
        raise BadInput("no such noise", where="monte carlo", expected="deviations from 0, at least one draw",
                       got=f"{sigmas}, {draws} draws")  # fmt: skip
    return values


def _passes(network: MacNetwork, x: np.ndarray, labels: np.ndarray) -> Any:
    """A few images at a time; the last pass is filled up with images of no class, which cannot be counted wrong."""
    size = min(PASS, len(x))
    for low in range(0, len(x), size):
        some, classes = x[low : low + size], np.asarray(labels[low : low + size], np.int32)
        missing = size - len(some)
        some = np.concatenate([some, np.zeros((missing, x.shape[1]))]) if missing else some
        yield low, np.asarray(network.images(jnp.asarray(some, jnp.float32))), np.pad(classes, (0, missing),
                                                                                    constant_values=-1)  # fmt: skip


def _count(outputs: Float[Array, "... images classes"], labels: Int[Array, " images"]) -> Int[Array, "..."]:
    """Images that came out wrong; one that several classes share did."""
    best = jnp.max(outputs, axis=-1, keepdims=True)
    right = (jnp.argmax(outputs, axis=-1) == labels) & (jnp.sum(outputs == best, axis=-1) == 1)
    return jnp.sum(~right & (labels >= 0), axis=-1)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _wrong_fresh(
    network: MacNetwork,
    draws: int,
    weights: tuple[Weights, ...],
    images: Float[Array, "images h w c"],
    labels: Int[Array, " images"],
    levels: Float[Array, " evaluations"],
    key: PRNGKeyArray,
    kind: Float[Array, ""],
) -> Int[Array, " evaluations"]:
    clean = first_sums(network, weights, images)

    def one(level: Array, number: Array) -> Array:
        noise = Noise(level, jax.random.fold_in(key, number % draws), kind)
        return _count(answer_from(network, weights, clean, noise), labels)

    return jax.lax.map(lambda both: one(*both), (levels, jnp.arange(len(levels))))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _wrong_frozen(
    network: MacNetwork,
    draws: int,
    weights: tuple[Weights, ...],
    images: Float[Array, "images h w c"],
    labels: Int[Array, " images"],
    sigmas: Float[Array, " sigmas"],
    key: PRNGKeyArray,
    limit: Float[Array, ""],
) -> Int[Array, "sigmas draws"]:
    def die(sigma: Array, number: Array) -> Array:
        own = jax.random.fold_in(key, number)
        keys = jax.random.split(own, 2 * len(weights))
        drawn = tuple(
            w._replace(synapses=_off(w.synapses, sigma, a, limit), bias=_off(w.bias, sigma, b, limit))
            for w, a, b in zip(weights, keys[::2], keys[1::2], strict=True)
        )
        return _count(answer(network, drawn, images), labels)

    return jax.lax.map(lambda s: jax.lax.map(lambda n: die(s, n), jnp.arange(draws)), sigmas)


def _off(w: Array, sigma: Array, key: Array, limit: Array) -> Array:
    """Weights with normal deviations, those beyond the limit drawn from what is within it."""
    return w + sigma * jax.random.truncated_normal(key, -limit, limit, w.shape, w.dtype)
