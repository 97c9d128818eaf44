"""Counting neurons, synapses and transistors of the netlists.

Synapses of the weights are counted, as in the paper (25,100 of 196-100-50-10). The transistors include the readout, one
more synapse per output neuron (section 3.1), which is part of the netlist that is simulated.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from anamorph.circuit.netlist import Cell, Instance
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.substrate.contract import Shape
from anamorph.substrate.current_mirror.chip import chip

#: Of the transients and of Table 1, of Figure 3, and of the prototype.
TABLE_1, FIGURE_3, PROTOTYPE = (196, 100, 50, 10), (196, 50, 10), (7, 7, 7)
#: Magnitude bits of every synapse in the paper.
BITS = 3


def measure(context: Context) -> Findings:
    """Build the three netlists and count what they hold."""
    large, small, prototype = (count(shape) for shape in (TABLE_1, FIGURE_3, PROTOTYPE))
    return Findings(
        {
            "synapses": _counted(large["synapse"]),
            "transistors": _with_readout(large),
            "synapses_of_figure_3": _counted(small["synapse"]),
            "transistors_of_figure_3": _with_readout(small),
            "prototype_synapses": _counted(prototype["synapse"]),
            "prototype_neurons": _counted(prototype["soma"]),
        }
    )


def count(shape: Shape, n_bits: int = BITS) -> Counter[str]:
    """Elements of a chip's netlist by the first word of their names, ``fets``, and the ``readout fets`` among them."""
    settings = tuple(np.zeros(pair, int) for pair in zip(shape, shape[1:], strict=False))
    found: Counter[str] = Counter()
    fets: dict[str, int] = {}
    for element in chip(settings, n_bits).elements:
        kind = element.name.split("_")[0]
        found[kind] += 1
        if isinstance(element, Instance):
            own = fets.setdefault(element.cell.name, _fets(element.cell))
            found["fets"] += own
            if kind == "readout":
                found["readout fets"] += own
    return found


def _fets(cell: Cell) -> int:
    return sum(1 for _ in cell.fets())


def _counted(n: int, note: str = "") -> Measured:
    return Measured(float(n), basis="counted", note=note)


def _with_readout(found: Counter[str]) -> Measured:
    without = found["fets"] - found["readout fets"]
    note = (
        f"{without:,} without the {found['readout']} readout synapses; m parallel unit devices count as one transistor."
    )
    return _counted(found["fets"], note)
