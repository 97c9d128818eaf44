"""Figures of peripheral circuits at a node: those of ``periphery.toml``, brought there by stated rules.

| kind | length-like area | energy | delay | leakage |
|---|---|---|---|---|
| logic, eDRAM | F^2 | F V^2 (capacitance as F) | F | F V |
| analog | F | F^1.2 | - | - |
| wire | 1 | V^2 | 1 | - |

F is the ratio of nodes and V that of supplies. Analog area is bound by matching and by capacitors, so it falls slower
than logic; analog energy follows published converters, 34 fJ per step at 130 nm and 5.4 at 28 nm.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import numpy as np

from anamorph.errors import BadInput
from anamorph.technology.card import Param
from anamorph.technology.figure_table import Figures, read
from anamorph.units import parse

#: Supply of logic by node, V: what such processes have.
SUPPLIES = {28e-9: 1.0, 32e-9: 1.0, 40e-9: 1.1, 45e-9: 1.1, 55e-9: 1.2, 65e-9: 1.2, 90e-9: 1.2, 130e-9: 1.3,
            180e-9: 1.8}  # fmt: skip
#: ln(34 / 5.4) / ln(130 / 28).
ANALOG_ENERGY_EXPONENT = 1.2
ENERGY, AREA, TIME = "J", "m^2", "s"


def _positive(unit: str, high: float, meaning: str) -> Param:
    return Param(unit, 0.0, high, meaning)


_NODE = Param("m", 1e-8, 1e-6, "process node that the figures are of")
SECTIONS: Mapping[str, Mapping[str, Param]] = {
    "logic": {
        "node": _NODE,
        "c_gate": _positive("F", 1e-12, "capacitance that the output of a two-input gate charges"),
        "c_register": _positive("F", 1e-12, "capacitance that a register's data charge"),
        "c_clock": _positive("F", 1e-12, "clock capacitance of a register"),
        "c_adder": _positive("F", 1e-12, "capacitance of all nodes of a full adder"),
        "area_gate": _positive(AREA, 1e-9, "a two-input gate, placed"),
        "area_register": _positive(AREA, 1e-9, "a register, placed"),
        "area_adder": _positive(AREA, 1e-9, "a full adder, placed"),
        "leakage": _positive("W", 1e-6, "leakage of a two-input gate"),
        "clock": _positive(TIME, 1e-6, "period of the clock"),
    },
    "analog": {
        "node": _NODE,
        "comparator_energy": _positive(ENERGY, 1e-9, "one decision"),
        "comparator_area": _positive(AREA, 1e-8, "a comparator"),
        "comparator_noise": _positive("V", 0.1, "input-referred noise of a comparator, rms"),
        "latch_energy": _positive(ENERGY, 1e-9, "tripping once"),
        "latch_area": _positive(AREA, 1e-8, "a latch with a set threshold"),
        "unit_capacitor": Param("F", 1e-17, 1e-12, "smallest capacitor of a converter"),
        "capacitor_density": Param("F/m^2", 1e-4, 1.0, "of load capacitors"),
        "capacitor_matching": _positive("", 1.0, "relative deviation of 1 fF"),
        "gm_over_i": Param("1/V", 1.0, 40.0, "transconductance efficiency of amplifiers"),
        "adc_layout": Param("", 1.0, 20.0, "area of a converter over that of its parts"),
        "stage_gain": Param("", 2.0, 1e4, "gain of one amplifier stage"),
        "stage_area": _positive(AREA, 1e-8, "one amplifier stage"),
        "buffer_current": _positive("A", 1e-2, "bias of an input buffer"),
        "buffer_area": _positive(AREA, 1e-8, "an input buffer"),
        "dac_unit_area": _positive(AREA, 1e-8, "one unit of a digital-to-analog converter"),
        "sense_capacitance": _positive("F", 1e-12, "load of the output circuit on its line"),
    },
    "edram": {
        "node": _NODE,
        "energy": _positive(ENERGY, 1e-6, "one access to the reference macro"),
        "area": _positive(AREA, 1e-3, "the reference macro"),
        "port": Param("", 1.0, 1e6, "bits of its port"),
        "capacity": Param("", 1.0, 1e12, "its bits"),
        "fixed_share": Param("", 0.0, 1.0, "share of an access that does not grow with capacity"),
        "access_time": _positive(TIME, 1e-6, "one access to the reference macro"),
        "leakage": _positive("W", 1e-6, "per bit"),
    },
    "wire": {
        "node": _NODE,
        "capacitance": _positive("F/m", 1e-8, "per length"),
        "repeaters": Param("", 1.0, 5.0, "capacitance with repeaters over that without"),
        "delay": _positive("s/m", 1e-3, "per length"),
        "pitch": _positive("m", 1e-5, "wire and space"),
        "activity": Param("", 0.0, 1.0, "rising transitions per bit moved"),
    },
    "control": {
        "node": _NODE,
        "gates": _positive("", 1e6, "of a block's control"),
        "gates_per_bit": _positive("", 1e6, "more per address bit"),
        "switched": Param("", 0.0, 1.0, "share of the gates that change per command"),
    },
}  # fmt: skip


@cache
def cards() -> Figures:
    """All figures as the card has them, each with its source and basis."""
    content = (resources.files("anamorph.processor.components") / "periphery.toml").read_bytes()
    return read(content, "periphery.toml", SECTIONS, {})[2]


def supply(node: float) -> float:
    """Supply of logic at a node (m), V: interpolated between those of `SUPPLIES`.

    Raises:
        BadInput: a node outside them.
    """
    known = sorted(SUPPLIES)
    if not known[0] * 0.999 <= node <= known[-1] * 1.001:
        raise BadInput("no peripheral figures for this node", expected="28 nm to 180 nm", got=f"{node * 1e9:.4g} nm")
    return float(np.interp(node, known, [SUPPLIES[k] for k in known]))


def parse_node(text: str) -> float:
    """The node of a text such as ``"55 nm"``, m."""
    return parse(text, "m", where="node")


def section_at(section: str, node: float) -> dict[str, float]:
    """SI values of one section at a node (m), by the rules above."""
    found = {key: figure.value for key, figure in cards()[section].items()}
    ratio, volts = node / found["node"], supply(node) / supply(found["node"])
    kind = {"logic": "logic", "control": "logic", "edram": "logic", "analog": "analog", "wire": "wire"}[section]
    rules = {
        "logic": {AREA: ratio**2, "F": ratio, ENERGY: ratio * volts**2, TIME: ratio, "W": ratio * volts},
        "analog": {AREA: ratio, ENERGY: ratio**ANALOG_ENERGY_EXPONENT},
        "wire": {},
    }[kind]
    scaled = {key: value * rules.get(SECTIONS[section][key].unit, 1.0) for key, value in found.items()}
    return scaled | {"node": node}
