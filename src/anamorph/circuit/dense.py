"""A small circuit as dense equations: currents, charges and their derivatives, many samples at once.

For circuits of a handful of nodes, such as a neuron, the general assembly (`assembly.py`) spends its time on moving
data about. Here the netlist's connections are constants of the compiled code: the sums over a node's elements are
products with constant matrices, and elimination is written out. The device's equations are the same functions.

The rows are the unknown nodes and, last, one held node that is watched: the supply. What leaves that node is what
its source delivers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.compile import Circuit
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current, terminal_charges
from anamorph.errors import BadInput, nearest

#: Terminals of a transistor in the order of `Structure.fet_nodes`, the bulk last.
DRAIN, GATE, SOURCE, BULK = range(4)

Lanes = Float[Array, " lanes"]
Nodes = Float[Array, "unknowns lanes"]
Matrix = tuple[tuple[Lanes | float, ...], ...]


@dataclass(frozen=True)
class Wiring:
    """Connections of a small circuit: hashable, and so a constant of what is compiled.

    Node numbers are those of `Structure`: unknowns, held nodes, ground.

    Attributes:
        fets: drain, gate, source, bulk of every transistor.
        resistors: the two nodes of each.
        capacitors: the two nodes of each.
        sources: the node into which each current source drives.
        n_unknowns: nodes to solve for.
        n_held: nodes held by voltage sources.
        watched: number of the held node whose current is followed.
    """

    fets: tuple[tuple[int, ...], ...]
    resistors: tuple[tuple[int, int], ...]
    capacitors: tuple[tuple[int, int], ...]
    sources: tuple[int, ...]
    n_unknowns: int
    n_held: int
    watched: int


class Given(NamedTuple):
    """What each sample is subject to.

    Attributes:
        mosfet: parameters, ``[fets, 1]``.
        conductance: of the resistors, S.
        capacitance: of the capacitors, F.
        held: potentials of the held nodes, V.
        sources: currents of the current sources, A.
        deviations: threshold deviations, V.
        temperature: K.
    """

    mosfet: MosfetParameters
    conductance: Float[Array, " resistors"]
    capacitance: Float[Array, " capacitors"]
    held: Float[Array, "held lanes"]
    sources: Float[Array, "sources lanes"]
    deviations: Float[Array, "fets lanes"]
    temperature: Lanes


class Point(NamedTuple):
    """Currents that leave the nodes through elements, A, and charges on them, C; the watched node last."""

    current: Float[Array, "rows lanes"]
    charge: Float[Array, "rows lanes"]


class Slopes(NamedTuple):
    """Derivatives of `Point` by the unknowns: S and F, a list of rows; the watched node last."""

    conductance: Matrix
    capacitance: Matrix


def wiring(circuit: Circuit, watched: str) -> Wiring:
    """Connections of a compiled circuit. `watched` is the name of a held node.

    Raises:
        BadInput: no such held node.
    """
    s = circuit.structure
    if watched not in circuit.held:
        raise BadInput(f"no held node '{watched}'", advice=nearest(watched, circuit.held))

    def pairs(nodes: Array) -> tuple[tuple[int, int], ...]:
        return tuple((int(a), int(b)) for a, b in np.asarray(nodes))

    return Wiring(
        fets=tuple(tuple(int(n) for n in row) for row in np.asarray(s.fet_nodes)),
        resistors=pairs(s.resistor_nodes),
        capacitors=pairs(s.capacitor_nodes),
        sources=tuple(int(n) for n in np.asarray(s.source_nodes)),
        n_unknowns=s.n_unknowns,
        n_held=len(circuit.held),
        watched=s.n_unknowns + circuit.held.index(watched),
    )


def evaluate(wiring: Wiring, given: Given, v: Nodes) -> Point:
    """Currents and charges at node voltages `v`, V."""
    places = _places(wiring)
    nodes = _potentials(given, v)
    i, q = _devices(given)(_terminals(places, given, nodes))
    return _collect(places, given, nodes, i, q)


def linearise(wiring: Wiring, given: Given, v: Nodes) -> tuple[Point, Slopes]:
    """The same, and the derivatives by every unknown node's voltage."""
    places, n = _places(wiring), wiring.n_unknowns
    nodes = _potentials(given, v)
    terminals = _terminals(places, given, nodes)
    (i, q), push = jax.linearize(_devices(given), terminals)
    one, zero = jnp.ones_like(terminals.drain), jnp.zeros_like(terminals.drain)
    units = (Terminals(one, zero, zero), Terminals(zero, one, zero), Terminals(zero, zero, one))
    # currents, charges and voltages all flip sign for a p-channel device, so derivatives do not
    g, c = zip(*(push(unit) for unit in units), strict=True)
    lanes = jnp.ones_like(v[0])
    flat_g = places.g_fets @ jnp.concatenate(g) + (places.g_resistors @ given.conductance)[:, None] * lanes
    flat_c = places.c_fets @ jnp.concatenate([part for by in c for part in by])
    flat_c += (places.c_capacitors @ given.capacitance)[:, None] * lanes
    slopes = Slopes(*(tuple(tuple(f[r * n + k] for k in range(n)) for r in range(n + 1)) for f in (flat_g, flat_c)))
    return _collect(places, given, nodes, i, q), slopes


def solve(matrix: Sequence[Sequence[Lanes | float]], right: Sequence[Lanes]) -> list[Lanes]:
    """Solve a small system by elimination without pivoting, each sample its own, all written out."""
    return substitute(factorise(matrix), right)


