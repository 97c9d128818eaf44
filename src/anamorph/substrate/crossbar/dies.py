"""What differs from die to die: converters of the inputs, and all that is in multipliers (`anamorph.vmm.dies`)."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.substrate.contract import Shape
from anamorph.vmm import dies
from anamorph.vmm.dies import VmmDie


class Deviations(NamedTuple):
    """With a leading axis of dies, in standard deviations.

    Attributes:
        inputs: of the scale of every input's converter, ``[dies, n_in]``.
        matrices: of every multiplier.
    """

    inputs: Float[Array, "dies n_in"]
    matrices: tuple[VmmDie, ...]


def fabricated(key: PRNGKeyArray, n_dies: int, shape: Shape) -> Deviations:
    """Draw dies; die i follows from the key and i alone."""
    each = [_die(jax.random.fold_in(key, i), shape) for i in range(n_dies)]
    return jax.tree.map(lambda *parts: jnp.asarray(np.stack(parts)), *each)


@functools.partial(jax.jit, static_argnums=1)
def _die(key: PRNGKeyArray, shape: Shape) -> Deviations:
    """Of one die, without the axis of dies."""
    of_inputs, *of_matrices = jax.random.split(key, len(shape))
    sizes = zip(of_matrices, shape, shape[1:], strict=False)
    return Deviations(
        jax.random.normal(of_inputs, shape[:1]), tuple(dies.drawn(own, rows, columns) for own, rows, columns in sizes)
    )


def nominal(shape: Shape) -> Deviations:
    """One die without any deviation."""
    like = jax.eval_shape(functools.partial(_die, shape=shape), jax.random.key(0))
    return jax.tree.map(lambda part: jnp.asarray(np.zeros((1, *part.shape))), like)
