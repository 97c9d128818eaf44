"""The components of the processor, from the capacitances, areas and delays of ``periphery.toml`` at a node.

Energy of logic is C V^2 per rising transition; random data make a bit rise in every fourth word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from anamorph.processor.components.component import Component, Law, Numbers
from anamorph.processor.components.converters import converters
from anamorph.processor.components.figures import cards, parse_node, section_at, supply
from anamorph.processor.components.integrator import integrator

#: Rising transitions of a bit per word of random data.
RISES = 0.25
#: Worst first.
ORDER = ("assumed", "calibrated", "derived", "simulated", "published", "measured")
#: Gates around a register in the buffer chain: two ways in, enable.
BUFFER_GATES = 3
#: Rising transitions per node of a multiplier's adders and product, glitches included.
MULTIPLIER_ACTIVITY = 0.3
#: The activation is a straight line between entries of a small table: one product, one addition, and the table's gates.
ACTIVATION_GATES = 64


@dataclass(frozen=True)
class Library:
    """The components at one node.

    Attributes:
        node: m.
        v_dd: supply of logic, V.
        clock: period, s.
        figures: SI values of all sections at this node.
    """

    node: float
    v_dd: float
    clock: float
    figures: Mapping[str, Mapping[str, float]]
    edram: Component
    bus: Component
    buffer: Component
    register: Component
    adder: Component
    shift_add: Component
    multiplier: Component
    activation: Component
    divider: Component
    control: Component
    comparator: Component
    counter: Component
    adc: Component
    tdc: Component
    dac: Component
    pulse: Component
    serial: Component
    integrator: Component

    @property
    def components(self) -> tuple[Component, ...]:
        """All of them."""
        return tuple(value for value in vars(self).values() if isinstance(value, Component))


@cache
def library(node: str = "55 nm") -> Library:
    """The components at a node from 28 to 180 nm.

    Raises:
        BadInput: not a length, or a node outside that.
    """
    size = parse_node(node)
    figures = {section: section_at(section, size) for section in cards()}
    logic = _Logic(figures["logic"], supply(size))
    return Library(
        node=size, v_dd=logic.v_dd, clock=logic.clock, figures=figures,
        edram=_edram(figures["edram"]), bus=_bus(figures["wire"], logic), **logic.components(figures["control"]),
        **converters(figures["logic"], figures["analog"], logic.v_dd, logic.written, logic.gate, _origin),
        integrator=integrator(figures["analog"], logic.v_dd, logic.clock, *_origin("analog")),
    )  # fmt: skip


class _Logic:
    """Components of gates: energy from what they charge, area and leakage from what they are made of."""

    def __init__(self, figures: Mapping[str, float], v_dd: float) -> None:
        self.v_dd, self.clock, self.leak = v_dd, figures["clock"], figures["leakage"]
        v2 = v_dd**2
        self.gate = 0.5 * figures["c_gate"] * v2  # per transition
        self.written = (figures["c_clock"] + RISES * figures["c_register"]) * v2
        self.added = RISES * figures["c_adder"] * v2
        self.area_gate, self.area_register = figures["area_gate"], figures["area_register"]
        self.area_adder = figures["area_adder"]

    def made(self, name: str, what: str, energy: Law, area: Law, clocks: Law, size_is: str = "lanes") -> Component:
        """A component whose leakage goes with its area and whose latency is in clocks."""
        source, basis = _origin("logic")
        per_area = self.leak / self.area_gate
        return Component(
            name, what, "width of a word", size_is, source, basis, energy, area,
            lambda b, n: clocks(b, n) * self.clock, lambda b, n: area(b, n) * per_area,
        )  # fmt: skip

    def components(self, control: Mapping[str, float]) -> dict[str, Component]:
        """Those of logic alone."""
        gate, register, adder = self.area_gate, self.area_register, self.area_adder

        def one(b: np.ndarray, n: np.ndarray) -> Numbers:
            return np.ones_like(b)

        product = MULTIPLIER_ACTIVITY / RISES * self.added
        return {
            "buffer": self.made(
                "buffer", "a word moved one stage on", lambda b, n: b * (self.written + 2 * RISES * self.gate),
                lambda b, n: n * b * (register + BUFFER_GATES * gate), one, "stages",
            ),
            "register": self.made(
                "register", "a word written", lambda b, n: b * self.written, lambda b, n: n * b * register, one,
                "registers",
            ),
            "adder": self.made(
                "adder", "one addition", lambda b, n: b * self.added, lambda b, n: n * b * adder, one
            ),
            "shift_add": self.made(
                "shift_add", "a partial sum shifted and added",
                lambda b, n: b * (self.added + self.written + 2 * RISES * self.gate),
                lambda b, n: n * b * (adder + register + 2 * gate), one,
            ),
            "multiplier": self.made(
                "multiplier", "one product", lambda b, n: b**2 * (product + 0.5 * self.gate),
                lambda b, n: n * b**2 * (adder + gate), lambda b, n: np.ceil(b / 8),
            ),
            "activation": self.made(
                "activation", "a function of one value",
                lambda b, n: b**2 * product + 2 * b * (self.added + self.written)
                + ACTIVATION_GATES * RISES * self.gate,
                lambda b, n: n * (b**2 * (adder + gate) + b * (adder + 2 * register) + ACTIVATION_GATES * gate),
                lambda b, n: 2 * np.ones_like(b),
            ),
            "divider": self.made(
                "divider", "one quotient or exponential, a bit per clock",
                lambda b, n: b * b * (self.added + 2 * self.written),
                lambda b, n: n * b * (adder + 3 * register + 2 * gate), lambda b, n: b,
            ),
            "control": _control(control, self),
        }  # fmt: skip


def _control(figures: Mapping[str, float], logic: _Logic) -> Component:
    def gates(b: Numbers) -> Numbers:
        return figures["gates"] + figures["gates_per_bit"] * b

    source, basis = _origin("control")
    return Component(
        "control", "one command to one block", "address bits", "blocks", source, basis,
        lambda b, n: figures["switched"] * gates(b) * logic.gate, lambda b, n: n * gates(b) * logic.area_gate,
        lambda b, n: logic.clock * np.ones_like(b), lambda b, n: n * gates(b) * logic.leak,
    )  # fmt: skip


def _edram(figures: Mapping[str, float]) -> Component:
    """An access: part of it is the port's, the rest grows as a line of the macro does, as the root of its capacity."""
    per_bit, fixed = figures["energy"] / figures["port"], figures["fixed_share"]
    area, whole = figures["area"] / figures["capacity"], figures["capacity"]
    source, basis = _origin("edram")
    return Component(
        "edram", "one word read or written", "width of the port", "capacity in bits", source, basis,
        lambda b, n: b * per_bit * (fixed + (1 - fixed) * np.sqrt(n / whole)),
        lambda b, n: n * area,
        lambda b, n: figures["access_time"] * np.maximum(1.0, np.sqrt(n / whole)),
        lambda b, n: n * figures["leakage"],
    )  # fmt: skip


def _bus(figures: Mapping[str, float], logic: _Logic) -> Component:
    """Repeated wires, C V^2 per rising transition, and a register at the end."""
    per_length = figures["activity"] * figures["capacitance"] * figures["repeaters"] * logic.v_dd**2
    source, basis = _origin("wire")
    return Component(
        "bus", "one word moved over the length", "wires", "length in m", source, basis,
        lambda b, n: b * (n * per_length + logic.written), lambda b, n: b * n * figures["pitch"],
        lambda b, n: logic.clock * np.maximum(1.0, np.ceil(n * figures["delay"] / logic.clock)),
        lambda b, n: b * logic.leak * (1 + n / 1e-3 * 4),  # a repeater every quarter of a millimetre
    )  # fmt: skip


def _origin(section: str) -> tuple[str, str]:
    """Sources of a section's figures, and the weakest basis of those that energy and area hang on."""
    found = [figure for key, figure in cards()[section].items() if key not in ("leakage", "clock", "delay")]
    bases = {figure.basis for figure in found}
    return "; ".join(dict.fromkeys(f.source for f in found)), next(b for b in ORDER if b in bases)
