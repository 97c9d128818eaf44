"""Charge is neither made nor lost, whatever the circuit, its waveforms and the steps taken."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import (
    GROUND,
    Capacitor,
    Cell,
    CurrentSource,
    Element,
    Fet,
    Resistor,
    VoltageSource,
)
from anamorph.circuit.transient import transient
from anamorph.technology import Technology

T = 1e-6
#: Areas and perimeters.
JUNCTIONS = (1e-12, 1e-12, 4e-6, 4e-6)
NODES = ["a", "b", "c", "vdd", "x", GROUND]


def random_circuit(seed: int) -> Cell:
    """Five transistors on any nodes, with capacitors and leaks so that an operating point exists."""
    rng = np.random.default_rng(seed)
    elements: list[Element] = [VoltageSource("VDD", "vdd"), VoltageSource("VX", "x"), CurrentSource("I", "a")]
    elements.append(Capacitor("CX", "x", GROUND, 5e-15))  # so that no node is left floating, whatever is drawn
    for k in range(5):
        drain, gate, source = (str(node) for node in rng.choice(NODES, 3, replace=False))
        polarity = "np"[k % 2]
        bulk = GROUND if polarity == "n" else "vdd"
        elements.append(Fet(f"M{k}", polarity, drain, gate, source, bulk, 1e-6, 0.5e-6, 1, *JUNCTIONS))
    for k, node in enumerate("abc"):
        elements.append(Resistor(f"R{k}", node, str(rng.choice(["vdd", GROUND])), 1e8))
        elements.append(Capacitor(f"C{k}", node, str(rng.choice([n for n in NODES if n != node])), 5e-15))
    return Cell("random", (), tuple(elements))


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**16),
    current=st.floats(0, 1e-7),
    high=st.floats(0, 1.8),
    corner=st.floats(0.01, 0.9),
)
def test_what_sources_deliver_is_what_is_stored(
    cmos180: Technology, seed: int, current: float, high: float, corner: float
) -> None:
    """Charges of all sources and ground sum to Newton's last remainder, to rounding; that one is tiny."""
    circuit = compile_cell(random_circuit(seed), cmos180)
    pulse = np.array([0.0, corner, corner + 0.05, corner + 0.1]) * T
    waveforms = {"VDD": 1.8, "VX": (pulse, [0.0, high, high, 0.0]), "I": (pulse, [0.0, current, 0.0, 0.0])}
    found = transient(circuit, waveforms, T, max_steps=500)
    # a random circuit may latch or ring faster than 500 steps follow; it says so, and there is nothing to add up
    # (hypothesis fails the test if it has to throw away most circuits)
    assume(bool(found.converged))
    injected = current * (corner + 0.05) * T / 2
    total = found.charges[-1].sum() + found.ground_charge[-1] + injected
    moved = np.abs(np.diff(found.charges, axis=0)).sum() + injected + 1e-15
    # hundreds of sums in float64
    assert abs(total - found.unbalanced) <= 1e-12 * moved
    # Newton stops at 1 uV of any of three nodes, each of tens of femtofarads, and of 1 mS at most (five
    # transistors of W/L = 2 at 1.8 V) over a step of T / 20
    assert abs(found.unbalanced) <= 3 * 1e-6 * (60e-15 + 0.3 * T / 20 * 1e-3)


@settings(max_examples=10)
@given(voltage=st.floats(0.1, 1.8), rise=st.floats(1e-3, 0.5))
def test_a_gate_gives_its_charge_back(cmos180: Technology, voltage: float, rise: float) -> None:
    """Charge is a function of voltage: a gate pulsed there and back takes nothing, at any tolerance."""
    elements = (
        VoltageSource("G", "g"),
        VoltageSource("D", "d"),
        Resistor("R", "d", "s", 1e6),
        Resistor("R2", "s", "0", 1e6),
        Capacitor("C", "s", "0", 1e-15),
        Fet("M", "n", "d", "g", "s", "0", 5e-6, 1e-6),
    )
    circuit = compile_cell(Cell("gate", (), elements), cmos180)
    pulse = np.array([0.0, rise, rise + 0.2, 2 * rise + 0.2]) * T
    found = transient(circuit, {"G": (pulse, [0.0, voltage, voltage, 0.0]), "D": 1.0}, 3 * T, tolerance=1e-3)
    assert found.converged
    charge = found.supplied_charge("G")
    # s settles to its old voltage (1 ns) within Newton's 10 uV on 20 fF
    assert abs(charge[-1]) <= 2e-19
    assert charge.max() > 1e-15 * voltage
