"""Classification errors over noise powers and draws: batches of images through compiled layers, on all cores.

What the first layer adds up without noise is the same for every power and every draw, and so is the variance of its
noise: both are worked out once per pass over images.

Two kinds of draws:

* *fresh*: every multiplication of every image has noise of its own (thermal noise faster than the images).
* *frozen*: every weight has a deviation of its own for good (slow flicker noise, mismatch of a die).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.mixed_signal import staged
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.mixed_signal.random_numbers import words
from anamorph.threads import in_threads

#: Images of one pass, so that its arrays stay within some ten megabytes.
PASS = 256


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
    asked = [Evaluation(weights, float(sigma), draw) for sigma in sigmas for draw in range(draws)]
    found = evaluated(network, asked, x, labels, key, of_branches=of_branches)
    return Errors(found.reshape(len(sigmas), draws), sigmas)


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
    asked = [
        Evaluation(_deviating(weights, sigma, jax.random.fold_in(key, draw), most))
        for sigma in sigmas
        for draw in range(draws)
    ]
    return Errors(evaluated(network, asked, x, labels, key).reshape(len(sigmas), draws), sigmas)


class Evaluation(NamedTuple):
    """One set of weights under one draw of noise.

    Attributes:
        weights: without leading axes.
        sigma: of the fresh noise, in units of the largest weight.
        draw: its number.
    """

    weights: tuple[Weights, ...]
    sigma: float = 0.0
    draw: int = 0


def evaluated(
    network: MacNetwork,
    asked: Sequence[Evaluation],
    x: Float[np.ndarray, "images features"],
    labels: Int[np.ndarray, " images"],
    key: PRNGKeyArray,
    *,
    of_branches: bool = False,
) -> Float[np.ndarray, " evaluations"]:
    """Share of the images that come out wrong in each evaluation.

    What the first layer adds up is worked out once for all evaluations in turn that have the same weights.
    """
    steps = staged.stages(network)

    def wrong(some: _Pass) -> list[int]:
        counts, first, own = [], None, None
        numbers = words(jax.random.fold_in(key, some.low))
        for one in asked:
            if first is None or one.weights is not own:
                first, own = staged.sums(steps[0], one.weights[0], some.images, not of_branches), one.weights
            draw = staged.Draw(np.float32(one.sigma), numbers, np.uint32(one.draw)) if one.sigma else None
            counts.append(_count(staged.answer(steps, first, one.weights, draw, of_branches), some.labels))
        return [int(count) for count in counts]

    return np.sum(in_threads(wrong, _passes(network, x, labels)), axis=0) / len(x)


def _checked(sigmas: Any, draws: int) -> Float[np.ndarray, " sigmas"]:
    values = np.atleast_1d(np.asarray(sigmas, np.float32))
    if values.ndim != 1 or not np.all(values >= 0) or draws < 1:
        raise BadInput("no such noise", where="monte carlo", expected="deviations from 0, at least one draw",
                       got=f"{sigmas}, {draws} draws")  # fmt: skip
    return values


class _Pass(NamedTuple):
    """Some images, filled up with images of no class, which cannot be counted wrong."""

    low: int
    images: Float[np.ndarray, "channels h w images"]
    labels: Int[np.ndarray, " images"]


def _passes(network: MacNetwork, x: np.ndarray, labels: np.ndarray) -> list[_Pass]:
    size, found = min(PASS, len(x)), []
    for low in range(0, len(x), size):
        some, classes = x[low : low + size], np.asarray(labels[low : low + size], np.int32)
        missing = size - len(some)
        some = np.concatenate([some, np.zeros((missing, x.shape[1]))]) if missing else some
        found.append(_Pass(low, staged.maps_of(network, some), np.pad(classes, (0, missing), constant_values=-1)))
    return found


@jax.jit
def _count(outputs: Float[Array, "classes images"], labels: Int[Array, " images"]) -> Int[Array, ""]:
    """Images that came out wrong; one that several classes share did."""
    best = jnp.max(outputs, axis=0)
    right = (jnp.argmax(outputs, axis=0) == labels) & (jnp.sum(outputs == best, axis=0) == 1)
    return jnp.sum(~right & (labels >= 0))


@jax.jit
def _deviating(weights: tuple[Weights, ...], sigma: Array, key: PRNGKeyArray, limit: Array) -> tuple[Weights, ...]:
    """One die: normal deviations, those beyond the limit drawn from what is within it."""
    keys = jax.random.split(key, 2 * len(weights))

    def off(w: Array, own: PRNGKeyArray) -> Array:
        return w + sigma * jax.random.truncated_normal(own, -limit, limit, w.shape, w.dtype)

    pairs = zip(weights, keys[::2], keys[1::2], strict=True)
    return tuple(w._replace(synapses=off(w.synapses, a), bias=off(w.bias, b)) for w, a, b in pairs)
