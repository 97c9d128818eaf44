"""Laws that every solved circuit obeys, whatever its elements, their order and their hierarchy."""

from __future__ import annotations

import random
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.netlist import (
    GROUND,
    Capacitor,
    Cell,
    CurrentSource,
    Element,
    Fet,
    Instance,
    Resistor,
    VoltageSource,
)
from anamorph.circuit.operating_point import VOLTAGE_TOLERANCE, operating_point
from anamorph.device.mosfet import Terminals, drain_current
from anamorph.technology import Technology

# one more digit than the solver's last step
SAME = 10 * VOLTAGE_TOLERANCE
BITS = {"w_0": "vdd", "w_1": "0", "w_2": "vdd"}


def neuron_pair(weight_bits: dict[str, str] = BITS) -> Cell:  # noqa: B006  (read only)
    """A current through a soma, a positive and a negative synapse, into a second soma."""
    wiring = {"v_p": "p1", "v_n": "n1", "i_out": "in2", "vdd": "vdd"} | weight_bits
    elements = (
        VoltageSource("VDD", "vdd"),
        CurrentSource("I1", "in1"),
        CurrentSource("I2", "in2"),
        Instance("S1", soma(), {"i_in": "in1", "v_p": "p1", "v_n": "n1", "vdd": "vdd"}),
        Instance("W1", synapse(), wiring | {"w_sign": "0"}),
        Instance("W2", synapse(), wiring | {"w_sign": "vdd", "w_0": "0"}),
        Instance("S2", soma(), {"i_in": "in2", "v_p": "p2", "v_n": "n2", "vdd": "vdd"}),
    )
    return Cell("pair", ("p2", "n2"), elements)


DRIVES = {"VDD": 1.8, "I1": jnp.array([1e-12, 1e-9, 30e-9, 300e-9]), "I2": 5e-9}


def flattened(cell: Cell, prefix: str = "", outer: dict[str, str] | None = None) -> list[Element]:
    """The same circuit without hierarchy: an independent, plain rewriting of names."""
    nodes = {GROUND: GROUND} | (outer or {port: port for port in cell.ports})

    def at(node: str) -> str:
        return nodes.get(node, prefix + node)

    found: list[Element] = []
    for element in cell.elements:
        if isinstance(element, Instance):
            ports = {port: at(node) for port, node in element.ports.items()}
            found += flattened(element.cell, f"{prefix}{element.name}_", ports)
        elif isinstance(element, Fet):
            pins = {pin: at(getattr(element, pin)) for pin in ("drain", "gate", "source", "bulk")}
            found.append(replace(element, name=prefix + element.name, **pins))
        elif isinstance(element, CurrentSource | VoltageSource):
            found.append(replace(element, name=prefix + element.name, node=at(element.node)))
        elif isinstance(element, Capacitor | Resistor):
            found.append(replace(element, name=prefix + element.name, a=at(element.a), b=at(element.b)))
        else:
            raise TypeError(f"{element} has no flat form")
    return found


@pytest.fixture(scope="module")
def pair(cmos180: Technology) -> Circuit:
    return compile_cell(neuron_pair(), cmos180)


