"""Laws of an array with wires: conservation, superposition, reciprocity, limits, derivatives, and bad input."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.resistive_array import ResistiveArray
from anamorph.circuit.resistive_cells import solve_cells
from anamorph.device.memory_cell import memristor_current
from anamorph.errors import BadInput

#: Float64 sums of a few terms.
ROUNDING = 1e-12
ROWS, COLS = 5, 3
rng = np.random.default_rng(2)
G = rng.uniform(1e-5, 1e-4, (ROWS, COLS))
V = rng.uniform(0, 0.3, (4, ROWS))
WIRES: dict[str, Any] = {"r_word": 40.0, "r_bit": 70.0, "r_driver": 200.0, "r_sense": 500.0}


def test_no_wires_is_the_matrix_product():
    np.testing.assert_allclose(ResistiveArray(G).solve(V), V @ G, rtol=ROUNDING)


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3])
def test_wires_take_in_proportion_when_small(size):
    """The first-order loss: wires enter at w/u drops of R I, so it shrinks with them and its quotient stays."""
    wires: dict[str, Any] = {name: size * r for name, r in WIRES.items()}
    loss = (G - np.asarray(ResistiveArray(G, **wires).effective_conductance())) / size
    assert (loss > 0).all()
    full = np.asarray(G - ResistiveArray(G, **{k: 1e-4 * r for k, r in WIRES.items()}).effective_conductance()) / 1e-4
    # second order is of the size r g rows ~ 1e-1 * size; 1e-16 / 1e-9 * 1e-4 / loss is rounding
    np.testing.assert_allclose(loss, full, rtol=2e-3)


def test_currents_are_conserved():
    lines = ResistiveArray(G, **WIRES).voltages(V)
    np.testing.assert_allclose(lines.cell.sum(-2), lines.output, rtol=ROUNDING)
    delivered = (V - lines.word[..., 0]) / WIRES["r_driver"]
    np.testing.assert_allclose(lines.cell.sum(-1), delivered, rtol=1e-9)  # a difference of near voltages
    power = (V * np.asarray(lines.cell.sum(-1))).sum(-1)
    cells = (np.asarray(lines.cell) * np.asarray(lines.word - lines.bit)).sum((-1, -2))
    assert (cells < power).all()


def test_superposition():
    array = ResistiveArray(G, **WIRES)
    np.testing.assert_allclose(
        array.solve(2 * V[:1] - V[1:2]), 2 * array.solve(V[:1]) - array.solve(V[1:2]), rtol=1e-11
    )
    one = array.solve(np.eye(ROWS))
    np.testing.assert_allclose(one, array.effective_conductance(), rtol=ROUNDING)


def test_reciprocity():
    """Lines may change roles: what i drives into j, j drives into i. The second is eliminated along its other lines."""
    turned = ResistiveArray(G.T[::-1, ::-1], r_word=70.0, r_bit=40.0, r_driver=500.0, r_sense=200.0)
    straight = ResistiveArray(G, **WIRES)
    found = np.asarray(turned.effective_conductance()).T[::-1, ::-1]
    np.testing.assert_allclose(found, straight.effective_conductance(), rtol=1e-11)


def test_sides_are_mirror_images():
    left = np.asarray(ResistiveArray(G, **WIRES).effective_conductance())
    right = ResistiveArray(G[:, ::-1], **WIRES, word_side="right").effective_conductance()
    top = ResistiveArray(G[::-1], **WIRES, bit_side="top").effective_conductance()
    both = ResistiveArray(G, **WIRES, word_side="both").effective_conductance()
    np.testing.assert_allclose(np.asarray(right)[:, ::-1], left, rtol=ROUNDING)
    np.testing.assert_allclose(np.asarray(top)[::-1], left, rtol=ROUNDING)
    assert (np.asarray(both) > left).all()  # a second source in parallel only helps where the first is weak


def test_a_stack_is_its_arrays():
    stack = np.stack([G, 2 * G[::-1]]).reshape(2, 1, ROWS, COLS)
    array = ResistiveArray(stack, **WIRES)
    found, lines = array.solve(V), array.voltages(V)
    for k in range(2):
        alone = ResistiveArray(stack[k, 0], **WIRES)
        np.testing.assert_allclose(found[k, 0], alone.solve(V), rtol=ROUNDING)
        np.testing.assert_allclose(lines.bit[k, 0], alone.voltages(V).bit, rtol=1e-11)


def test_derivatives_are_those_of_differences():
    def total(g, r):
        return jnp.sum(jnp.asarray(V) @ ResistiveArray(g, r, 70.0, 200.0, r).effective_conductance())

    g, r = jnp.asarray(G), jnp.asarray(40.0)
    by_cell, by_wire = jax.grad(total, argnums=(0, 1))(g, r)
    step = 1e-4
    more, less = g.at[2, 1].multiply(1 + step), g.at[2, 1].multiply(1 - step)
    # central differences: step^2 of the third derivative, and rounding over the step
    assert by_cell[2, 1] == pytest.approx(float(total(more, r) - total(less, r)) / (2 * step * G[2, 1]), rel=1e-7)
    assert by_wire == pytest.approx(
        float(total(g, r * (1 + step)) - total(g, r * (1 - step))) / (2 * step * 40.0), rel=1e-6
    )


@pytest.mark.parametrize("strength", [3.0, 40.0])
def test_curved_cells_carry_their_own_current(strength):
    """Both ways: rounds on one elimination, and Newton steps where cells that bend by e^12 defeat them."""
    g = G if strength < 10 else 1e-3 * G

    def current(drop):
        return memristor_current(g, drop, strength)

    lines = solve_cells(ResistiveArray(g, **WIRES), current, V)
    np.testing.assert_allclose(lines.cell, current(lines.word - lines.bit), rtol=0, atol=2e-9 * float(lines.cell.max()))
    np.testing.assert_allclose(lines.cell.sum(-2), lines.output, rtol=1e-11)
    np.testing.assert_allclose((V - lines.word[..., 0]) / WIRES["r_driver"], lines.cell.sum(-1), rtol=1e-7)


def test_ohmic_cells_are_the_plain_solution():
    array = ResistiveArray(G, **WIRES)
    lines = solve_cells(array, lambda drop: jnp.asarray(G) * drop, V)
    np.testing.assert_allclose(lines.output, array.solve(V), rtol=1e-11)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ResistiveArray(G[0]), r"not an array of cells"),
        (lambda: ResistiveArray(-G), r"conductance: not a passive array"),
        (lambda: ResistiveArray(G, r_bit=-1.0), r"r_bit: not a passive array.*got -1.0"),
        (lambda: ResistiveArray(G, word_side="lef"), r"no side 'lef'.*Did you mean 'left'"),
        (lambda: ResistiveArray(G).solve(V[:, :2]), r"inputs do not fit the array.*\[inputs, 5\]"),
        (lambda: ResistiveArray(G).solve(V * np.nan), r"v: not finite"),
        (lambda: solve_cells(ResistiveArray(G), lambda drop: -jnp.asarray(G) * drop, V), r"does not rise"),
    ],
)
def test_bad_input(make, says):
    with pytest.raises(BadInput, match=says):
        make()
