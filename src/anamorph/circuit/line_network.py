r"""Word lines and bit lines as ladders of resistors: one exact elimination, row after row.

A cell of row i and column j joins node w_ij of its word line and node u_ij of its bit line. Lines are ladders: a
resistance between neighbouring cells, one more between the first cell and the source (word) or between the last
cell and the amplifier's virtual ground (bit).

*Rows.* Seen from the cells, a word line is a source v behind a matrix of resistances R, ``w = v - R I``: its entries
are what two cells share on their way to the source. With cells ``I = G (w - u) + J`` (J is a current source beside
each of them),

    I = S (v - u) + J - S R J,   S = (G^-1 + R)^-1 = A (1 + A R A)^-1 A,   A^2 = G

*Columns.* Let a row, with all rows before it, deliver ``y - D u`` to what follows. Behind a resistance r in every bit
line that is ``K y - K D u'`` with ``K = (1 + r D)^-1``, and the next row adds its own: ``D <- S + K D``,
``y <- S v + J - S R J + K y``. Behind the last resistance is the virtual ground, and K y are the output currents.

Nothing here is divided by a resistance or a conductance, and what is inverted is symmetric with eigenvalues of one or
more: wires without resistance, cells without conductance and everything between are exact. The cost
is two inverses and two products of columns x columns for each row, whatever the number of inputs.

The same elimination by blocks is old (nested admittance of ladders; A. George, SIAM J. Numer. Anal. 10, 1973, for
orderings of grids); written in resistances it needs no special cases.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from anamorph.circuit.positive_inverse import positive_inverse

Matrix = Float[Array, "cols cols"]
#: Resistances are numbers or scalars, so that they can be differentiated.
Ohm = Float[Array, ""] | float


class Factors(NamedTuple):
    """What the elimination of an array, or of each of several, leaves for its right-hand sides.

    Attributes:
        conductance: of the cells, S.
        word: R, what cells of a row share of the word line's resistance, ohm.
        row: S of every row, S.
        admittance: D of every row with all before it, S.
        passed: K of every row's segment of the bit lines.
        segment: resistance of that segment, ohm.
    """

    conductance: Float[Array, "*arrays rows cols"]
    word: Float[Array, "*arrays cols cols"]
    row: Float[Array, "*arrays rows cols cols"]
    admittance: Float[Array, "*arrays rows cols cols"]
    passed: Float[Array, "*arrays rows cols cols"]
    segment: Float[Array, "*arrays rows"]


class Lines(NamedTuple):
    """Voltages and currents of an array for each input.

    Attributes:
        word: node of every cell on its word line, V.
        bit: node of every cell on its bit line, V.
        cell: current of every cell from word to bit line, A.
        output: current out of every bit line, A.
    """

    word: Float[Array, "*arrays inputs rows cols"]
    bit: Float[Array, "*arrays inputs rows cols"]
    cell: Float[Array, "*arrays inputs rows cols"]
    output: Float[Array, "*arrays inputs cols"]


def shared_resistance(cells: int, segment: Ohm, first: Ohm, side: str) -> Float[Array, "cells cells"]:
    """R of a line whose source is at its ``"start"``, its ``"end"``, or which has one at ``"both"``, ohm."""
    place = jnp.arange(cells)
    if side == "both":
        from_start, from_end = first + place * segment, first + (cells - 1 - place) * segment
        total = 2 * first + (cells - 1) * segment
        near = jnp.minimum(from_start[:, None], from_start)
        far = jnp.minimum(from_end[:, None], from_end)
        return near * far / jnp.where(total > 0, total, 1.0)
    distance = place if side == "start" else cells - 1 - place
    return first + segment * jnp.minimum(distance[:, None], distance)


@jax.custom_jvp
def row_admittance(g: Float[Array, " cols"], word: Float[Array, "cols cols"]) -> Float[Array, "cols cols"]:
    """S of a row, whose word line has R = `word`."""
    root = jnp.sqrt(g)
    return root[:, None] * positive_inverse(jnp.eye(len(g)) + root[:, None] * word * root) * root


@row_admittance.defjvp
def _row_admittance_jvp(
    primals: tuple[Float[Array, " cols"], Float[Array, "cols cols"]],
    tangents: tuple[Float[Array, " cols"], Float[Array, "cols cols"]],
) -> tuple[Float[Array, "cols cols"], Float[Array, "cols cols"]]:
    """An open cell's root has no derivative, but S has: ``dS = F dG F^T - S dR S``, ``F = 1 - S R``."""
    (g, word), (dg, dword) = primals, tangents
    s = row_admittance(g, word)
    f = jnp.eye(len(g)) - s @ word
    return s, (f * dg) @ f.T - s @ dword @ s


