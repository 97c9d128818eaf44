"""Instant encoding: amplitudes in, currents out, at one operating point.

Passive cells take voltages, and amplifiers hold the ends of the bit lines. Floating-gate cells take currents: each row
has a cell of its own whose gate is on its drain, so that its gate's voltage carries the logarithm of the current, and
every cell of the row multiplies it by ``exp((V_T,ref - V_T) / n U_T)`` (gate coupling).
"""

from __future__ import annotations

from anamorph.cell.vmm_array import ActiveCells, Cells, PassiveCells, Wires, array
from anamorph.circuit.memory_elements import FloatingGate
from anamorph.circuit.netlist import GROUND, Cell, CurrentSource, Element, Instance, VoltageSource
from anamorph.errors import BadInput


def ins_bench(cells: Cells, wires: Wires = Wires(), v_t_reference: float | None = None) -> Cell:  # noqa: B008
    """The array with everything driven: sources ``in_{i}`` (V, or A for active cells) and ``sense_{j}`` (V).

    What ``sense_{j}`` delivers is the output current, negative for passive cells.

    Args:
        cells: of the array.
        wires: of the array.
        v_t_reference: threshold of the cell that turns a row's current into a voltage, V; for active cells.

    Raises:
        BadInput: active cells without a reference, or that have something at their sources: their gates' currents
            then are not mirrored.
    """
    inner = array(cells, wires)
    rows, cols = cells.shape
    elements: list[Element] = [Instance("A", inner, {port: port for port in inner.ports})]
    if isinstance(cells, PassiveCells):
        elements += [VoltageSource(f"in_{i}", f"row{i}") for i in range(rows)]
    else:
        elements += _references(cells, v_t_reference)
    elements += [VoltageSource(f"sense_{j}", f"col{j}") for j in range(cols)]
    return Cell("vmm_ins", (), tuple(elements))


def _references(cells: ActiveCells, v_t: float | None) -> list[Element]:
    if v_t is None or cells.conductance is not None:
        expected = "floating-gate cells with sources at ground, and the threshold of the rows' own cells"
        raise BadInput("gate coupling needs such cells", where="vmm_ins", expected=expected)
    rows = range(cells.shape[0])
    mirrors = [FloatingGate(f"REF{i}", f"row{i}", f"row{i}", GROUND, cells.transistor, v_t) for i in rows]
    return [*mirrors, *(CurrentSource(f"in_{i}", f"row{i}") for i in rows)]
