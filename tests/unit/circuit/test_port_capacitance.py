"""Capacitances seen from the ports of a cell, against closed forms."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.assembly import Conditions
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, Resistor, VoltageSource
from anamorph.circuit.port_capacitance import port_capacitances
from anamorph.technology import Technology

R, C, C_PORT = 1e6, 3e-15, 2e-15


@pytest.mark.parametrize(("time", "expected"), [(1e-3, C), (1e-14, 0.0), (R * C, C / 2)])
def test_a_capacitor_behind_a_resistor(cmos180: Technology, time: float, expected: float) -> None:
    """At the real rate s its admittance is sC / (1 + s R C): all of C when slow, none when fast."""
    cell = Cell(
        "rc",
        (),
        (
            VoltageSource("port", "port"),
            Resistor("r", "port", "inner", R),
            Capacitor("c", "inner", "0", C),
            Capacitor("own", "port", "0", C_PORT),
        ),
    )
    circuit = compile_cell(cell, cmos180)
    given = Conditions(jnp.ones((1, 2)), jnp.zeros((0, 2)), jnp.zeros((0, 2)), jnp.full(2, 300.0))
    found = port_capacitances(circuit.structure, jnp.ones((1, 2)), given, time)
    assert found.shape == (2, 1, 1)
    np.testing.assert_allclose(found[:, 0, 0], C_PORT + expected, rtol=1e-6, atol=1e-3 * C)
