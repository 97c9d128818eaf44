"""What differs from one multiplier to the next: hidden deviations, as draws of standard normals.

How large a deviation is, is the `Physics`' business; a die holds only where in the distribution each part of it lies,
so the same die can be looked at with other figures, and with each source of error switched off in turn.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

#: A signed weight is a pair of cells, on a plus and a minus line; a line has two capacitors where charge is halved.
LINES, CAPACITORS = 2, 2


class VmmDie(NamedTuple):
    """Deviations of one die, or of several with a leading axis, in units of their standard deviations.

    Attributes:
        tuning: of what was written, per cell, ``[*dies, lines, rows, columns]``.
        drift: of how its current drifts.
        slope: of its slope against its driver's.
        driver: of the amplitude of every input, ``[*dies, rows]``.
        capacitor: of every line's, ``[*dies, capacitors, lines, columns]``.
        leak: of every line's leakage, ``[*dies, lines, columns]``.
        offset: of every column, ``[*dies, columns]``.
        gain: of every column.
    """

    tuning: Float[Array, "*dies lines rows columns"]
    drift: Float[Array, "*dies lines rows columns"]
    slope: Float[Array, "*dies lines rows columns"]
    driver: Float[Array, "*dies rows"]
    capacitor: Float[Array, "*dies capacitors lines columns"]
    leak: Float[Array, "*dies lines columns"]
    offset: Float[Array, "*dies columns"]
    gain: Float[Array, "*dies columns"]


def shapes(rows: int, columns: int) -> list[tuple[int, ...]]:
    """Shape of every part of one die, in order."""
    cells, lines = (LINES, rows, columns), (LINES, columns)
    return [cells, cells, cells, (rows,), (CAPACITORS, *lines), lines, (columns,), (columns,)]


def drawn(key: PRNGKeyArray, rows: int, columns: int) -> VmmDie:
    """One die, without the axis of dies."""
    wanted = shapes(rows, columns)
    ends = np.cumsum([math.prod(shape) for shape in wanted])
    # all at once: each draw is long to compile
    parts = jnp.split(jax.random.normal(key, (int(ends[-1]),)), ends[:-1])
    return VmmDie(*(part.reshape(shape) for part, shape in zip(parts, wanted, strict=True)))


def fabricated(key: PRNGKeyArray, n_dies: int, rows: int, columns: int) -> VmmDie:
    """Several dies; die i follows from the key and i alone."""
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n_dies))
    return jax.vmap(lambda one: drawn(one, rows, columns))(keys)


def nominal(rows: int, columns: int) -> VmmDie:
    """One die without deviation, without the axis of dies."""
    return VmmDie(*(jnp.zeros(shape) for shape in shapes(rows, columns)))
