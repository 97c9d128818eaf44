"""Netlists as values: elements on named nodes, cells with named ports, cells inside cells.

A `Cell` exists once; our solver compiles it, `spice.py` writes it for ngspice, `cost/` counts its area.
Node ``"0"`` is ground. Ideal voltage sources hold a node against ground; that is all an analog
neuron needs, and it keeps every unknown a node voltage.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from anamorph.errors import BadInput, nearest

GROUND = "0"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")


def check_name(name: str, where: str) -> None:
    """Names reach simulators as text, so only letters, digits and underscores pass.

    Raises:
        BadInput: anything else (spaces, newlines, dots, quotes, commands).
    """
    if not isinstance(name, str) or not _NAME.match(name):
        raise BadInput(
            "not a usable name",
            where=where,
            expected="a letter or underscore, then letters, digits or underscores (63 at most)",
            got=repr(name),
        )


@dataclass(frozen=True)
class Fet:
    """A MOS transistor. Lengths in m, areas in m²; `m` identical devices in parallel.

    `polarity` is ``"n"`` or ``"p"``. Drain and source are interchangeable. Junction areas and
    perimeters are those of one device of the `m`.
    """

    name: str
    polarity: str
    drain: str
    gate: str
    source: str
    bulk: str
    w: float
    l: float  # noqa: E741  (the field's own symbol)
    m: int = 1
    drain_area: float = 0.0
    source_area: float = 0.0
    drain_perimeter: float = 0.0
    source_perimeter: float = 0.0

    @property
    def nodes(self) -> tuple[str, ...]:
        """Drain, gate, source, bulk."""
        return (self.drain, self.gate, self.source, self.bulk)


@dataclass(frozen=True)
class Capacitor:
    """A linear capacitor, in F."""

    name: str
    a: str
    b: str
    capacitance: float

    @property
    def nodes(self) -> tuple[str, ...]:
        """The two terminals."""
        return (self.a, self.b)


@dataclass(frozen=True)
class Resistor:
    """A linear resistor, in ohm."""

    name: str
    a: str
    b: str
    resistance: float

    @property
    def nodes(self) -> tuple[str, ...]:
        """The two terminals."""
        return (self.a, self.b)


@dataclass(frozen=True)
class CurrentSource:
    """An ideal source that drives its current (A) *into* `node`, out of ground. Its value is a drive."""

    name: str
    node: str

    @property
    def nodes(self) -> tuple[str, ...]:
        """The driven node."""
        return (self.node,)


@dataclass(frozen=True)
class VoltageSource:
    """An ideal source that holds `node` at a potential against ground. Its value is a drive."""

    name: str
    node: str

    @property
    def nodes(self) -> tuple[str, ...]:
        """The held node."""
        return (self.node,)


class Behavioural(ABC):
    """An element with an equation of its own, such as a memory cell (`memory_elements.py`); for ngspice alone.

    Subclasses are frozen dataclasses with a `name`.
    """

    name: str

    @property
    @abstractmethod
    def nodes(self) -> tuple[str, ...]:
        """The terminals."""

    @abstractmethod
    def check(self, where: str) -> None:
        """Raise `BadInput` for a value that it cannot have."""

    @abstractmethod
    def line(self, name: str, nodes: tuple[str, ...], temperature: float) -> str:
        """One line of an ngspice deck, with names that are safe there."""


@dataclass(frozen=True)
class Instance:
    """A cell placed inside another: `nodes` maps each port of `cell` to a node outside."""

    name: str
    cell: Cell
    ports: Mapping[str, str]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The outer nodes, in the order of the cell's ports."""
        return tuple(self.ports[port] for port in self.cell.ports)


Element = Fet | Capacitor | Resistor | CurrentSource | VoltageSource | Behavioural | Instance


