"""Kirchhoff's current law and its derivatives for a compiled netlist, a batch of samples at a time.

Currents are counted as leaving a node. The batch is the *last* axis everywhere, so that summing an
element's current into its nodes adds whole rows and every operation runs over contiguous samples.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.circuit.compile import Structure
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current, noise_psd, terminal_charges


class Conditions(NamedTuple):
    """What each sample of a circuit is subject to.

    Attributes:
        held: potentials of the held nodes, V.
        sources: currents of the current sources, A.
        deviations: threshold deviation of every transistor, V.
        temperature: K.
    """

    held: Float[Array, "held batch"]
    sources: Float[Array, "sources batch"]
    deviations: Float[Array, "fets batch"]
    temperature: Float[Array, " batch"]


def all_voltages(v: Float[Array, "unknowns batch"], held: Float[Array, "held batch"]) -> Float[Array, "nodes batch"]:
    """Unknowns, held nodes and ground in one array."""
    return jnp.concatenate([v, held, jnp.zeros((1, v.shape[1]))])


def _parameters(structure: Structure) -> MosfetParameters:
    return jax.tree.map(lambda column: column[:, None], structure.mosfet)


def _terminals(structure: Structure, voltages: Float[Array, "nodes batch"]) -> Terminals:
    drain, gate, source, bulk = (voltages[structure.fet_nodes[:, k]] for k in range(4))
    sign = structure.mosfet.polarity[:, None]
    return Terminals(sign * (drain - bulk), sign * (gate - bulk), sign * (source - bulk))


def fet_currents(
    structure: Structure, voltages: Float[Array, "nodes batch"], conditions: Conditions
) -> tuple[Float[Array, "fets batch"], Terminals]:
    """Currents from drain to source, A, and their derivatives by drain, gate and source voltage, S."""

    def current(v: Terminals) -> Float[Array, "fets batch"]:
        return drain_current(_parameters(structure), v, conditions.deviations, conditions.temperature)

    value, pullback = jax.vjp(current, _terminals(structure, voltages))
    (slopes,) = pullback(jnp.ones_like(value))
    # current and voltages both flip sign for a p-channel device, so its conductances do not
    return structure.mosfet.polarity[:, None] * value, slopes


def fet_noise(
    structure: Structure, voltages: Float[Array, "nodes batch"], conditions: Conditions
) -> tuple[Float[Array, "fets batch"], Float[Array, "fets batch"]]:
    """Noise of every drain current: thermal, and flicker at 1 Hz, A²/Hz."""
    v, deviations = _terminals(structure, voltages), conditions.deviations
    return noise_psd(_parameters(structure), v, 1.0, deviations, conditions.temperature)


def static_residual(
    structure: Structure, v: Float[Array, "unknowns batch"], conditions: Conditions
) -> tuple[Float[Array, "nodes batch"], Float[Array, "nodes batch"], Float[Array, "entries batch"]]:
    """Current leaving every node through elements, the sum of its magnitudes, and the Jacobian.

    Held nodes and ground are included: what leaves a held node is what its source delivers.
    """
    voltages = all_voltages(v, conditions.held)
    i_fet, g = fet_currents(structure, voltages, conditions)
    drain, source = structure.fet_nodes[:, 0], structure.fet_nodes[:, 2]
    a, b = structure.resistor_nodes[:, 0], structure.resistor_nodes[:, 1]
    i_res = structure.conductance[:, None] * (voltages[a] - voltages[b])
    nodes = jnp.concatenate([drain, source, a, b, structure.source_nodes])
    flows = jnp.concatenate([i_fet, -i_fet, i_res, -i_res, -conditions.sources])
    zero = jnp.zeros((structure.n_nodes, v.shape[1]))
    leaving = zero.at[nodes].add(flows)
    magnitude = zero.at[nodes].add(jnp.abs(flows))
    row = (g.drain, g.gate, g.source, -(g.drain + g.gate + g.source))
    fet, resistor = structure.places.fet, structure.places.resistor
    entries = [(fet[:, 0, k], row[k]) for k in range(4)]
    entries += [(fet[:, 2, k], -row[k]) for k in range(4)]
    entries += _two_terminal(resistor, structure.conductance, v.shape[1])
    return leaving, magnitude, _scatter(structure, entries)


def node_charges(
    structure: Structure, v: Float[Array, "unknowns batch"], conditions: Conditions
) -> tuple[Float[Array, "nodes batch"], Float[Array, "entries batch"]]:
    """Charge on every node, C, and its Jacobian, F. The charges of all nodes sum to zero."""
    voltages = all_voltages(v, conditions.held)
    parameters = _parameters(structure)

    def charges(terminals: Terminals) -> Terminals:
        return terminal_charges(parameters, terminals, conditions.deviations, conditions.temperature)

    terminals = _terminals(structure, voltages)
    value, pushforward = jax.linearize(charges, terminals)
    shape = terminals.drain.shape
    units = (jnp.broadcast_to(jnp.eye(3)[:, i, None, None], (3, *shape)) for i in range(3))
    slopes = jax.vmap(pushforward)(Terminals(*units))
    # rows drain, gate, source by columns of the same; the bulk's follow from neutrality and the reference
    square = [*slopes, -(slopes.drain + slopes.gate + slopes.source)]
    sign = structure.mosfet.polarity[:, None]
    q = [sign * value.drain, sign * value.gate, sign * value.source]
    q.append(-(q[0] + q[1] + q[2]))
    a, b = structure.capacitor_nodes[:, 0], structure.capacitor_nodes[:, 1]
    q_cap = structure.capacitance[:, None] * (voltages[a] - voltages[b])
    at_terminals = [(structure.fet_nodes[:, k], q[k]) for k in range(4)]
    total = _sum(structure.n_nodes, v.shape[1], [*at_terminals, (a, q_cap), (b, -q_cap)])
    places = structure.places
    entries = [(places.fet[:, r, :3].T.ravel(), row.reshape(-1, v.shape[1])) for r, row in enumerate(square)]
    entries += [(places.fet[:, r, 3], -row.sum(0)) for r, row in enumerate(square)]
    entries += _two_terminal(places.capacitor, structure.capacitance, v.shape[1])
    return total, _scatter(structure, entries)


def diagonal(structure: Structure, value: Float[Array, " batch"]) -> Float[Array, "entries batch"]:
    """`value` on the diagonal of the partitioned Jacobian."""
    places = jnp.concatenate([structure.places.border_diagonal, structure.places.block_diagonal.ravel()])
    return _scatter(structure, [(places, jnp.broadcast_to(value, (len(places), len(value))))])


def _two_terminal(places: Array, value: Array, batch: int) -> list[tuple[Array, Array]]:
    spread = jnp.broadcast_to(value[:, None], (len(value), batch))
    return [(places[:, r, c], spread if r == c else -spread) for r in range(2) for c in range(2)]


def _scatter(structure: Structure, entries: list[tuple[Array, Array]]) -> Float[Array, "entries batch"]:
    """Sum contributions into the flat Jacobian; the last place is waste (held rows and columns)."""
    count, width = structure.blocks.shape
    ports = structure.block_border.shape[1]
    size = structure.n_border**2 + count * width * (width + 2 * ports) + 1
    return _sum(size, entries[0][1].shape[1], entries)[:-1]


def _sum(size: int, batch: int, parts: list[tuple[Array, Array]]) -> Float[Array, "size batch"]:
    """Add whole rows at their places, one part after the other.

    Not as one concatenated sum: XLA on CPUs fuses the parts' arithmetic into that, and then repeats it.
    """
    total = jnp.zeros((size, batch))
    for places, values in parts:
        total = total.at[places].add(values)
    return total
