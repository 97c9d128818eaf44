"""The dense equations of a small circuit are those of the general assembly."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit import assembly
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.dense import Given, evaluate, factorise, linearise, substitute, wiring
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Resistor, VoltageSource
from anamorph.errors import BadInput
from anamorph.technology import Technology

LANES = 5
EVALUATE, LINEARISE = (jax.jit(function, static_argnums=0) for function in (evaluate, linearise))


@pytest.fixture(scope="module")
def circuit(cmos180: Technology) -> Circuit:
    um = 1e-6
    junction = (1e-12, 2e-12, 4e-6, 6e-6)
    elements = (
        Fet("MP", "p", "y", "x", "top", "vdd", 2 * um, um, 1, *junction),
        Fet("MT", "p", "top", "bias", "vdd", "vdd", um, um, 1, *junction),
        Fet("MN", "n", "y", "x", "0", "0", um, um, 2, *junction),
        Resistor("R", "y", "x", 1e7),
        Resistor("RV", "vdd", "top", 1e8),
        Capacitor("C", "x", "0", 1e-14),
        Capacitor("CV", "y", "vdd", 2e-14),
        CurrentSource("drive", "x"),
        VoltageSource("v_supply", "vdd"),
        VoltageSource("v_bias", "bias"),
    )
    return compile_cell(Cell("small", (), elements), cmos180)


def given(circuit: Circuit) -> tuple[Given, np.ndarray]:
    rng = np.random.default_rng(0)
    s = circuit.structure
    return Given(
        mosfet=jax.tree.map(lambda column: column[:, None], s.mosfet),
        conductance=s.conductance, capacitance=s.capacitance,
        held=jnp.asarray(rng.uniform(0.3, 1.8, (2, LANES))), sources=jnp.asarray(rng.normal(size=(1, LANES))) * 1e-8,
        deviations=jnp.asarray(rng.normal(size=(3, LANES))) * 0.02, temperature=jnp.linspace(250.0, 400.0, LANES),
    ), rng.uniform(0, 1.8, (3, LANES))  # fmt: skip


def test_dense_equations_are_those_of_the_general_assembly(circuit: Circuit) -> None:
    case, v = given(circuit)
    net, s = wiring(circuit, "vdd"), circuit.structure
    conditions = assembly.Conditions(case.held, case.sources, case.deviations, case.temperature)
    leaving, _, g = assembly.static_residual(s, jnp.asarray(v), conditions)
    charges, c = assembly.node_charges(s, jnp.asarray(v), conditions)
    rows = np.array([0, 1, 2, net.watched])
    point, slopes = LINEARISE(net, case, jnp.asarray(v))
    again = EVALUATE(net, case, jnp.asarray(v))
    for found in (point, again):
        np.testing.assert_allclose(found.current, leaving[rows], rtol=1e-12, atol=1e-24)
        np.testing.assert_allclose(found.charge, charges[rows], rtol=1e-12, atol=1e-30)
    for found, expected in ((slopes.conductance, g), (slopes.capacitance, c)):
        table = np.array([[np.broadcast_to(x, LANES) for x in row] for row in found])
        scale = np.abs(table).max()
        np.testing.assert_allclose(table[:3], np.reshape(expected, (3, 3, LANES)), rtol=1e-12, atol=1e-14 * scale)


def test_slopes_of_the_watched_node_are_its_derivatives(circuit: Circuit) -> None:
    case, v = given(circuit)
    net, step = wiring(circuit, "vdd"), 1e-6
    _, slopes = LINEARISE(net, case, jnp.asarray(v))
    for column in range(3):
        shift = step * np.eye(3)[column][:, None]
        up, down = (EVALUATE(net, case, jnp.asarray(v + sign * shift)) for sign in (1, -1))
        for table, a, b in (
            (slopes.conductance, up.current, down.current),
            (slopes.capacitance, up.charge, down.charge),
        ):
            difference = (np.asarray(a)[-1] - np.asarray(b)[-1]) / (2 * step)
            # central differences of smooth functions over 1 uV: rounding of 1e-16 relative in the sums dominates
            np.testing.assert_allclose(table[-1][column], difference, rtol=1e-5, atol=1e-9 * np.abs(difference).max())


def test_elimination_solves(circuit: Circuit) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(4, 4, LANES)) + 4 * np.eye(4)[:, :, None]
    right = rng.normal(size=(4, LANES))
    factors = factorise([[jnp.asarray(x) for x in row] for row in matrix])
    x = np.array(substitute(factors, [jnp.asarray(row) for row in right]))
    np.testing.assert_allclose(np.einsum("rcl,cl->rl", matrix, x), right, atol=1e-12)


def test_a_node_that_is_not_held_cannot_be_watched(circuit: Circuit) -> None:
    with pytest.raises(BadInput, match="no held node 'vd'.*Did you mean 'vdd'"):
        wiring(circuit, "vd")
