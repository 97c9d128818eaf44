"""Capacitances between the ports of a cell whose inner nodes follow its ports: a first-order reduction.

With admittances Y(s) = G + s C, and the inner nodes eliminated,

    Y_eff(s) = Y_pp - Y_pi Y_ii^-1 Y_ip,      C_eff = (Y_eff(s) - Y_eff(0)) / s

taken at the real s = 1/t of the time t in which the ports change. Nodes much faster than t follow as in a static
solution, and their charge is the ports'; nodes much slower, such as those behind an open switch, keep their
charge and only divide capacitively. The plain derivative at s = 0 would let those follow too.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.circuit.assembly import Conditions, node_charges, static_residual
from anamorph.circuit.compile import Structure


@jax.jit
def nodal_matrices(
    structure: Structure, unknowns: Float[Array, "unknowns batch"], given: Conditions
) -> tuple[Float[Array, "batch nodes nodes"], Float[Array, "batch nodes nodes"]]:
    """Conductances (S) and capacitances (F) between all nodes but ground, unknowns first, at given voltages.

    Row i, column j: what leaves, or stands on, node i per volt on node j.
    """
    n, nodes = structure.n_unknowns, structure.n_nodes - 1

    def flows(voltages: Array, held: Array) -> tuple[Array, Array]:
        moved = given._replace(held=held)
        return static_residual(structure, voltages, moved)[0], node_charges(structure, voltages, moved)[0]

    def column(unit: Array) -> tuple[Array, Array]:
        spread = jnp.broadcast_to(unit[:, None], (nodes, unknowns.shape[1]))
        return jax.jvp(flows, (unknowns, given.held), (spread[:n], spread[n:]))[1]

    columns = jax.lax.map(column, jnp.eye(nodes))
    conductance, capacitance = (jnp.transpose(a[:, :-1], (2, 1, 0)) for a in columns)
    return conductance, capacitance


@jax.jit
def port_capacitances(
    structure: Structure, inner: Float[Array, "unknowns batch"], given: Conditions, time: Float[Array, ""] | float
) -> Float[Array, "batch held held"]:
    """Effective capacitances seen from the held nodes, F: charge into the row's node per volt on the column's.

    Args:
        structure: of a cell with a voltage source on every port.
        inner: voltages of its inner nodes at the static solution, V.
        given: potentials of the ports, deviations, temperature.
        time: in which the ports change, s.
    """
    n = structure.n_unknowns
    conductance, capacitance = nodal_matrices(structure, inner, given)

    def reduced(rate: Array | float) -> Array:
        y = conductance + rate * capacitance
        return y[:, n:, n:] - y[:, n:, :n] @ jnp.linalg.solve(y[:, :n, :n], y[:, :n, n:])

    return (reduced(1 / time) - reduced(0.0)) * time
