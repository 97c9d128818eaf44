"""Converters between words, amplitudes and durations: closed forms in resolution, from gates and capacitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anamorph.processor.components.component import Component, Law, Numbers

#: Transitions of a row's comparison with the counter, per slot: the gate that changes, and what follows it.
COMPARED = 2
#: Registers and gates per bit of successive approximation: the bit, the sequence, and what switches the capacitor.
SAR_REGISTERS, SAR_GATES = 2, 4
#: Gates that tell which of two lines came first, and enable what is kept.
SIGN_GATES = 4


def converters(
    logic: Mapping[str, float], analog: Mapping[str, float], v_dd: float, written: float, gate: float,
    origin: Callable[[str], tuple[str, str]],
) -> dict[str, Component]:  # fmt: skip
    """Converters of a node.

    Args:
        logic: figures at the node.
        analog: likewise.
        v_dd: supply, V.
        written: energy of a bit written to a register, J.
        gate: energy of one transition of a gate, J.
        origin: source and basis of a section.
    """
    register, area_gate = logic["area_register"], logic["area_gate"]
    per_area, clock = logic["leakage"] / logic["area_gate"], logic["clock"]
    source, basis = origin("analog")

    def made(name: str, what: str, energy: Law, area: Law, clocks: Law, digital_area: Law) -> Component:
        return Component(
            name, what, "resolution", "converters", source, basis, energy, lambda b, n: n * area(b, n),
            lambda b, n: clocks(b, n) * clock, lambda b, n: n * digital_area(b, n) * per_area,
        )  # fmt: skip

    def capacitors(b: Numbers) -> Numbers:
        return 2.0**b * analog["unit_capacitor"]

    laws: dict[str, tuple[str, Law, Law, Law, Law]] = {
        "comparator": (
            "one decision", lambda b, n: analog["comparator_energy"], lambda b, n: analog["comparator_area"],
            lambda b, n: 1.0, lambda b, n: 0.0,
        ),
        "counter": (
            "one count: two bits change on average, and all are clocked",
            lambda b, n: b * logic["c_clock"] * v_dd**2 + 2 * (0.5 * logic["c_register"] * v_dd**2 + 2 * gate),
            lambda b, n: b * (register + 2 * area_gate), lambda b, n: 1.0,
            lambda b, n: b * (register + 2 * area_gate),
        ),
        "adc": (
            "one conversion by successive approximation: a decision per bit, and 2^b unit capacitors switched once",
            lambda b, n: b * (analog["comparator_energy"] + SAR_REGISTERS * written + SAR_GATES * gate)
            + capacitors(b) * v_dd**2,
            lambda b, n: analog["adc_layout"] * (analog["comparator_area"] + capacitors(b) / analog["capacitor_density"]
            + b * (SAR_REGISTERS * register + SAR_GATES * area_gate)),
            lambda b, n: b, lambda b, n: b * (SAR_REGISTERS * register + SAR_GATES * area_gate),
        ),
        "tdc": (
            "a pair of ramps to a word: two latches keep a shared counter's reading",
            lambda b, n: 2 * analog["latch_energy"] + b * written + (SIGN_GATES + 2.0**b) * gate,
            lambda b, n: 2 * analog["latch_area"] + b * (register + area_gate) + SIGN_GATES * area_gate,
            lambda b, n: 2.0**b, lambda b, n: b * (register + area_gate) + SIGN_GATES * area_gate,
        ),
        "dac": (
            "one word to a current; what it takes while the current flows is the multiplier's",
            lambda b, n: b * (written + 2 * gate),
            lambda b, n: b * register + 2.0**b * analog["dac_unit_area"],
            lambda b, n: 1.0, lambda b, n: b * register,
        ),
        "pulse": (
            "one word to a duration: compared with a shared counter in every slot",
            lambda b, n: b * written + 2.0**b * COMPARED * gate,
            lambda b, n: b * (register + COMPARED * area_gate) + SIGN_GATES * area_gate,
            lambda b, n: 2.0**b, lambda b, n: b * (register + COMPARED * area_gate) + SIGN_GATES * area_gate,
        ),
        "serial": (
            "one word bit by bit", lambda b, n: b * (written + 2 * gate), lambda b, n: b * (register + area_gate),
            lambda b, n: b, lambda b, n: b * (register + area_gate),
        ),
    }  # fmt: skip
    return {name: made(name, *law) for name, law in laws.items()}
