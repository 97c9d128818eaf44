"""Switch bits that can be written again: each bit line of each synapse on a source of its own.

A chip's netlist has its bits tied to the rails. Here the same netlist gets, for every port that is a bit, a
voltage source instead, so that another program is other source values and the same circuit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from anamorph.circuit.netlist import GROUND, Cell, Element, Instance, VoltageSource
from anamorph.errors import BadInput

#: What the ports that carry bits begin with: w_sign, w_0 (LSB), ..
BIT = "w_"


def bits_as_sources(cell: Cell, drives: Mapping[str, float]) -> tuple[Cell, dict[str, float]]:
    """`cell` with a source on every bit, and the value of every source that writes the same program.

    The source of bit ``w_2`` of instance ``synapse_0_3_5`` of cell ``synapse`` is ``w_0_3_5_2``, on a node of that
    name; of instance ``readout_1`` of the same cell it is ``w_readout_1_2``. Transistors keep their order.

    Args:
        cell: instances with their bits tied to ground or to a node that a voltage source holds.
        drives: value of every source of `cell`.

    Raises:
        BadInput: no bits, a bit that is tied to neither, or a source without a value.
    """
    rails = {GROUND: 0.0}
    for element in cell.elements:
        if isinstance(element, VoltageSource):
            if element.name not in drives:
                raise BadInput(f"no value for source '{element.name}'", where=f"cell {cell.name}")
            rails[element.node] = drives[element.name]
    elements: list[Element] = []
    written: dict[str, float] = {}
    for element in cell.elements:
        if not isinstance(element, Instance):
            elements.append(element)
            continue
        tied = {port: node for port, node in element.ports.items() if port.startswith(BIT)}
        names = {port: _source(element, port) for port in tied}
        for port, node in tied.items():
            if node not in rails:
                raise BadInput("a bit is tied to no rail", where=f"cell {cell.name}: {element.name}.{port}", got=node)
            written[names[port]] = rails[node]
            elements.append(VoltageSource(names[port], names[port]))
        elements.append(dataclasses.replace(element, ports={**element.ports, **names}) if tied else element)
    if not written:
        raise BadInput("no bits to put on sources", where=f"cell {cell.name}", expected=f"ports that begin with {BIT}")
    return Cell(cell.name, cell.ports, tuple(elements), cell.note), {**drives, **written}


def _source(instance: Instance, port: str) -> str:
    return f"{BIT}{instance.name.removeprefix(instance.cell.name + '_')}_{port.removeprefix(BIT)}"
