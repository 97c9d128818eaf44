"""From a netlist to arrays: hierarchical names flattened, transistors stacked, unknowns partitioned.

The unknowns are node voltages. They are split into *blocks*, the inner nodes of each lowest-level instance,
which touch nothing but themselves and their ports, and the *border*, all other nodes. Newton eliminates
the blocks first (`linear.py`), so a layer of synapses costs a batch of small eliminations and not one
large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.circuit.netlist import (
    GROUND,
    Behavioural,
    Capacitor,
    Cell,
    CurrentSource,
    Element,
    Fet,
    Instance,
    Resistor,
    VoltageSource,
)
from anamorph.device.mosfet import MosfetParameters
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology


class Structure(eqx.Module):
    """The arrays that the solver reads; a JAX pytree, so one compilation serves every circuit of a size.

    Node numbers: unknowns first (border, then blocks), then held nodes, ground last. Empty places in
    `blocks` and `block_border` hold -1.
    """

    mosfet: MosfetParameters  # [fets]
    fet_nodes: Int[Array, "fets 4"]  # drain, gate, source, bulk
    resistor_nodes: Int[Array, "resistors 2"]
    conductance: Float[Array, " resistors"]
    capacitor_nodes: Int[Array, "capacitors 2"]
    capacitance: Float[Array, " capacitors"]
    source_nodes: Int[Array, " sources"]
    blocks: Int[Array, "blocks width"]
    block_border: Int[Array, "blocks ports"]
    places: Places  # where each element's derivatives go in the partitioned Jacobian
    n_unknowns: int = eqx.field(static=True)
    n_border: int = eqx.field(static=True)
    n_nodes: int = eqx.field(static=True)


class Places(eqx.Module):
    """Positions in the flat Jacobian ``[border x border | blocks | block x border | border x block | waste]``."""

    fet: Int[Array, "fets 4 4"]
    resistor: Int[Array, "resistors 2 2"]
    capacitor: Int[Array, "capacitors 2 2"]
    border_diagonal: Int[Array, " border"]
    block_diagonal: Int[Array, "blocks width"]


@dataclass(frozen=True)
class Circuit:
    """A compiled netlist.

    Attributes:
        structure: arrays for the solver.
        unknowns: names of the unknown nodes, in order.
        held: names of the nodes held by voltage sources, in order.
        voltage_sources: the sources holding them, in the same order.
        current_sources: names, in order.
        fets: hierarchical names of the transistors, in order.
        threshold_sigma: standard deviation of each transistor's threshold by the area law, V.
    """

    structure: Structure
    unknowns: tuple[str, ...]
    held: tuple[str, ...]
    voltage_sources: tuple[str, ...]
    current_sources: tuple[str, ...]
    fets: tuple[str, ...]
    threshold_sigma: Float[np.ndarray, " fets"]

    def node(self, name: str) -> int:
        """Number of an unknown node.

        Raises:
            BadInput: no such node.
        """
        if name not in self.unknowns:
            raise BadInput(f"no node '{name}'", advice=nearest(name, self.unknowns))
        return self.unknowns.index(name)


def compile_cell(cell: Cell, technology: Technology) -> Circuit:
    """Flatten `cell` and stack its elements.

    Ports of the top cell are ordinary nodes; hold or drive them with sources inside the cell.

    Raises:
        BadInput: two sources on one node; nothing to solve.
        OutOfDomain: a transistor outside the card's geometry.
    """
    flat = list(_flatten(cell, "", {port: port for port in cell.ports} | {GROUND: GROUND}))
    held_by = _held_nodes(flat)
    owner = _owners(flat, held_by)
    border = [node for node, block in owner.items() if block is None]
    blocks: dict[str, list[str]] = {}
    for node, block in owner.items():
        if block is not None:
            blocks.setdefault(block, []).append(node)
    unknowns = border + [node for members in blocks.values() for node in members]
    if not unknowns:
        raise BadInput("nothing to solve: every node is held", where=f"cell {cell.name}")
    order = [*unknowns, *held_by, GROUND]
    number = {name: index for index, name in enumerate(order)}

    def of(kind: type) -> list[tuple[str, Element, tuple[str, ...]]]:
        return [(name, e, nodes) for name, e, nodes, _ in flat if isinstance(e, kind)]

    def index(items: list[tuple[str, Element, tuple[str, ...]]], width: int) -> np.ndarray:
        return np.array([[number[n] for n in nodes] for _, _, nodes in items], int).reshape(-1, width)

    for name, _, _ in of(Behavioural):
        raise BadInput("an element that only ngspice knows", where=f"cell {cell.name}: {name}")
    fets, resistors, capacitors = of(Fet), of(Resistor), of(Capacitor)
    sources = of(CurrentSource)
    cache: dict[tuple, tuple[MosfetParameters, float]] = {}
    parameters = [_parameters(fet, technology, cache) for _, fet, _ in fets]
    block_table = _block_table(blocks, number)
    border_table = _border_table(blocks, flat, number, len(border))
    place = _Placer(len(border), len(unknowns), block_table, border_table)
    rows = [p for p, _ in parameters]
    stacked = zip(*rows, strict=True) if rows else [()] * len(MosfetParameters._fields)
    arrays = {
        "mosfet": MosfetParameters._make(np.array(column, float) for column in stacked),
        "fet_nodes": index(fets, 4),
        "resistor_nodes": index(resistors, 2),
        "conductance": np.array([1 / e.resistance for _, e, _ in resistors if isinstance(e, Resistor)]),
        "capacitor_nodes": index(capacitors, 2),
        "capacitance": np.array([e.capacitance for _, e, _ in capacitors if isinstance(e, Capacitor)]),
        "source_nodes": index(sources, 1)[:, 0],
        "blocks": block_table,
        "block_border": border_table,
    }
    places = {
        "fet": place(index(fets, 4)),
        "resistor": place(index(resistors, 2)),
        "capacitor": place(index(capacitors, 2)),
        "border_diagonal": place(np.arange(len(border))[:, None])[:, 0, 0],
        "block_diagonal": place.block_diagonal(),
    }
    structure = Structure(
        **jax.tree.map(jnp.asarray, arrays),
        places=Places(**jax.tree.map(jnp.asarray, places)),
        n_unknowns=len(unknowns),
        n_border=len(border),
        n_nodes=len(order),
    )
    return Circuit(
        structure=structure,
        unknowns=tuple(unknowns),
        held=tuple(held_by),
        voltage_sources=tuple(held_by.values()),
        current_sources=tuple(name for name, _, _ in sources),
        fets=tuple(name for name, _, _ in fets),
        threshold_sigma=np.array([sigma for _, sigma in parameters]),
    )


_Flat = tuple[str, Element, tuple[str, ...], str | None]


def _flatten(cell: Cell, prefix: str, outer: dict[str, str]) -> Iterator[_Flat]:
    """Yield (hierarchical name, element, global nodes, the lowest-level instance it is in)."""
    nodes = outer | {node: prefix + node for node in cell.inner_nodes}
    leaf = prefix[:-1] or None
    for element in cell.elements:
        reached = tuple(nodes[node] for node in element.nodes)
        if isinstance(element, Instance):
            inner = dict(zip(element.cell.ports, reached, strict=True)) | {GROUND: GROUND}
            yield from _flatten(element.cell, f"{prefix}{element.name}.", inner)
        else:
            yield prefix + element.name, element, reached, leaf


def _held_nodes(flat: list[_Flat]) -> dict[str, str]:
    held: dict[str, str] = {}
    for name, element, nodes, _ in flat:
        if isinstance(element, VoltageSource):
            if nodes[0] in held or nodes[0] == GROUND:
                raise BadInput("two sources hold one node", where=f"{name}: node {nodes[0]}")
            held[nodes[0]] = name
    return held


def _owners(flat: list[_Flat], held: dict[str, str]) -> dict[str, str | None]:
    """Which instance each unknown node is inner to; None for the border."""
    owner: dict[str, str | None] = {}
    for _, _, nodes, leaf in flat:
        for node in nodes:
            if node == GROUND or node in held:
                continue
            inside = leaf is not None and node.startswith(f"{leaf}.")
            if node not in owner:
                owner[node] = leaf if inside else None
            elif owner[node] != leaf:
                owner[node] = None
    return owner


def _block_table(blocks: dict[str, list[str]], number: dict[str, int]) -> np.ndarray:
    width = max((len(m) for m in blocks.values()), default=0)
    table = np.full((len(blocks), width), -1)
    for row, members in enumerate(blocks.values()):
        table[row, : len(members)] = [number[node] for node in members]
    return table


def _border_table(blocks: dict[str, list[str]], flat: list[_Flat], number: dict[str, int], n_border: int) -> np.ndarray:
    touched: dict[str, dict[int, None]] = {block: {} for block in blocks}
    for _, _, nodes, leaf in flat:
        if leaf in touched:
            touched[leaf].update(dict.fromkeys(number[n] for n in nodes if number[n] < n_border))
    width = max((len(t) for t in touched.values()), default=0)
    table = np.full((len(blocks), width), -1)
    for row, border in enumerate(touched.values()):
        table[row, : len(border)] = list(border)
    return table


class _Placer:
    """Position in the flat Jacobian of the derivative of node i's current by node j's voltage."""

    def __init__(self, n_border: int, n_unknowns: int, blocks: np.ndarray, block_border: np.ndarray) -> None:
        count, width = blocks.shape
        ports = block_border.shape[1]
        self.n_border, self.n_unknowns = n_border, n_unknowns
        self.width, self.ports = width, ports
        self.block_start = n_border * n_border
        self.right_start = self.block_start + count * width * width
        self.below_start = self.right_start + count * width * ports
        self.waste = self.below_start + count * width * ports
        self.home = {int(n): (b, i) for b, row in enumerate(blocks) for i, n in enumerate(row) if n >= 0}
        self.port = {(b, int(n)): i for b, row in enumerate(block_border) for i, n in enumerate(row) if n >= 0}
        self.blocks = blocks

    def __call__(self, nodes: np.ndarray) -> np.ndarray:
        width = nodes.shape[1]
        table = np.empty((len(nodes), width, width), int)
        for element, row in enumerate(nodes.tolist()):
            for a, i in enumerate(row):
                for b, j in enumerate(row):
                    table[element, a, b] = self._position(i, j)
        return table

    def block_diagonal(self) -> np.ndarray:
        rows = np.arange(len(self.blocks))[:, None] * self.width**2
        return self.block_start + rows + np.arange(self.width) * (self.width + 1)

    def _position(self, i: int, j: int) -> int:
        if i >= self.n_unknowns or j >= self.n_unknowns:
            return self.waste
        if i < self.n_border and j < self.n_border:
            return i * self.n_border + j
        if i >= self.n_border and j >= self.n_border:
            (block, row), (_, column) = self.home[i], self.home[j]
            return self.block_start + (block * self.width + row) * self.width + column
        if i >= self.n_border:
            block, row = self.home[i]
            return self.right_start + (block * self.width + row) * self.ports + self.port[block, j]
        block, column = self.home[j]
        return self.below_start + (block * self.ports + self.port[block, i]) * self.width + column


def _parameters(
    fet: Element, technology: Technology, cache: dict[tuple, tuple[MosfetParameters, float]]
) -> tuple[MosfetParameters, float]:
    assert isinstance(fet, Fet)
    key = (
        fet.polarity,
        fet.w,
        fet.l,
        fet.m,
        fet.drain_area,
        fet.source_area,
        fet.drain_perimeter,
        fet.source_perimeter,
    )
    if key not in cache:
        cache[key] = technology.mosfet(fet), technology.threshold_sigma(fet)
    return cache[key]
