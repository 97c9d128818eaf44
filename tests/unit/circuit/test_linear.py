from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.assembly import static_residual
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.linear import SMALL, solve, solve_partitioned, solve_small
from anamorph.circuit.netlist import Cell, CurrentSource, Instance, Resistor, VoltageSource
from anamorph.circuit.operating_point import conditions
from anamorph.technology import Technology


@pytest.mark.parametrize("n", range(1, SMALL + 1))
def test_small_systems_are_solved_for_whole_batches(n: int):
    draw = np.random.default_rng(n)
    matrix, right = draw.normal(size=(n, n, 5, 3)), draw.normal(size=(n, 2, 5, 3))
    found = np.asarray(solve_small(jnp.asarray(matrix), jnp.asarray(right)))
    expected = np.linalg.solve(np.moveaxis(matrix, (0, 1), (2, 3)), np.moveaxis(right, (0, 1), (2, 3)))
    # float64 rounding times the condition of random matrices of this size (up to about 1e4 in a batch of 15)
    np.testing.assert_allclose(np.moveaxis(found, (0, 1), (2, 3)), expected, rtol=1e-9)


def test_a_zero_on_the_diagonal_needs_another_row():
    matrix = jnp.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [4.0, 0.0, 0.0]])[..., None]
    right = jnp.array([3.0, 8.0, 20.0])[:, None, None]
    np.testing.assert_array_equal(solve_small(matrix, right)[:, 0, 0], [5.0, 3.0, 4.0])


def test_rows_are_chosen_sample_by_sample():
    swapped = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    matrix = jnp.stack([jnp.eye(2), swapped, 1e-12 * jnp.eye(2) + swapped], axis=-1)
    right = jnp.broadcast_to(jnp.array([1.0, 2.0])[:, None, None], (2, 1, 3))
    # without pivoting the third loses twelve digits
    np.testing.assert_allclose(solve_small(matrix, right)[:, 0], [[1, 2, 2], [2, 1, 1]], rtol=1e-11)


def test_a_singular_sample_spoils_no_other():
    matrix = jnp.stack([jnp.eye(2), jnp.zeros((2, 2))], axis=-1)
    found = solve_small(matrix, jnp.ones((2, 1, 2)))
    np.testing.assert_array_equal(found[:, 0, 0], [1, 1])
    assert not np.isfinite(found[:, 0, 1]).any()


@pytest.mark.parametrize("n", [SMALL, SMALL + 1, 20])
def test_both_methods_agree_where_they_meet(n: int):
    draw = np.random.default_rng(n)
    matrix, right = draw.normal(size=(n, n, 4)), draw.normal(size=(n, 4))
    expected = np.stack([np.linalg.solve(matrix[..., b], right[:, b]) for b in range(4)], axis=-1)
    np.testing.assert_allclose(solve(jnp.asarray(matrix), jnp.asarray(right)), expected, rtol=1e-9)


def ladder(rungs: int, inner: int) -> Cell:
    """Instances in a row between border nodes; the first has `inner` nodes of its own, the others one."""

    def rung(name: str, count: int) -> Cell:
        nodes = ["left", *(f"m{k}" for k in range(count)), "right"]
        links = zip(nodes, nodes[1:], strict=False)
        elements = [Resistor(f"r{k}", a, b, 1e3 * (k + 1)) for k, (a, b) in enumerate(links)]
        return Cell(name, ("left", "right"), (*elements, Resistor("g", nodes[1], "0", 5e3)))

    kinds = [rung("wide", inner), *[rung("slim", 1)] * (rungs - 1)]
    rows = [Instance(f"x{k}", kind, {"left": f"b{k}", "right": f"b{k + 1}"}) for k, kind in enumerate(kinds)]
    return Cell("ladder", (), (VoltageSource("v", "b0"), CurrentSource("i", f"b{rungs}"), *rows))


@pytest.mark.parametrize(("rungs", "inner"), [(1, 1), (3, 2), (12, 3), (3, SMALL + 2)])
def test_eliminating_blocks_first_is_solving_the_whole(cmos180: Technology, rungs: int, inner: int):
    circuit = compile_cell(ladder(rungs, inner), cmos180)
    structure, n = circuit.structure, len(circuit.unknowns)
    assert structure.n_border == rungs and n > rungs
    given, _ = conditions(circuit, {"v": jnp.array([1.0, 2.0]), "i": 1e-3})
    _, _, jacobian = static_residual(structure, jnp.zeros((n, 2)), given)
    # linear elements: the residual's change by a volt on each node is a column of the matrix
    base = static_residual(structure, jnp.zeros((n, 1)), _first(given))[0][:n]
    columns = [
        static_residual(structure, jnp.zeros((n, 1)).at[k].set(1.0), _first(given))[0][:n] - base for k in range(n)
    ]
    dense = np.concatenate(columns, axis=1)
    right = np.random.default_rng(0).normal(size=(n, 2))
    found = solve_partitioned(structure, jacobian, jnp.asarray(right))
    np.testing.assert_allclose(found, np.linalg.solve(dense, right), rtol=1e-10)


def _first(given):
    return type(given)(*(part[..., :1] for part in given))
