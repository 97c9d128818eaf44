"""Elements that memory arrays need beside transistors, for ngspice: cells, switches, amplifiers.

A cell's equation is that of `device/memory_cell.py`, term by term. What is around the cells is ideal, because it stands
for a circuit that belongs to another part of the cost: a switch is a resistance that a voltage sets, an amplifier is a
gain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from anamorph.circuit.netlist import Behavioural
from anamorph.circuit.spice_mosfet import number
from anamorph.device.memory_cell import SERIES_BELOW, SubthresholdCell
from anamorph.device.mosfet import T_REFERENCE, specific_current, thermal_voltage
from anamorph.errors import BadInput


def _positive(where: str, **values: float) -> None:
    for what, value in values.items():
        if not 0 < value < math.inf:
            raise BadInput(f"impossible {what}", where=where, expected="more than zero, finite", got=repr(value))


@dataclass(frozen=True)
class FloatingGate(Behavioural):
    """An n-channel memory transistor, its bulk at ground; `v_t` (V) is its threshold at 27 degrees Celsius."""

    name: str
    drain: str
    gate: str
    source: str
    cell: SubthresholdCell
    v_t: float

    @property
    def nodes(self) -> tuple[str, ...]:
        """Drain, gate, source."""
        return (self.drain, self.gate, self.source)

    def check(self, where: str) -> None:
        """A threshold that is finite, and a specific current and slope factor above zero."""
        _positive(where, i_spec=float(self.cell.i_spec), slope_factor=float(self.cell.slope_factor))
        if not math.isfinite(self.v_t):
            raise BadInput("not a threshold", where=where, expected="a finite voltage", got=repr(self.v_t))
        if self.drain == self.source:
            raise BadInput("drain and source are shorted", where=where, got=f"both on node {self.drain}")

    def line(self, name: str, nodes: tuple[str, ...], temperature: float) -> str:
        """The current source between drain and source."""
        drain, gate, source = nodes
        p = self.cell.mosfet()
        n, half = number(p.slope_factor), number(1 / (2 * thermal_voltage(temperature)))
        v_t = number(self.v_t + float(p.v_t_slope) * (temperature - T_REFERENCE))
        fold = f"magnitude({_between(drain, source)})"
        pinch = f"((v({gate})-({v_t})+{number(p.dibl)}*{fold})/{n})"
        q_f, q_r = (f"softplus(({pinch}-{_node(v)})*{half})" for v in (source, drain))
        current = f"{number(specific_current(p, temperature))}*({q_f}-{q_r})*({q_f}+{q_r})"
        return f"B{name} {drain} {source} I={current}*(1+{number(p.clm)}*{fold})"


@dataclass(frozen=True)
class Memristor(Behavioural):
    """``I = G sinh(beta V) / beta``: conductance at small voltages, S, and curvature, 1/V (zero: ohmic)."""

    name: str
    a: str
    b: str
    conductance: float
    beta: float = 0.0

    @property
    def nodes(self) -> tuple[str, ...]:
        """The two terminals."""
        return (self.a, self.b)

    def check(self, where: str) -> None:
        """Zero or more, finite: a cell may be open."""
        for what in ("conductance", "beta"):
            value = getattr(self, what)
            if not 0 <= value < math.inf:
                raise BadInput(f"impossible {what}", where=where, expected="zero or more, finite", got=repr(value))
        if self.a == self.b:
            raise BadInput("both terminals on one node", where=where, got=self.a)

    def line(self, name: str, nodes: tuple[str, ...], temperature: float) -> str:
        """A resistor if it is one; sinh by its two exponentials, and by its series where they cancel."""
        del temperature
        a, b = nodes
        if self.conductance > 0 and self.beta == 0:
            return f"R{name} {a} {b} {number(1 / self.conductance)}"
        v, g, x = _between(a, b), number(self.conductance), f"({number(self.beta)}*{_between(a, b)})"
        series = f"{v}*(1+{x}*{x}/6*(1+{x}*{x}/20))"
        curve = series if self.beta == 0 else f"(abs({x})<{SERIES_BELOW}) ? {series} : sinh({x})/{number(self.beta)}"
        return f"B{name} {a} {b} I={g}*({curve})"


@dataclass(frozen=True)
class Switch(Behavioural):
    """A resistance between `a` and `b`: `on` ohm with `control` far above `threshold` (V), `off` ohm far below."""

    name: str
    a: str
    b: str
    control: str
    on: float = 1.0
    off: float = 1e15
    threshold: float = 0.5
    width: float = 0.02

    @property
    def nodes(self) -> tuple[str, ...]:
        """The two terminals, and the control, which carries no current."""
        return (self.a, self.b, self.control)

    def check(self, where: str) -> None:
        """Resistances above zero."""
        _positive(where, on=self.on, off=self.off, width=self.width)

    def line(self, name: str, nodes: tuple[str, ...], temperature: float) -> str:
        """A conductance between the two."""
        del temperature
        a, b, control = nodes
        closed = f"0.5*(1+tanh((v({control})-{number(self.threshold)})/{number(self.width)}))"
        return f"B{name} {a} {b} I={_between(a, b)}*({number(1 / self.off)}+{number(1 / self.on)}*{closed})"


@dataclass(frozen=True)
class Amplifier(Behavioural):
    """``V(out) = gain (V(plus) - V(minus))``, whatever is drawn from it."""

    name: str
    out: str
    plus: str
    minus: str
    gain: float = 1e6

    @property
    def nodes(self) -> tuple[str, ...]:
        """Output, and the two inputs, which carry no current."""
        return (self.out, self.plus, self.minus)

    def check(self, where: str) -> None:
        """A gain above zero."""
        _positive(where, gain=self.gain)

    def line(self, name: str, nodes: tuple[str, ...], temperature: float) -> str:
        """A voltage-controlled voltage source."""
        del temperature
        out, plus, minus = nodes
        return f"E{name} {out} 0 {plus} {minus} {number(self.gain)}"


def _node(node: str) -> str:
    return "0" if node == "0" else f"v({node})"


def _between(a: str, b: str) -> str:
    if b == "0":
        return f"v({a})"
    return f"(-v({b}))" if a == "0" else f"v({a},{b})"