def test_flattened_and_hierarchical_circuits_agree(cmos180: Technology, pair: Circuit) -> None:
    flat = compile_cell(Cell("flat", ("p2", "n2"), tuple(flattened(neuron_pair()))), cmos180)
    assert flat.structure.n_border > pair.structure.n_border  # the two are solved in different ways
    a = operating_point(pair, DRIVES).require_converged()
    b = operating_point(flat, DRIVES).require_converged()
    assert {node.replace(".", "_") for node in pair.unknowns} == set(flat.unknowns)
    for node in pair.unknowns:
        np.testing.assert_allclose(a.voltage(node), b.voltage(node.replace(".", "_")), rtol=0, atol=SAME)
    # 10 nV over n U_T
    np.testing.assert_allclose(a.supplied, b.supplied, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_order_of_elements_does_not_matter(cmos180: Technology, pair: Circuit, seed: int) -> None:
    cell = neuron_pair()
    shuffled = random.Random(seed).sample(cell.elements, len(cell.elements))
    other = compile_cell(replace(cell, elements=tuple(shuffled)), cmos180)
    a, b = operating_point(pair, DRIVES), operating_point(other, DRIVES)
    for node in pair.unknowns:
        np.testing.assert_allclose(a.voltage(node), b.voltage(node), rtol=0, atol=SAME)


def test_currents_leaving_every_node_sum_to_zero(cmos180: Technology) -> None:
    """Counted again with the device's own function, element by element."""
    elements = flattened(neuron_pair())
    solution = operating_point(compile_cell(Cell("flat", ("p2", "n2"), tuple(elements)), cmos180), DRIVES)
    volts = {n: np.asarray(solution.voltage(n)) for n in (*solution.circuit.unknowns, "vdd")} | {GROUND: np.zeros(4)}
    leaving = {node: np.zeros(4) for node in volts}
    largest = np.zeros(4)
    for element in elements:
        if isinstance(element, Fet):
            sign = 1 if element.polarity == "n" else -1
            bulk = volts[element.bulk]
            pins = (sign * (volts[n] - bulk) for n in (element.drain, element.gate, element.source))
            p = jax.tree.map(jnp.asarray, cmos180.mosfet(element))
            current = sign * np.asarray(drain_current(p, Terminals(*(jnp.asarray(x) for x in pins))))
            leaving[element.drain] += current
            leaving[element.source] -= current
            largest = np.maximum(largest, abs(current))
        elif isinstance(element, CurrentSource):
            leaving[element.node] -= np.asarray(DRIVES[element.name])
    for node in solution.circuit.unknowns:
        # the solver's tolerance, and the rounding of a few sums
        assert (abs(leaving[node]) <= 1e-15 + 1e-12 * largest).all(), node
    np.testing.assert_allclose(leaving["vdd"], solution.source_current("VDD"), rtol=1e-12)
    # what the sources deliver returns through ground
    total = sum(leaving.values()) + DRIVES["I1"] + DRIVES["I2"]
    assert (abs(np.asarray(total)) <= 1e-12 * largest).all()


def _complete(values: list[float]) -> tuple[Element, ...]:
    """Held a, ground, and three unknowns, all joined to each other."""
    nodes = ["a", "b", "c", "d", GROUND]
    joints = [(x, y) for i, x in enumerate(nodes) for y in nodes[i + 1 :]]
    resistors = [Resistor(f"R{i}", x, y, r) for i, ((x, y), r) in enumerate(zip(joints, values, strict=True))]
    return (VoltageSource("V1", "a"), CurrentSource("I1", "c"), *resistors)


RESISTANCES = st.lists(st.floats(1.0, 1e6), min_size=10, max_size=10)


@settings(max_examples=50)
@given(values=RESISTANCES, volts=st.floats(-2, 2), amperes=st.floats(-1e-6, 1e-6))
def test_resistor_networks_agree_with_a_linear_solve(
    cmos180: Technology, values: list[float], volts: float, amperes: float
) -> None:
    elements = _complete(values)
    solution = operating_point(compile_cell(Cell("net", (), elements), cmos180), {"V1": volts, "I1": amperes})
    order = ["b", "c", "d", "a", GROUND]
    g = np.zeros((5, 5))
    for r in elements:
        if isinstance(r, Resistor):
            i, j = order.index(r.a), order.index(r.b)
            g[[i, j], [i, j]] += 1 / r.resistance
            g[[i, j], [j, i]] -= 1 / r.resistance
    drive = np.array([0, amperes, 0]) - g[:3, 3] * volts
    expected = np.linalg.solve(g[:3, :3], drive)
    assert bool(solution.converged)
    found = np.array([solution.voltage(n) for n in "bcd"])
    # conductances of 1e6 to 1: their sums lose six of sixteen digits
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max() + 1e-15)


@settings(max_examples=50)
@given(values=RESISTANCES, volts=st.floats(-2, 2), amperes=st.floats(-1e-6, 1e-6))
def test_passive_networks_consume(cmos180: Technology, values: list[float], volts: float, amperes: float) -> None:
    solution = operating_point(compile_cell(Cell("net", (), _complete(values)), cmos180), {"V1": volts, "I1": amperes})
    power = volts * float(solution.source_current("V1")) + amperes * float(solution.voltage("c"))
    assert power >= -1e-12 * (abs(volts) + abs(amperes))


def _chain() -> Cell:
    """Both kinds of transistor between held rails, nothing to ground."""
    elements = (
        VoltageSource("VH", "high"),
        VoltageSource("VL", "low"),
        VoltageSource("VG", "gate"),
        Fet("MN", "n", "x", "gate", "low", "low", 1e-6, 0.5e-6),
        Fet("MP", "p", "y", "y", "high", "high", 2e-6, 0.5e-6),
        Resistor("R1", "x", "y", 1e6),
    )
    return Cell("chain", (), elements)


@settings(max_examples=50)
@given(shift=st.floats(-5, 5), gate=st.floats(0, 1.8))
def test_only_differences_of_potential_matter(cmos180: Technology, shift: float, gate: float) -> None:
    circuit = compile_cell(_chain(), cmos180)
    base = {"VH": 1.8, "VL": 0.0, "VG": gate}
    a = operating_point(circuit, base).require_converged()
    b = operating_point(circuit, {name: v + shift for name, v in base.items()}).require_converged()
    np.testing.assert_allclose(b.voltages - shift, a.voltages, rtol=0, atol=SAME)
    np.testing.assert_allclose(b.supplied, a.supplied, rtol=1e-6, atol=1e-15)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 3))
def test_a_sample_does_not_depend_on_its_batch(pair: Circuit, seed: int, size: int) -> None:
    spread = jnp.asarray(pair.threshold_sigma) * jax.random.normal(jax.random.key(seed), (4, len(pair.fets)))
    whole = operating_point(pair, DRIVES, spread).require_converged()
    part = operating_point(pair, DRIVES | {"I1": DRIVES["I1"][:size]}, spread[:size]).require_converged()
    np.testing.assert_allclose(part.voltages, whole.voltages[:size], rtol=0, atol=SAME)