def factorise(matrix: Sequence[Sequence[Lanes | float]]) -> list[list[Lanes | float]]:
    """L (unit diagonal) and U in one table; the diagonal holds reciprocals.

    Without pivoting: C + h G of a circuit has its largest entries on the diagonal where capacitances
    dominate, and where they do not the step is cut.
    """
    rows = [list(row) for row in matrix]
    n = len(rows)
    for k in range(n):
        rows[k][k] = 1.0 / rows[k][k]
        for r in range(k + 1, n):
            rows[r][k] = factor = rows[r][k] * rows[k][k]
            for c in range(k + 1, n):
                rows[r][c] = rows[r][c] - factor * rows[k][c]
    return rows


def substitute(factors: Sequence[Sequence[Lanes | float]], right: Sequence[Lanes]) -> list[Lanes]:
    """Solve with what `factorise` made."""
    x = list(right)
    n = len(x)
    for r in range(n):
        for c in range(r):
            x[r] = x[r] - factors[r][c] * x[c]
    for r in reversed(range(n)):
        for c in range(r + 1, n):
            x[r] = x[r] - factors[r][c] * x[c]
        x[r] = x[r] * factors[r][r]
    return x


class _Places(NamedTuple):
    """The wiring as constant matrices: what each element's currents, charges and slopes add to which row or entry."""

    voltage: np.ndarray  # [3 fets, nodes]: drain, gate, source against bulk
    currents: np.ndarray  # [rows, fets + resistors + sources]
    charges: np.ndarray  # [rows, 3 fets + capacitors]
    across: tuple[np.ndarray, np.ndarray]  # of resistors and capacitors, [elements, nodes]
    g_fets: np.ndarray  # [rows * unknowns, 3 fets]: by drain, gate, source
    c_fets: np.ndarray  # [rows * unknowns, 9 fets]: by drain, gate, source; each of drain, gate, source
    g_resistors: np.ndarray  # [rows * unknowns, resistors]
    c_capacitors: np.ndarray


@cache
def _places(wiring: Wiring) -> _Places:
    n, n_nodes = wiring.n_unknowns, wiring.n_unknowns + wiring.n_held + 1
    rows = np.eye(n_nodes)[[*range(n), wiring.watched]]
    fets = np.array(wiring.fets, int).reshape(-1, 4)
    at = [np.eye(n_nodes)[fets[:, t]] for t in range(4)]  # [fets, nodes] each
    against_bulk = [at[t] - at[BULK] for t in range(3)]
    ends = [np.array(pairs, int).reshape(-1, 2) for pairs in (wiring.resistors, wiring.capacitors)]
    across = [np.eye(n_nodes)[pair[:, 0]] - np.eye(n_nodes)[pair[:, 1]] for pair in ends]
    sources = np.eye(n_nodes)[list(wiring.sources)]
    channel = at[DRAIN] - at[SOURCE]

    def entries(flow: np.ndarray, voltage: np.ndarray) -> np.ndarray:
        """Where a slope of the current along `flow` by a voltage goes, ``[rows * unknowns, elements]``."""
        return np.einsum("re,ec->rce", rows @ flow.T, voltage[:, :n]).reshape((n + 1) * n, len(flow))

    by = range(3)
    return _Places(
        voltage=np.concatenate(against_bulk),
        currents=rows @ np.concatenate([channel, across[0], -sources]).T,
        charges=rows @ np.concatenate([*against_bulk, across[1]]).T,
        across=(across[0], across[1]),
        g_fets=np.concatenate([entries(channel, against_bulk[k]) for k in by], axis=1),
        c_fets=np.concatenate([entries(against_bulk[t], against_bulk[k]) for k in by for t in by], axis=1),
        g_resistors=entries(across[0], across[0]),
        c_capacitors=entries(across[1], across[1]),
    )


def _potentials(given: Given, v: Nodes) -> Float[Array, "nodes lanes"]:
    """Voltage of every node, ground last."""
    return jnp.concatenate([v, given.held, jnp.zeros_like(v[:1])])


def _terminals(places: _Places, given: Given, nodes: Float[Array, "nodes lanes"]) -> Terminals:
    """Bulk-referred, sign-flipped for p-channel devices, ``[fets, lanes]``."""
    voltage = (places.voltage @ nodes).reshape(3, -1, nodes.shape[1]) * given.mosfet.polarity
    return Terminals(*voltage)


def _devices(given: Given) -> Callable[[Terminals], tuple[Array, Terminals]]:
    """All transistors' currents and charges as a function of their terminal voltages."""
    p, shifts, temperature = given.mosfet, given.deviations, given.temperature

    def of(terminals: Terminals) -> tuple[Array, Terminals]:
        return drain_current(p, terminals, shifts, temperature), terminal_charges(p, terminals, shifts, temperature)

    return of


def _collect(places: _Places, given: Given, nodes: Array, i: Array, q: Terminals) -> Point:
    sign = given.mosfet.polarity
    resistors = given.conductance[:, None] * (places.across[0] @ nodes)
    capacitors = given.capacitance[:, None] * (places.across[1] @ nodes)
    return Point(
        jnp.asarray(places.currents) @ jnp.concatenate([sign * i, resistors, given.sources]),
        jnp.asarray(places.charges) @ jnp.concatenate([*(sign * part for part in q), capacitors]),
    )
