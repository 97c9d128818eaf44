"""A partitioned Jacobian prepared once for many right-hand sides (simplified Newton in the transient).

The same elimination as `linear.solve_partitioned`, kept as inverses: of every block, and of the border's
Schur complement. Explicit inverses are safe here because Newton's iteration corrects what they round off,
and a product per right-hand side costs a tenth of a new elimination.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.circuit.compile import Structure
from anamorph.circuit.linear import SMALL, solve_small


class Factors(NamedTuple):
    """Inverses of the parts of a partitioned Jacobian."""

    border: Float[Array, "batch border border"]
    inner: Float[Array, "blocks width width batch"]
    from_border: Float[Array, "blocks width ports batch"]
    below: Float[Array, "blocks ports width batch"]


def factorise(structure: Structure, jacobian: Float[Array, "entries batch"]) -> Factors:
    """Eliminate the blocks, then invert what is left of the border."""
    nb, batch = structure.n_border, jacobian.shape[1]
    count, width = structure.blocks.shape
    ports = structure.block_border.shape[1]
    sizes = [nb * nb, count * width**2, count * width * ports, count * width * ports]
    shapes = [(nb, nb), (count, width, width), (count, width, ports), (count, ports, width)]
    parts, low = [], 0
    for size, shape in zip(sizes, shapes, strict=True):
        parts.append(jacobian[low : low + size].reshape(*shape, batch))
        low += size
    border, inner, right, below = parts
    empty = structure.blocks < 0
    identity = empty[:, :, None] & jnp.eye(width, dtype=bool)
    inner = jnp.where(identity[..., None], 1.0, inner)
    inverse = jnp.moveaxis(_invert(jnp.moveaxis(inner, 0, 2)), 2, 0) if count else inner
    from_border = _product(inverse, right)
    schur = _product(below, from_border)
    place = jnp.where(structure.block_border < 0, nb, structure.block_border)
    reduced = jnp.zeros((nb + 1, nb + 1, batch)).at[:nb, :nb].set(border)
    reduced = reduced.at[place[:, :, None], place[:, None, :]].add(-schur)[:nb, :nb]
    inverse_border = jnp.moveaxis(_invert(reduced), -1, 0) if nb else jnp.zeros((batch, 0, 0))
    return Factors(inverse_border, inverse, from_border, below)


def solve_factorised(
    structure: Structure, factors: Factors, residual: Float[Array, "unknowns batch"]
) -> Float[Array, "unknowns batch"]:
    """x with J x = residual."""
    nb, batch = structure.n_border, residual.shape[1]
    empty = structure.blocks < 0
    own = jnp.where(empty[..., None], 0.0, residual[structure.blocks])
    own = _product(factors.inner, own[:, :, None])
    place = jnp.where(structure.block_border < 0, nb, structure.block_border)
    known = jnp.zeros((nb + 1, batch)).at[:nb].set(residual[:nb])
    known = known.at[place].add(-_product(factors.below, own)[:, :, 0])
    x_border = jnp.einsum("bij,jb->ib", factors.border, known[:nb])
    at_ports = jnp.concatenate([x_border, jnp.zeros((1, batch))])[place]
    own = own - _product(factors.from_border, at_ports[:, :, None])
    inside = jnp.where(empty, structure.n_unknowns, structure.blocks)
    x = jnp.zeros((structure.n_unknowns + 1, batch)).at[inside].set(own[:, :, 0])[:-1]
    return x.at[:nb].set(x_border)


def _invert(matrix: Float[Array, "n n *batch"]) -> Float[Array, "n n *batch"]:
    n = len(matrix)
    if n > SMALL:
        flat = jnp.moveaxis(matrix.reshape(n, n, -1), -1, 0)
        return jnp.moveaxis(jnp.linalg.inv(flat), 0, -1).reshape(matrix.shape)
    identity = jnp.eye(n).reshape((n, n) + (1,) * (matrix.ndim - 2))
    return solve_small(matrix, jnp.broadcast_to(identity, matrix.shape))


def _product(
    a: Float[Array, "blocks n k batch"], b: Float[Array, "blocks k m batch"]
) -> Float[Array, "blocks n m batch"]:
    """Matrix products by plain arithmetic over whole batches: k is a handful."""
    terms = [a[:, :, k, None] * b[:, None, k] for k in range(a.shape[2])]
    return sum(terms, jnp.zeros((a.shape[0], a.shape[1], b.shape[2], a.shape[3])))