@jax.jit
def transfers(
    conductance: Float[Array, "*stack rows cols"], word: Float[Array, "cols cols"], segment: Float[Array, " rows"]
) -> Float[Array, "*stack rows cols"]:
    """`transfer` of every array of a stack, one after another: that fills the cores, and takes the memory of one."""
    flat = conductance.reshape(-1, *conductance.shape[-2:])
    return jax.lax.map(lambda g: transfer(g, word, segment), flat).reshape(conductance.shape)


def transfer(
    conductance: Float[Array, "rows cols"], word: Float[Array, "cols cols"], segment: Float[Array, " rows"]
) -> Float[Array, "rows cols"]:
    """Output currents for one volt on each word line, S."""
    rows, cols = conductance.shape

    def step(
        carry: tuple[Float[Array, "cols cols"], Float[Array, "cols rows"]],
        x: tuple[Float[Array, " cols"], Float[Array, ""], Int[Array, ""]],
    ) -> tuple[tuple[Float[Array, "cols cols"], Float[Array, "cols rows"]], None]:
        above, currents = carry
        g, r, index = x
        own = row_admittance(g, word)
        admittance = own + above
        passed = positive_inverse(jnp.eye(cols) + r * admittance)
        return (passed @ admittance, passed @ currents.at[:, index].set(own.sum(1))), None

    start = jnp.zeros((cols, cols)), jnp.zeros((cols, rows))
    (_, currents), _ = jax.lax.scan(step, start, (conductance, segment, jnp.arange(rows)))
    return currents.T


@jax.jit
def factorise(
    conductance: Float[Array, "arrays rows cols"], word: Float[Array, "cols cols"], segment: Float[Array, " rows"]
) -> Factors:
    """Eliminate once; `solve` then costs four products of columns x columns x inputs for each row."""
    return jax.lax.map(lambda g: _factorise(g, word, segment), conductance)


def _factorise(
    conductance: Float[Array, "rows cols"], word: Float[Array, "cols cols"], segment: Float[Array, " rows"]
) -> Factors:
    cols = conductance.shape[1]

    def step(
        above: Float[Array, "cols cols"], x: tuple[Float[Array, " cols"], Float[Array, ""]]
    ) -> tuple[Float[Array, "cols cols"], tuple[Float[Array, "cols cols"], ...]]:
        g, r = x
        own = row_admittance(g, word)
        admittance = own + above
        passed = positive_inverse(jnp.eye(cols) + r * admittance)
        return passed @ admittance, (own, admittance, passed)

    _, (row, admittance, passed) = jax.lax.scan(step, jnp.zeros((cols, cols)), (conductance, segment))
    return Factors(conductance, word, row, admittance, passed, segment)


@jax.jit
def solve(
    factors: Factors,
    v: Float[Array, "arrays inputs rows"],
    sense: Float[Array, "arrays inputs cols"],
    beside: Float[Array, "arrays inputs rows cols"],
) -> Lines:
    """Every node and current for many inputs.

    Args:
        factors: of the arrays.
        v: voltages of the sources of the word lines, V.
        sense: voltages that the amplifiers hold, V.
        beside: current source beside every cell, from word to bit line, A.
    """
    return jax.lax.map(lambda x: _solve(*x), (factors, v, sense, beside))


def _solve(
    factors: Factors,
    v: Float[Array, "inputs rows"],
    sense: Float[Array, "inputs cols"],
    beside: Float[Array, "inputs rows cols"],
) -> Lines:
    # rows first; matrices are symmetric, and act from the right
    given = jnp.moveaxis(v, 1, 0), jnp.moveaxis(beside, 1, 0)

    def own(
        v: Float[Array, " inputs"], u: Float[Array, "inputs cols"] | float, j: Float[Array, "inputs cols"], s: Matrix
    ) -> Float[Array, "inputs cols"]:
        """The cells' currents."""
        return j + (v[:, None] - u - j @ factors.word) @ s

    def down(
        carried: Float[Array, "inputs cols"], x: tuple[Float[Array, "..."], ...]
    ) -> tuple[Float[Array, "inputs cols"], Float[Array, "inputs cols"]]:
        v, j, row, passed = x
        y = own(v, 0.0, j, row) + carried
        return y @ passed, y

    _, gathered = jax.lax.scan(down, jnp.zeros_like(sense), (*given, factors.row, factors.passed))

    def up(
        below: Float[Array, "inputs cols"], x: tuple[Float[Array, "..."], ...]
    ) -> tuple[Float[Array, "inputs cols"], tuple[Float[Array, "inputs cols"], ...]]:
        v, j, y, row, admittance, passed, r = x
        through = (y - below @ admittance) @ passed
        u = below + r * through
        return u, (u, own(v, u, j, row), through)

    xs = (*given, gathered, factors.row, factors.admittance, factors.passed, factors.segment)
    _, (bit, cell, through) = jax.lax.scan(up, sense, xs, reverse=True)
    bit, cell = jnp.moveaxis(bit, 0, 1), jnp.moveaxis(cell, 0, 1)
    return Lines(v[:, :, None] - cell @ factors.word, bit, cell, through[-1])