@dataclass(frozen=True)
class Cell:
    """A circuit with named ports.

    Raises:
        BadInput: an unusable or repeated name; a port that nothing touches; a node that only one
            terminal touches; an element shorted on itself; an instance whose ports do not match.
    """

    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_name(self.name, "cell")
        for port in self.ports:
            check_name(port, f"cell {self.name}: port")
        _check_unique(self.name, "port", self.ports)
        _check_unique(self.name, "element", [e.name for e in self.elements])
        for element in self.elements:
            self._check_element(element)
        self._check_connections()

    def _check_element(self, element: Element) -> None:
        where = f"cell {self.name}: {element.name}"
        check_name(element.name, where)
        if isinstance(element, Instance):
            _check_ports(element, where)
        for node in element.nodes:
            if node != GROUND:
                check_name(node, where)
        if isinstance(element, Fet):
            _check_fet(element, where)
        if isinstance(element, (Capacitor, Resistor)):
            _check_two_terminal(element, where)
        if isinstance(element, Behavioural):
            element.check(where)

    def _check_connections(self) -> None:
        touched = self.terminals
        for port in self.ports:
            if touched[port] == 0:
                raise BadInput("floating port: nothing touches it", where=f"cell {self.name}: {port}")
        for node, count in touched.items():
            if count == 1 and node not in self.ports and node != GROUND:
                raise BadInput("floating node: only one terminal touches it", where=f"cell {self.name}: {node}")

    @cached_property
    def terminals(self) -> Counter[str]:
        """How many element terminals, those inside instances included, touch each node."""
        touched: Counter[str] = Counter()
        for element in self.elements:
            if isinstance(element, Instance):
                for port, node in zip(element.cell.ports, element.nodes, strict=True):
                    touched[node] += element.cell.terminals[port]
            else:
                touched.update(element.nodes)
        return touched

    @property
    def inner_nodes(self) -> tuple[str, ...]:
        """Nodes that are neither ports nor ground, in order of first appearance."""
        seen = dict.fromkeys(node for element in self.elements for node in element.nodes)
        return tuple(node for node in seen if node not in self.ports and node != GROUND)

    def fets(self, prefix: str = "") -> Iterator[tuple[str, Fet]]:
        """Every transistor below this cell, with its hierarchical name, in netlist order."""
        for element in self.elements:
            if isinstance(element, Fet):
                yield prefix + element.name, element
            elif isinstance(element, Instance):
                yield from element.cell.fets(f"{prefix}{element.name}.")

    def cells(self) -> dict[str, Cell]:
        """Every distinct cell below this one, children first, by name.

        Raises:
            BadInput: two different cells share a name.
        """
        found: dict[str, Cell] = {}
        for element in self.elements:
            if isinstance(element, Instance):
                for name, cell in (element.cell.cells() | {element.cell.name: element.cell}).items():
                    if found.setdefault(name, cell) != cell:
                        raise BadInput("two different cells share a name", where=f"cell {name}")
        return found


def _check_unique(cell: str, kind: str, names: tuple[str, ...] | list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise BadInput(f"{kind} named twice: {', '.join(repeated)}", where=f"cell {cell}")


def _check_ports(instance: Instance, where: str) -> None:
    missing = [port for port in instance.cell.ports if port not in instance.ports]
    unknown = [port for port in instance.ports if port not in instance.cell.ports]
    if unknown:
        raise BadInput(
            f"no port '{unknown[0]}' on cell {instance.cell.name}",
            where=where,
            advice=nearest(unknown[0], instance.cell.ports),
        )
    if missing:
        raise BadInput(f"port '{missing[0]}' of cell {instance.cell.name} is not connected", where=where)


def _check_fet(fet: Fet, where: str) -> None:
    if fet.polarity not in ("n", "p"):
        raise BadInput("unknown polarity", where=where, expected="'n' or 'p'", got=repr(fet.polarity))
    if not (fet.w > 0 and fet.l > 0 and fet.m >= 1):
        raise BadInput(
            "impossible size",
            where=where,
            expected="w > 0, l > 0, m >= 1",
            got=f"w={fet.w}, l={fet.l}, m={fet.m}",
        )
    if fet.drain == fet.source:
        raise BadInput("drain and source are shorted", where=where, got=f"both on node {fet.drain}")


def _check_two_terminal(element: Capacitor | Resistor, where: str) -> None:
    value = element.capacitance if isinstance(element, Capacitor) else element.resistance
    if not 0 < value < math.inf:
        raise BadInput("impossible value", where=where, expected="more than zero, finite", got=repr(value))
    if element.a == element.b:
        raise BadInput("both terminals on one node", where=where, got=element.a)
