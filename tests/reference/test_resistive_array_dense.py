"""Arrays with wires against dense nodal analysis, written here without anything of the package."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.positive_inverse import positive_inverse
from anamorph.circuit.resistive_array import ResistiveArray

R_WORD, R_BIT, R_DRIVER, R_SENSE = 50.0, 70.0, 33.0, 44.0
#: Both solve the same few equations in float64, whose condition is below 1e3.
ROUNDING = 1e-11


def nodal(g, word_side, bit_side, v, v_sense=0.0, beside=None):
    """Output currents, word nodes and bit nodes by Kirchhoff's current law at every node."""
    rows, cols = g.shape
    n = rows * cols
    matrix, known = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)

    def join(a, b, conductance):
        for x, y in ((a, b), (b, a)):
            matrix[x, x] += conductance
            matrix[x, y] -= conductance

    def hold(a, voltage, conductance):
        matrix[a, a] += conductance
        known[a] += voltage * conductance

    end = rows - 1 if bit_side == "bottom" else 0
    for i in range(rows):
        for j in range(cols):
            here = i * cols + j
            join(here, n + here, g[i, j])
            if beside is not None:
                known[here] -= beside[i, j]
                known[n + here] += beside[i, j]
            if j + 1 < cols:
                join(here, here + 1, 1 / R_WORD)
            if i + 1 < rows:
                join(n + here, n + here + cols, 1 / R_BIT)
        if word_side in ("left", "both"):
            hold(i * cols, v[i], 1 / R_DRIVER)
        if word_side in ("right", "both"):
            hold(i * cols + cols - 1, v[i], 1 / R_DRIVER)
    for j in range(cols):
        hold(n + end * cols + j, v_sense, 1 / R_SENSE)
    x = np.linalg.solve(matrix, known)
    word, bit = x[:n].reshape(rows, cols), x[n:].reshape(rows, cols)
    return (bit[end] - v_sense) / R_SENSE, word, bit


@pytest.mark.parametrize("bit_side", ["bottom", "top"])
@pytest.mark.parametrize("word_side", ["left", "right", "both"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_every_node_and_current(shape, word_side, bit_side):
    rng = np.random.default_rng(1)
    g, v = rng.uniform(0, 1e-3, shape), rng.normal(size=(2, shape[0]))
    g[1, 1] = 0.0
    beside = rng.normal(size=shape) * 1e-4
    array = ResistiveArray(g, R_WORD, R_BIT, R_DRIVER, R_SENSE, word_side, bit_side)
    plain = np.array([nodal(g, word_side, bit_side, x)[0] for x in v])
    np.testing.assert_allclose(array.solve(v), plain, rtol=ROUNDING, atol=ROUNDING * abs(plain).max())
    lines = array.voltages(v, 0.2, beside)
    for k, x in enumerate(v):
        output, word, bit = nodal(g, word_side, bit_side, x, 0.2, beside)
        np.testing.assert_allclose(lines.output[k], output, rtol=0, atol=ROUNDING * abs(output).max())
        np.testing.assert_allclose(lines.word[k], word, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(lines.bit[k], bit, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(lines.cell[k], g * (word - bit) + beside, rtol=0, atol=ROUNDING * abs(output).max())


@pytest.mark.parametrize("size", [5, 70])
def test_inverse_of_a_positive_matrix(size):
    """Whole, and block by block with a last block that is not full; condition 1e6."""
    root = np.linalg.qr(np.random.default_rng(3).normal(size=(size, size)))[0]
    values = np.geomspace(1, 1e6, size)
    found = positive_inverse(jnp.asarray(root * values @ root.T))
    # rounding times condition; the inverse's largest entries are of the size of one
    np.testing.assert_allclose(found, root / values @ root.T, rtol=0, atol=1e-16 * 1e6 * 10)
