"""Cost of a block of multiplier for every cell and encoding, vectorised over sizes and precisions.

The periphery of two-dimensional memories is beside the array; 3D-NAND's serves all of its planes, one at a time. What
is equal for all is here: the array's own area, switches for tuning, planes, write-verify.
"""

from __future__ import annotations

import numpy as np

from anamorph.processor.components import Library, library, tuning
from anamorph.processor.components.component import Numbers
from anamorph.technology.memory import Memory, load_memory
from anamorph.vmm.block import BlockCost
from anamorph.vmm.cost_active import Parts, Sizes, exp_parts, ins_parts, lin_parts
from anamorph.vmm.cost_passive import passive_parts
from anamorph.vmm.design import Cell, Design, Encoding
from anamorph.vmm.lines import U_T

#: Array with its edges and dummies over its cells alone.
ARRAY_EDGES = 1.05
_ACTIVE = {"exp": exp_parts, "lin": lin_parts, "ins": ins_parts}


def block_cost(design: Design, card: Memory | None = None, periphery: Library | None = None) -> BlockCost:
    """Cost of one design; numbers are arrays without dimensions. Raises as `block_costs`."""
    return block_costs(
        design.cell, design.encoding, design.input_bits, design.weight_bits, design.output_bits, design.rows,
        design.columns, card, periphery,
    )  # fmt: skip


def block_costs(
    cell: Cell,
    encoding: Encoding,
    input_bits: Numbers,
    weight_bits: Numbers,
    output_bits: Numbers,
    rows: Numbers,
    columns: Numbers,
    card: Memory | None = None,
    periphery: Library | None = None,
) -> BlockCost:
    """Cost of blocks of one cell and encoding, numbers broadcast together.

    Args:
        cell: of all of them. What cannot work is costed as if it could: ask `refusal` first.
        encoding: of all of them.
        input_bits: precision of inputs.
        weight_bits: of weights, with their sign.
        output_bits: of outputs.
        rows: inputs.
        columns: outputs; a weight is a pair of cells.
        card: of the memory; the one that comes with the package if left out.
        periphery: its circuits; those at the memory's node if left out.

    Raises:
        BadInput: a card without this kind of cell, or of a node without periphery.
    """
    memory = card or load_memory(cell.memory)
    lib = periphery or library(f"{memory.value('lines', 'node') * 1e9:.6g} nm")
    given = (input_bits, weight_bits, output_bits, rows, columns)
    size = Sizes(*(np.asarray(a, float) for a in np.broadcast_arrays(*given)))
    memory.value("active" if cell.active else "passive", "swing_max")
    parts = (
        _ACTIVE[encoding.name](memory, lib, size) if cell.active else passive_parts(memory, lib, size, encoding.name)
    )
    return _block(memory, size, parts)


def _block(memory: Memory, size: Sizes, parts: Parts) -> BlockCost:
    shape = np.shape(size.rows)
    planes = memory.planes
    cells = size.rows * 2 * size.columns * planes
    writing = tuning(memory)
    area = {"array": _array_area(memory, size), **parts.area}
    area["tuning"] = writing.area(size.weight_bits, size.rows + 2 * size.columns + (planes if planes > 1 else 0))
    select_energy, select_time = _selection(memory, size)
    return BlockCost(
        rows=_full(size.rows, shape), columns=_full(size.columns, shape),
        time=_full(parts.time, shape), interval=_full(parts.interval, shape),
        terms=parts.terms, leakage=_full(parts.leakage, shape),
        area={part: _full(value, shape) for part, value in area.items()},
        cells=_full(cells, shape), planes=planes,
        select_energy=select_energy, select_time=select_time,
        tuning_energy=_full(writing.energy(size.weight_bits, cells), shape),
        tuning_time=_full(writing.latency(size.weight_bits, cells), shape),
        current=_full(parts.current, shape), swing=_full(parts.swing, shape), bounds=parts.bounds,
    )  # fmt: skip


def _array_area(memory: Memory, size: Sizes) -> Numbers:
    """Cells with the array's edges; above each other once, with the staircase that contacts the planes."""
    v = memory.values("lines")
    width, height = 2 * size.columns * v["pitch_input"], size.rows * v["pitch_output"]
    stairs = memory.values("planes").get("stair", 0.0) * (memory.planes if memory.planes > 1 else 0)
    return ARRAY_EDGES * width * height + stairs * np.minimum(width, height)


def _selection(memory: Memory, size: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """Energy and time to compute with another plane: one rises to the voltage of passing, one falls from it."""
    shape = np.shape(size.rows)
    if memory.planes == 1:
        return np.zeros(shape), np.zeros(shape)
    v = memory.values("planes")
    plane = v["c_plane"] * size.rows * 2 * size.columns
    step = v["v_pass"] - v["v_select"]
    rise = plane * step * v["v_pass"] / memory.value("lines", "pump_efficiency")
    # until what is missing changes currents by half of a weight's least significant bit
    missing = memory.value("active", "slope_factor") * U_T / 2.0 ** (size.weight_bits + 1)
    return _full(rise, shape), _full(v["r_select"] * plane * np.log(step / missing), shape)


def _full(value: Numbers, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(np.broadcast_to(np.asarray(value, float), shape))
