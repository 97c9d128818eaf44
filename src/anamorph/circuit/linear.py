"""The linear step of Newton's method on a partitioned Jacobian: blocks first, then the border.

Small systems are eliminated by plain arithmetic over whole batches (a batched library call for 3x3
systems was measured ten times slower than the arithmetic it wraps); the border, when it is large, by LU.
The batch is the last axis.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.circuit.compile import Structure

#: Up to this size a system is eliminated by plain arithmetic.
SMALL = 8


def solve_small(matrix: Float[Array, "n n *batch"], right: Float[Array, "n m *batch"]) -> Float[Array, "n m *batch"]:
    """Gauss-Jordan elimination with partial pivoting over a whole batch; for n up to `SMALL`."""
    n = len(matrix)
    rows = jnp.concatenate([matrix, right], axis=1)
    place = jnp.arange(n).reshape((n, 1) + (1,) * (rows.ndim - 2))
    for i in range(n):
        # bring the row with the largest entry of this column up, then clear the column in all other rows
        pivot = i + jnp.argmax(jnp.abs(rows[i:, i]), axis=0)
        best = jnp.take_along_axis(rows, pivot[None, None], axis=0)
        rows = jnp.where(place == pivot[None, None], rows[i], rows)
        best = best / best[:, i : i + 1]
        rows = jnp.where(place == i, best, rows - rows[:, i : i + 1] * best)
    return rows[:, n:]


def solve(matrix: Float[Array, "n n batch"], right: Float[Array, "n batch"]) -> Float[Array, "n batch"]:
    """Solve a batch of dense systems by the method that is fastest for their size."""
    if len(matrix) <= SMALL:
        return solve_small(matrix, right[:, None])[:, 0]
    columns = jnp.moveaxis(right, -1, 0)[..., None]
    return jnp.linalg.solve(jnp.moveaxis(matrix, -1, 0), columns)[..., 0].T


def _solve_blocks(
    matrix: Float[Array, "count n n batch"], right: Float[Array, "count n m batch"]
) -> Float[Array, "count n m batch"]:
    if matrix.shape[1] <= SMALL:
        first = [jnp.moveaxis(a, 0, 2) for a in (matrix, right)]
        return jnp.moveaxis(solve_small(*first), 2, 0)
    first = [jnp.moveaxis(a, -1, 0) for a in (matrix, right)]
    return jnp.moveaxis(jnp.linalg.solve(*first), 0, -1)


def solve_partitioned(
    structure: Structure,
    jacobian: Float[Array, "entries batch"],
    residual: Float[Array, "unknowns batch"],
) -> Float[Array, "unknowns batch"]:
    """x with J x = residual, for the flat partitioned Jacobian of `assembly`.

    Blocks are eliminated exactly (Schur complement), so this is a full Newton step, not a splitting.
    """
    nb, batch = structure.n_border, residual.shape[1]
    count, width = structure.blocks.shape
    ports = structure.block_border.shape[1]
    border = jacobian[: nb * nb].reshape(nb, nb, batch)
    if count == 0:
        return solve(border, residual)

    start = nb * nb
    inner = jacobian[start : start + count * width**2].reshape(count, width, width, batch)
    start += count * width**2
    right = jacobian[start : start + count * width * ports].reshape(count, width, ports, batch)
    start += count * width * ports
    below = jacobian[start : start + count * width * ports].reshape(count, ports, width, batch)

    empty = structure.blocks < 0
    identity = empty[:, :, None] & jnp.eye(width, dtype=bool)
    inner = jnp.where(identity[..., None], 1.0, inner)
    own_residual = jnp.where(empty[..., None], 0.0, residual[structure.blocks])
    eliminated = _solve_blocks(inner, jnp.concatenate([right, own_residual[:, :, None]], axis=2))
    from_border, own = eliminated[:, :, :ports], eliminated[:, :, ports]
    x_border = jnp.zeros((0, batch))
    if nb:
        # one extra row and column take what empty places contribute
        place = jnp.where(structure.block_border < 0, nb, structure.block_border)
        schur = jnp.einsum("cpwb,cwqb->cpqb", below, from_border)
        reduced = jnp.zeros((nb + 1, nb + 1, batch)).at[:nb, :nb].set(border)
        reduced = reduced.at[place[:, :, None], place[:, None, :]].add(-schur)
        known = jnp.zeros((nb + 1, batch)).at[:nb].set(residual[:nb])
        known = known.at[place].add(-jnp.einsum("cpwb,cwb->cpb", below, own))
        x_border = solve(reduced[:nb, :nb], known[:nb])
        at_ports = jnp.concatenate([x_border, jnp.zeros((1, batch))])[place]
        own = own - jnp.einsum("cwpb,cpb->cwb", from_border, at_ports)
    place = jnp.where(empty, structure.n_unknowns, structure.blocks)
    x = jnp.zeros((structure.n_unknowns + 1, batch)).at[place].set(own)[:-1]
    return x.at[:nb].set(x_border)
