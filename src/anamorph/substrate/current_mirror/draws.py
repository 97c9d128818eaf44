"""Normal deviations of many arrays from one compiled draw.

A draw compiles for every shape anew, half a second each. JAX counts the elements of an array in one row, so that what
it draws for a shape is the beginning of what it draws for a longer row from the same key: the longest is drawn for
every key, and each array takes its own part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
from jaxtyping import Array, Float, Key, UInt32


def normals(
    keys: Key[Array, " arrays"] | UInt32[Array, "arrays _"], shapes: Sequence[tuple[int, ...]]
) -> list[Float[Array, "..."]]:
    """One array of each shape from its own key, standard normal: the values of `jax.random.normal`.

    Args:
        keys: one per array.
        shapes: of the arrays.
    """
    sizes = [math.prod(shape) for shape in shapes]
    rows = jax.lax.map(lambda key: jax.random.normal(key, (max(sizes),), float), keys)
    return [row[:size].reshape(shape) for row, size, shape in zip(rows, sizes, shapes, strict=True)]
