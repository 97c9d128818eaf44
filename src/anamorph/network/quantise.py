"""Rounding to the weights that a chip has, and the gradient that training sees through it.

The forward value is the nearest level of a sorted grid, whose levels need not be evenly spaced (a negative
unit of the current mirror is more than twice a positive one). The gradient passes straight through inside
the range of the grid, and is zero outside, where a change of the weight changes nothing on the chip: the
dual-copy rounding of Stamatias et al. 2015 and Courbariaux et al. 2015 (Binas et al. 2016, section 3.4).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def nearest_index(weights: Float[Array, "..."], levels: Float[Array, "*batch n_levels"]) -> Int[Array, "..."]:
    """Index of the level nearest to each weight; midway between two levels, that of the lower.

    Args:
        weights: ``[*batch, ...]``.
        levels: sorted, one grid for all weights (``[n_levels]``), or one per leading index (per die, per synapse).
    """
    grid = _align(levels, weights.ndim)
    middle = (grid[..., 1:] + grid[..., :-1]) / 2
    return jnp.sum(weights[..., None] > middle, axis=-1, dtype=jnp.int32)


@jax.custom_jvp
def quantise(weights: Float[Array, "..."], levels: Float[Array, "*batch n_levels"]) -> Float[Array, "..."]:
    """Each weight replaced by its nearest level, exactly; the gradient passes straight through.

    Args:
        weights: ``[*batch, ...]``.
        levels: as of `nearest_index`.
    """
    grid = _align(levels, weights.ndim)
    middle = (grid[..., 1:] + grid[..., :-1]) / 2
    value = jnp.broadcast_to(grid[..., 0], weights.shape)
    for step in range(levels.shape[-1] - 1):
        value = jnp.where(weights > middle[..., step], grid[..., step + 1], value)
    return value


@quantise.defjvp
def _straight_through(primals: Any, tangents: Any) -> Any:
    weights, levels = primals
    grid = _align(levels, weights.ndim)
    inside = (weights >= grid[..., 0]) & (weights <= grid[..., -1])
    return quantise(weights, levels), jnp.where(inside, tangents[0], 0.0)


def _align(levels: jax.Array, n_axes: int) -> jax.Array:
    """Axes of length one between the batch and the levels: ``[*batch, 1.., n_levels]``."""
    missing = (1,) * (n_axes - levels.ndim + 1)
    return levels.reshape(levels.shape[:-1] + missing + levels.shape[-1:])
