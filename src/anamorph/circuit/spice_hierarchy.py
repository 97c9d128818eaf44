"""The lines of a deck below its head: cells as subcircuits, names made safe, deviations passed down.

ngspice folds case and knows some names as its own, so every node and element gets a name here that it keeps
apart from all others; the writer remembers what each hierarchical name of ours became.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

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
from anamorph.circuit.spice_mosfet import number, transistor
from anamorph.errors import BadInput
from anamorph.technology import Technology

#: A cell with more transistors is expanded in place: ngspice takes 10,000 parameters a line, and slowly.
MAX_PARAMETERS = 500
#: Names that mean something to ngspice where a node's name may stand.
RESERVED = ("0", "gnd", "all", "allv", "alli", "time", "temper", "hertz", "temp", "pi", "e", "c", "i", "v")

#: A source's value (V or A), or its times (s) and values, joined by straight lines and held at either end.
Points = Sequence[float] | Float[np.ndarray, " points"]
Drive = float | tuple[Points, Points]


class Names:
    """Hands out names that ngspice, which folds case, keeps apart."""

    def __init__(self, reserved: Sequence[str] = ()) -> None:
        self.taken = set(reserved)

    def new(self, wanted: str) -> str:
        """`wanted` in lower case without dots, with a number after it if that is taken."""
        base = name = wanted.replace(".", "_").lower()
        count = 2
        while name in self.taken:
            name, count = f"{base}_{count}", count + 1
        self.taken.add(name)
        return name


@dataclass(frozen=True)
class Placed:
    """A transistor as written: its own name, before which stand those of the subcircuits it is in, and its nodes."""

    fet: Fet
    name: str
    nodes: tuple[str, ...]

    def within(self, instance: str, outer: Mapping[str, str]) -> Placed:
        """As seen from around the subcircuit `instance`, whose ports are the nodes `outer`."""
        nodes = tuple(node if node == GROUND else outer.get(node, f"{instance}.{node}") for node in self.nodes)
        return Placed(self.fet, f"{instance}.{self.name}", nodes)


@dataclass
class Scope:
    """One level of hierarchy as it is written: `nodes` of the cell at hand, `inner` and `placed` of all seen so far."""

    prefix: str
    names: Names
    deviations: Iterator[str]
    inner: dict[str, str]
    nodes: dict[str, str] = field(default_factory=dict)
    elements: Names = field(default_factory=Names)
    placed: list[Placed] = field(default_factory=list)

    def name_nodes(self, cell: Cell, outer: Mapping[str, str]) -> None:
        """Give every node of `cell` its name; ports that are in `outer` keep that one."""
        for port in cell.ports:
            self.nodes[port] = outer[port] if port in outer else self._new(port)
        for node in cell.inner_nodes:
            self.nodes[node] = self._new(node)
        self.nodes[GROUND] = GROUND

    def _new(self, node: str) -> str:
        name = self.names.new(self.prefix + node)
        self.inner[self.prefix + node] = name
        return name


@dataclass(frozen=True)
class Subcircuit:
    """A cell as written: its name, its transistors, its ports and its inner nodes (our name -> ngspice's)."""

    name: str
    placed: tuple[Placed, ...]
    ports: tuple[str, ...]
    inner: dict[str, str]


class Writer:
    """Writes elements, and the subcircuits they need into `library`, children first."""

    def __init__(
        self,
        technology: Technology,
        temperature: float,
        drives: Mapping[str, Drive],
        *,
        charges: bool,
    ) -> None:
        self.technology, self.temperature = technology, temperature
        self.charges, self.drives = charges, drives
        self.library: list[str] = []
        self.driven: list[str] = []
        self.sources: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self.subcircuits: dict[str, tuple[Cell, Subcircuit | None]] = {}
        self.transistors: dict[tuple, str] = {}
        self.names = Names()

    def body(self, cell: Cell, scope: Scope) -> list[str]:
        """Lines for the elements of `cell`; fills `scope.inner`."""
        lines: list[str] = []
        for element in cell.elements:
            nodes = " ".join(scope.nodes[node] for node in element.nodes)
            if isinstance(element, Instance):
                lines += self._instance(element, nodes, scope)
            else:
                name = scope.elements.new(scope.prefix + element.name)
                lines.append(self._element(element, name, nodes, scope))
        return lines

    def _element(self, element: Element, name: str, nodes: str, scope: Scope) -> str:
        if isinstance(element, Fet):
            scope.placed.append(Placed(element, f"x{name}", tuple(nodes.split())))
            return f"X{name} {nodes} {self._transistor(element)} dv={next(scope.deviations)}"
        if isinstance(element, Capacitor):
            return f"C{name} {nodes} {number(element.capacitance)}"
        if isinstance(element, Resistor):
            return f"R{name} {nodes} {number(element.resistance)}"
        if isinstance(element, Behavioural):
            return element.line(name, tuple(nodes.split()), self.temperature)
        value = self._drive(scope.prefix + element.name)
        if isinstance(element, CurrentSource):
            return f"I{name} 0 {nodes} {value}"
        self.sources[scope.prefix + element.name], self.held[nodes] = f"v{name}", scope.prefix + element.name
        return f"V{name} {nodes} 0 {value}"

    def _instance(self, instance: Instance, nodes: str, scope: Scope) -> list[str]:
        sub = self._subcircuit(instance.cell)
        if sub is None:
            inside = Scope(
                f"{scope.prefix}{instance.name}.", scope.names, scope.deviations, scope.inner,
                elements=scope.elements, placed=scope.placed,
            )  # fmt: skip
            inside.name_nodes(instance.cell, dict(zip(instance.cell.ports, nodes.split(), strict=True)))
            return self.body(instance.cell, inside)
        name = scope.elements.new(scope.prefix + instance.name)
        for ours, theirs in sub.inner.items():
            scope.inner[f"{scope.prefix}{instance.name}.{ours}"] = f"x{name}.{theirs}"
        outer = dict(zip(sub.ports, nodes.split(), strict=True))
        scope.placed += [placed.within(f"x{name}", outer) for placed in sub.placed]
        shifts = [f"dv{k}={next(scope.deviations)}" for k in range(len(sub.placed))]
        return [" ".join([f"X{name} {nodes} {sub.name}", *shifts])]

    def _subcircuit(self, cell: Cell) -> Subcircuit | None:
        """Write `cell` once; None if it has to be expanded in place."""
        known = self.subcircuits.get(cell.name)
        if known is not None and (known[0] is cell or known[0] == cell):
            return known[1]
        if known is not None:
            raise BadInput("two different cells share a name", where=f"cell {cell.name}")
        fets = sum(1 for _ in cell.fets())
        sub = None
        if cell.ports and fets <= MAX_PARAMETERS and not _holds_sources(cell):
            sub = self._write_subcircuit(cell, fets)
        self.subcircuits[cell.name] = cell, sub
        return sub

    def _write_subcircuit(self, cell: Cell, fets: int) -> Subcircuit:
        names = [f"dv{k}" for k in range(fets)]
        scope = Scope("", Names((*RESERVED, *names)), iter(f"{{{name}}}" for name in names), {})
        scope.name_nodes(cell, {})
        lines = self.body(cell, scope)
        name = self.names.new(cell.name)
        ports = [scope.nodes[port] for port in cell.ports]
        head = [f".subckt {name}", *ports, *(f"{k}=0" for k in names)]
        self.library += [" ".join(head), *lines, ".ends"]
        inner = {ours: theirs for ours, theirs in scope.inner.items() if ours not in cell.ports}
        return Subcircuit(name, tuple(scope.placed), tuple(ports), inner)

    def _transistor(self, fet: Fet) -> str:
        key = kind(fet)
        if key not in self.transistors:
            name = self.names.new(f"{fet.polarity}fet_{len(self.transistors)}")
            parameters = jax.tree.map(jnp.asarray, self.technology.mosfet(fet))
            self.library += transistor(name, fet, parameters, self.temperature, charges=self.charges)
            self.transistors[key] = name
        return self.transistors[key]

    def _drive(self, source: str) -> str:
        self.driven.append(source)
        if source not in self.drives:
            raise BadInput(f"no value for source '{source}'", got=f"values for {len(self.drives)} sources")
        value = self.drives[source]
        if not isinstance(value, tuple):
            return number(finite(float(value), source))
        if not self.charges:
            raise BadInput("a wave drives an operating point", where=source, expected="one value")
        return _piecewise_linear(*value, source)


def kind(fet: Fet) -> tuple[str | float | int, ...]:
    """What transistors of one subcircuit have in common."""
    junctions = fet.drain_area, fet.source_area, fet.drain_perimeter, fet.source_perimeter
    return (fet.polarity, fet.w, fet.l, fet.m, *junctions)


def _holds_sources(cell: Cell) -> bool:
    return any(
        isinstance(e, (CurrentSource, VoltageSource)) or (isinstance(e, Instance) and _holds_sources(e.cell))
        for e in cell.elements
    )


def finite(value: float, where: str) -> float:
    """`value`, or `BadInput` if ngspice could not read it."""
    if not np.isfinite(value):
        raise BadInput("not a finite number", where=where, got=repr(value))
    return value


def _piecewise_linear(times: Points, values: Points, source: str) -> str:
    t, x = np.asarray(times, float), np.asarray(values, float)
    good = t.ndim == 1 and t.shape == x.shape and t.size > 0 and np.isfinite(t).all() and np.isfinite(x).all()
    if not (good and (np.diff(t) > 0).all() and t[0] >= 0):
        expected = "rising times from 0 s and as many finite values"
        raise BadInput("not a wave", where=source, expected=expected)
    if t[0] > 0:
        t, x = np.concatenate([[0.0], t]), np.concatenate([x[:1], x])
    return "pwl(" + " ".join(f"{number(a)} {number(b)}" for a, b in zip(t, x, strict=True)) + ")"
