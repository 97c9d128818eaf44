"""Supplies written once per instance: the same circuit, and the same currents once they are summed."""

from __future__ import annotations

import numpy as np

from anamorph.circuit.netlist import Capacitor, Cell, Instance, Resistor, VoltageSource
from anamorph.circuit.spice_supplies import FEW, together, with_own_supplies

LOAD = Cell("load", ("top", "low"), (Resistor("r", "top", "low", 1e6), Capacitor("c", "top", "low", 1e-15)))


def _chip(count: int) -> Cell:
    loads = [Instance(f"load_{k}", LOAD, {"top": "vdd", "low": f"n_{k}"}) for k in range(count)]
    grounded = [Resistor(f"r_{k}", f"n_{k}", "0", 1e6) for k in range(count)]
    return Cell("chip", (), (VoltageSource("supply", "vdd"), Resistor("keeper", "vdd", "0", 1e6), *loads, *grounded))


def test_every_instance_but_the_first_has_a_supply_of_its_own() -> None:
    chip = _chip(FEW + 1)
    found, parts = with_own_supplies(chip)
    instances = [e for e in found.elements if isinstance(e, Instance)]
    assert [i.name for i in instances] == [e.name for e in chip.elements if isinstance(e, Instance)]
    nodes = [i.ports["top"] for i in instances]
    assert nodes[0] == "vdd" and len(set(nodes)) == len(nodes)
    assert {i.ports["low"] for i in instances} == {f"n_{k}" for k in range(FEW + 1)}
    sources = {e.node: e.name for e in found.elements if isinstance(e, VoltageSource)}
    assert sources.keys() == set(nodes) and parts == {sources[node]: "supply" for node in nodes[1:]}


def test_a_supply_of_few_instances_stays() -> None:
    found, parts = with_own_supplies(_chip(FEW))
    assert found == _chip(FEW) and parts == {}


def test_a_name_that_is_taken_is_not_used_again() -> None:
    chip = _chip(FEW + 1)
    others = [Resistor(f"other_{k}", "vdd_load_2", "0", 1e6) for k in range(2)]
    taken = Cell("chip", (), (*chip.elements, *others))
    found, _ = with_own_supplies(taken)
    (moved,) = [e for e in found.elements if isinstance(e, Instance) and e.name == "load_2"]
    assert moved.ports["top"] not in ("vdd", "vdd_load_2")


def test_currents_of_the_parts_are_summed() -> None:
    currents = {
        "supply": np.array([1.0, 2.0]),
        "a": np.array([0.5, 0.0]),
        "b": np.array([0.25, 1.0]),
        "other": np.ones(2),
    }
    found = together(currents, {"a": "supply", "b": "supply"})
    assert found.keys() == {"supply", "other"}
    np.testing.assert_array_equal(found["supply"], [1.75, 3.0])
