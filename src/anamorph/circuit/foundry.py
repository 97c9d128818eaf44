"""Any `Cell` as a netlist for the user's own simulator and the user's own transistor models.

Where `spice.py` writes our equations, so that another simulator can judge ours, this writes sizes: each transistor is
an instance of a model that the user names, with W, L, m, junction areas and perimeters, and the models come from the
file that the user names. Cells stay subcircuits. A name becomes lower case, unique among the nodes and elements of its
subcircuit, and none that the dialect knows as its own.

A threshold deviation travels down as parameters dv0, dv1, .. in netlist order and reaches a transistor in one of
two manners, see `MANNERS`. Positive means less current, for both polarities.

A PDK whose transistors are subcircuits gets m calls in parallel instead of ``m=``: a subcircuit that declares m as a
parameter of its own and does not use it, as gf180mcu's do, makes one device of four and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.dialect import Dialect
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
from anamorph.circuit.pdk import Include, Models
from anamorph.circuit.spice import safe_title
from anamorph.circuit.spice_hierarchy import Names, finite
from anamorph.errors import BadInput, nearest

#: A deviation in V, the name of a parameter that holds one, or nothing.
Shift = float | str | None


@dataclass(frozen=True)
class Netlist:
    """The text, and what became of the names of the sources at its top."""

    text: str
    sources: Mapping[str, str]


@dataclass(frozen=True)
class _Call:
    """A transistor before it is written."""

    name: str
    nodes: tuple[str, ...]
    model: str
    parameters: Mapping[str, str]


#: From a call and its signed deviation (text) to the call that carries it, and further lines.
Manner = Callable[[_Call, str, Names, Dialect], tuple[_Call, list[str]]]


def _by_delvto(call: _Call, shift: str, names: Names, dialect: Dialect) -> tuple[_Call, list[str]]:
    """``delvto=``, as BSIM3 and BSIM4 take it: added to VTH0, which is negative in a p-channel model."""
    return _Call(call.name, call.nodes, call.model, {**call.parameters, "delvto": shift}), []


def _by_gate_source(call: _Call, shift: str, names: Names, dialect: Dialect) -> tuple[_Call, list[str]]:
    """A source in series with the gate, which every model understands; one more node and branch a transistor."""
    drain, gate, *others = call.nodes
    inner = names.new(f"g_{call.name}")
    source = dialect.voltage_source(names.new(f"v{inner}"), (gate, inner), shift)
    return _Call(call.name, (drain, inner, *others), call.model, call.parameters), [source]


#: How a transistor gets its threshold deviation.
MANNERS: Mapping[str, Manner] = {"delvto": _by_delvto, "gate": _by_gate_source}


def netlist(
    cell: Cell,
    dialect: Dialect,
    models: Models,
    drives: Mapping[str, float],
    *,
    includes: Sequence[Include] = (),
    deviations: Float[Array | np.ndarray, " fets"] | None = None,
    manner: str = "delvto",
    saved: Sequence[str] = (),
    transient: tuple[float, float] | None = None,
    title: str = "",
) -> Netlist:
    """Write `cell` with its sources at direct current, and an operating point or a transient.

    Args:
        cell: the circuit; its sources are at its top, not inside instances.
        dialect: of the simulator.
        models: names of the transistors.
        drives: value of every source, V or A.
        includes: where the models are.
        deviations: threshold deviation of each transistor in the order of ``cell.fets()``, V; none if left out.
        manner: of `MANNERS`; subcircuits seldom take ``delvto``.
        saved: voltage sources whose current the simulator shall keep; all of its defaults if empty.
        transient: end and longest step of a transient from discharged nodes, s, in place of the operating point.
        title: free text for the first line.

    Raises:
        BadInput: a source without a value or a value without a source, a number that is not finite, the wrong
            number of deviations, a source inside an instance, two cells of one name, an unknown manner.
    """
    if manner not in MANNERS:
        raise BadInput(f"no manner '{manner}' of threshold deviations", advice=nearest(manner, MANNERS))
    writer = _Writer(dialect, models, MANNERS[manner], deviations is not None, dict(drives))
    shifts: Iterator[Shift] = repeat(None) if deviations is None else iter(_checked(cell, deviations))
    body = writer.body(cell, writer.scope(cell, shifts), top=True)
    _check_names("drive", drives, {*writer.sources, *writer.driven_currents}, cell)
    _check_names("save the current of", saved, writer.sources, cell)
    kept = [writer.sources[name] for name in saved]
    if transient is None:
        analysis = dialect.operating_point(kept)
    else:
        analysis = dialect.transient(_number(transient[0]), _number(transient[1]), kept)
    lines = [
        f"{dialect.comment} anamorph: {safe_title(title)}",
        *dialect.head(),
        *(dialect.include(include.path, include.section) for include in includes),
        *writer.library,
        *body,
        *analysis,
    ]
    return Netlist("\n".join(lines) + "\n", writer.sources)


def _checked(cell: Cell, deviations: Float[Array | np.ndarray, " fets"]) -> list[float]:
    count = sum(1 for _ in cell.fets())
    shifts = np.asarray(deviations, float)
    if shifts.shape != (count,) or not np.isfinite(shifts).all():
        raise BadInput(
            "not the deviations of this circuit", where=f"cell {cell.name}: deviations",
            expected=f"{count} finite numbers", got=f"shape {shifts.shape}, {np.isfinite(shifts).sum()} finite",
        )  # fmt: skip
    return shifts.tolist()


def _check_names(what: str, wanted: Iterable[str], known: Collection[str], cell: Cell) -> None:
    for name in wanted:
        if name not in known:
            raise BadInput(f"no source '{name}' to {what}", where=f"cell {cell.name}", advice=nearest(name, known))


def _number(value: float) -> str:
    """Twelve digits: 1e-12 of a figure, and 0.54 um without the rounding of its product."""
    return f"{value:.12g}"


@dataclass
class _Scope:
    """One subcircuit as it is written."""

    names: Names
    nodes: dict[str, str]
    shifts: Iterator[Shift]


@dataclass
class _Writer:
    """Writes elements, and the subcircuits they need into `library`, children first."""

    dialect: Dialect
    models: Models
    manner: Manner
    shifted: bool
    drives: dict[str, float]
    library: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    driven_currents: list[str] = field(default_factory=list)
    subcircuits: dict[str, tuple[Cell, str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reserved = (*self.dialect.reserved, self.models.n.lower(), self.models.p.lower())
        self.names = Names(self.reserved)

    def scope(self, cell: Cell, shifts: Iterator[Shift], parameters: Sequence[str] = ()) -> _Scope:
        """Names for the nodes of `cell`."""
        names = Names((*self.reserved, *parameters))
        nodes = {node: names.new(node) for node in (*cell.ports, *cell.inner_nodes)}
        return _Scope(names, {**nodes, GROUND: GROUND}, shifts)

    def body(self, cell: Cell, scope: _Scope, *, top: bool = False) -> list[str]:
        """Lines of the elements of `cell`."""
        lines: list[str] = []
        for element in cell.elements:
            nodes = tuple(scope.nodes[node] for node in element.nodes)
            if isinstance(element, Fet):
                lines += self._transistor(element, nodes, scope)
            elif isinstance(element, Instance):
                lines.append(self._instance(element, nodes, scope))
            elif isinstance(element, Behavioural):
                raise BadInput(
                    "an element without a model in a foundry's kit", where=f"cell {cell.name}: {element.name}"
                )  # fmt: skip
            elif top or isinstance(element, (Capacitor, Resistor)):
                lines.append(self._element(element, nodes, scope))
            else:
                raise BadInput(
                    "a source inside an instance", where=f"cell {cell.name}: {element.name}",
                    advice="Make its node a port, and put the source at the top.",
                )  # fmt: skip
        return lines

    def _element(self, element: Element, nodes: tuple[str, ...], scope: _Scope) -> str:
        if isinstance(element, Capacitor):
            return self.dialect.capacitor(scope.names.new(f"c{element.name}"), nodes, _number(element.capacitance))
        if isinstance(element, Resistor):
            return self.dialect.resistor(scope.names.new(f"r{element.name}"), nodes, _number(element.resistance))
        if element.name not in self.drives:
            raise BadInput(f"no value for source '{element.name}'", got=f"values for {len(self.drives)} sources")
        value = _number(finite(float(self.drives[element.name]), element.name))
        if isinstance(element, CurrentSource):
            self.driven_currents.append(element.name)
            return self.dialect.current_source(scope.names.new(f"i{element.name}"), (GROUND, *nodes), value)
        assert isinstance(element, VoltageSource)
        name = self.sources[element.name] = scope.names.new(f"v{element.name}")
        return self.dialect.voltage_source(name, (*nodes, GROUND), value)

    def _instance(self, instance: Instance, nodes: tuple[str, ...], scope: _Scope) -> str:
        master, fets = self._subcircuit(instance.cell)
        shifts = {f"dv{k}": self._text(next(scope.shifts), 1) for k in range(fets)} if self.shifted else {}
        return self.dialect.call(scope.names.new(f"x{instance.name}"), nodes, master, shifts)

    def _subcircuit(self, cell: Cell) -> tuple[str, int]:
        """Name and number of transistors of `cell`, which is written at its first use."""
        known = self.subcircuits.get(cell.name)
        if known is None:
            count = sum(1 for _ in cell.fets())
            parameters = [f"dv{k}" for k in range(count)] if self.shifted else []
            scope = self.scope(cell, iter(parameters) if self.shifted else repeat(None), parameters)
            lines, name = self.body(cell, scope), self.names.new(cell.name)
            ports = [scope.nodes[port] for port in cell.ports]
            self.library += [*self.dialect.begin(name, ports, parameters), *lines, self.dialect.end(name)]
            known = self.subcircuits[cell.name] = cell, name, count
        if known[0] is not cell and known[0] != cell:
            raise BadInput("two different cells share a name", where=f"cell {cell.name}")
        return known[1], known[2]

    def _transistor(self, fet: Fet, nodes: tuple[str, ...], scope: _Scope) -> list[str]:
        copies = fet.m if self.models.subcircuits else 1
        base = ("x" if self.models.subcircuits else "m") + fet.name
        names = [scope.names.new(base if copies == 1 else f"{base}_{k}") for k in range(copies)]
        model = self.models.n if fet.polarity == "n" else self.models.p
        call, lines = _Call(names[0], nodes, model, self._sizes(fet)), []
        shift = next(scope.shifts)
        if shift is not None:
            signed = self._text(shift, 1 if fet.polarity == "n" else -1)
            call, lines = self.manner(call, signed, scope.names, self.dialect)
        return [*lines, *(self.dialect.call(name, call.nodes, call.model, call.parameters) for name in names)]

    def _sizes(self, fet: Fet) -> dict[str, str]:
        unit = self.models.unit
        sizes = {"w": fet.w / unit, "l": fet.l / unit}
        if fet.m > 1 and not self.models.subcircuits:
            sizes["m"] = float(fet.m)
        junctions = {
            "ad": fet.drain_area / unit**2, "as": fet.source_area / unit**2,
            "pd": fet.drain_perimeter / unit, "ps": fet.source_perimeter / unit,
        }  # fmt: skip
        # a junction that the cell does not know is the model's own business
        return {name: _number(value) for name, value in {**sizes, **junctions}.items() if value > 0}

    def _text(self, shift: Shift, sign: int) -> str:
        if isinstance(shift, str):
            return self.dialect.parameter(shift, sign)
        return _number(sign * (shift or 0.0))
