"""Inverse of a symmetric positive definite matrix by products of matrices.

The library's solver of triangular systems shares even small ones out between threads that wait for each other in a
loop. On a machine that has other things to do, 128 x 128 took 4 to 50 ms so instead of 0.3 ms. Here only Cholesky
factors of small blocks are the library's, which does them in one thread; the rest is products.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

#: Block that is factorised; 128 x 128 takes 0.3 ms of one core with 16 or 32, 0.5 ms with 64.
BLOCK = 32

Square = Float[Array, "n n"]


@jax.custom_jvp
def positive_inverse(a: Square) -> Square:
    """Inverse of the symmetric positive definite `a`, block after block in place (Gauss and Jordan).

    No pivots are sought: every block that is inverted is a Schur complement, positive definite again.
    """
    n = len(a)
    if n <= BLOCK:
        return _inverse_of_block(a)
    padded = -(-n // BLOCK) * BLOCK
    whole = jnp.eye(padded).at[:n, :n].set(a)

    def step(k: Int[Array, ""], m: Float[Array, "m m"]) -> Float[Array, "m m"]:
        at, none = k * BLOCK, jnp.zeros_like(k)
        row = jax.lax.dynamic_slice(m, (at, none), (BLOCK, padded))
        pivot = _inverse_of_block(jax.lax.dynamic_slice(row, (none, at), (BLOCK, BLOCK)))
        row = jax.lax.dynamic_update_slice(pivot @ row, pivot, (none, at))
        column = jax.lax.dynamic_slice(m, (none, at), (padded, BLOCK))
        column = jax.lax.dynamic_update_slice(column, jnp.zeros((BLOCK, BLOCK)), (at, none))
        m = jax.lax.dynamic_update_slice(m, jnp.zeros((padded, BLOCK)), (none, at)) - column @ row
        return jax.lax.dynamic_update_slice(m, row, (at, none))

    return jax.lax.fori_loop(0, padded // BLOCK, step, whole)[:n, :n]


@positive_inverse.defjvp
def _positive_inverse_jvp(primals: tuple[Square], tangents: tuple[Square]) -> tuple[Square, Square]:
    (a,), (da,) = primals, tangents
    x = positive_inverse(a)
    return x, -x @ da @ x


def _inverse_of_block(a: Square) -> Square:
    """By its Cholesky factor L, whose inverse Newton's iteration finds exactly: the error is nilpotent, and squared."""
    n = len(a)
    lower = jax.lax.linalg.cholesky(a, symmetrize_input=False)
    start = jnp.diag(1 / jnp.diagonal(lower))
    inverse = jax.lax.fori_loop(0, (n - 1).bit_length(), lambda _, x: 2 * x - x @ (lower @ x), start)
    return inverse.T @ inverse
