"""A partitioned Jacobian prepared once for many right-hand sides (simplified Newton in the transient).

The same elimination as `linear.solve_partitioned`, kept: the inverse of every block, and the border's Schur
complement as LU (as an inverse where it is small). A right-hand side then costs a tenth of an elimination.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import lu_factor, lu_solve
from jaxtyping import Array, Float, Int

from anamorph.circuit.compile import Structure
from anamorph.circuit.linear import SMALL, solve_small


class Factors(NamedTuple):
    """The parts of an eliminated Jacobian."""

    border: Float[Array, "batch border border"]  # LU, or the inverse up to `SMALL`
    pivots: Int[Array, "batch _"]
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
    inverse = _invert_blocks(jnp.where(identity[..., None], 1.0, inner)) if count else inner
    from_border = jnp.einsum("cvwb,cwpb->cvpb", inverse, right)
    schur = jnp.einsum("cpwb,cwqb->cpqb", below, from_border)
    place = jnp.where(structure.block_border < 0, nb, structure.block_border)
    # one extra row and column take what empty places contribute
    reduced = jnp.zeros((nb + 1, nb + 1, batch)).at[:nb, :nb].set(border)
    reduced = reduced.at[place[:, :, None], place[:, None, :]].add(-schur)[:nb, :nb]
    if nb > SMALL:
        lu, pivots = lu_factor(jnp.moveaxis(reduced, -1, 0))
        return Factors(lu, pivots, inverse, from_border, below)
    inverse_border = jnp.moveaxis(_invert(reduced), -1, 0) if nb else jnp.zeros((batch, 0, 0))
    return Factors(inverse_border, jnp.zeros((batch, 0), int), inverse, from_border, below)


def solve_factorised(
    structure: Structure, factors: Factors, residual: Float[Array, "unknowns batch"]
) -> Float[Array, "unknowns batch"]:
    """x with J x = residual."""
    nb, batch = structure.n_border, residual.shape[1]
    empty = structure.blocks < 0
    own = jnp.where(empty[..., None], 0.0, residual[structure.blocks])
    own = jnp.einsum("cvwb,cwb->cvb", factors.inner, own)
    place = jnp.where(structure.block_border < 0, nb, structure.block_border)
    known = jnp.zeros((nb + 1, batch)).at[:nb].set(residual[:nb])
    known = known.at[place].add(-jnp.einsum("cpwb,cwb->cpb", factors.below, own))
    if nb > SMALL:
        one = jax.vmap(lambda lu, pivots, right: lu_solve((lu, pivots), right))
        x_border = one(factors.border, factors.pivots, known[:nb].T).T
    else:
        x_border = jnp.einsum("bij,jb->ib", factors.border, known[:nb])
    at_ports = jnp.concatenate([x_border, jnp.zeros((1, batch))])[place]
    own = own - jnp.einsum("cwpb,cpb->cwb", factors.from_border, at_ports)
    inside = jnp.where(empty, structure.n_unknowns, structure.blocks)
    x = jnp.zeros((structure.n_unknowns + 1, batch)).at[inside].set(own)[:-1]
    return x.at[:nb].set(x_border)


def _invert(matrix: Float[Array, "n n *batch"]) -> Float[Array, "n n *batch"]:
    identity = jnp.eye(len(matrix)).reshape(matrix.shape[:2] + (1,) * (matrix.ndim - 2))
    return solve_small(matrix, jnp.broadcast_to(identity, matrix.shape))


def _invert_blocks(blocks: Float[Array, "count n n batch"]) -> Float[Array, "count n n batch"]:
    if blocks.shape[1] <= SMALL:
        return jnp.moveaxis(_invert(jnp.moveaxis(blocks, 0, 2)), 2, 0)
    return jnp.moveaxis(jnp.linalg.inv(jnp.moveaxis(blocks, -1, 0)), 0, -1)
