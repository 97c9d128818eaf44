"""A circuit whose ideal voltage sources are written once per instance that they feed: the same circuit, for ngspice.

ngspice walks the columns of its matrix from the top for every entry that it makes, and the supply's column has
entries of every transistor: for 3,000 of them that took as long as the transient. Ideal sources of one value, side by
side, are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Cell, Element, Instance, VoltageSource

#: Sources that feed no more instances than this are left as they are.
FEW = 4


def with_own_supplies(cell: Cell) -> tuple[Cell, dict[str, str]]:
    """The circuit with sources of their own for all but the first of the instances that share one with many others.

    Returns:
        The circuit, its transistors and other nodes as they were, and of each new source the name of the one whose
        part it has. A new source has the name of its node.
    """
    sources = {e.node: e.name for e in cell.elements if isinstance(e, VoltageSource)}
    fed = Counter(node for e in cell.elements if isinstance(e, Instance) for node in set(e.nodes) & sources.keys())
    shared = {node: False for node, count in fed.items() if count > FEW}
    names = {e.name for e in cell.elements} | {node for e in cell.elements for node in e.nodes}
    elements: list[Element] = []
    parts: dict[str, str] = {}
    for element in cell.elements:
        if isinstance(element, Instance):
            nodes = sorted(set(element.nodes) & shared.keys())
            own = {node: _unused(f"{node}_{element.name}", names) for node in nodes if shared[node]}
            shared.update(dict.fromkeys(nodes, True))
            parts |= {new: sources[node] for node, new in own.items()}
            elements += [VoltageSource(new, new) for new in own.values()]
            element = replace(element, ports={port: own.get(node, node) for port, node in element.ports.items()})
        elements.append(element)
    return Cell(cell.name, cell.ports, tuple(elements)), parts


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def together(
    currents: Mapping[str, Float[np.ndarray, "*batch"]], parts: Mapping[str, str]
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """What the sources of the original circuit deliver: each with its parts, A."""
    found = {name: current for name, current in currents.items() if name not in parts}
    for part, source in parts.items():
        found[source] = found[source] + currents[part]
    return found
