"""The arrays of a programmed chip as circuits, for ngspice.

Each multiplier is the bench of its encoding in `anamorph.cell` with a plus and a minus column per output, capacitors
and switches included; comparators, counters and converters are not. Cells are written to their targets at the read
voltages, exactly: a netlist is of the nominal die.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from anamorph.cell.vmm_array import ActiveCells, Cells, PassiveCells, Wires
from anamorph.cell.vmm_exp import exp_bench
from anamorph.cell.vmm_ins import ins_bench
from anamorph.cell.vmm_lin import lin_bench
from anamorph.circuit.netlist import Cell
from anamorph.device.memory_cell import SubthresholdCell, memristor_current, programmed_threshold
from anamorph.technology.memory import load_memory
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.cells import targets
from anamorph.vmm.design import EXP, INS


def bench(made: Vmm, weights: np.ndarray) -> Cell:
    """One multiplier: columns ``2 j`` and ``2 j + 1`` are the plus and the minus line of output j."""
    p = made.physics
    lines = np.asarray(targets(made.quantise_weights(jnp.asarray(weights, float)), p.base))
    relative = np.moveaxis(lines, 0, -1).reshape(made.design.rows, -1)
    cells, reference = _active(made, relative) if p.active else (_passive(made, relative), None)
    wires = Wires(p.wire_word, p.wire_bit, p.wire_word, p.wire_bit + p.sense)
    if made.design.encoding is INS:
        return ins_bench(cells, wires, reference)
    build = exp_bench if made.design.encoding is EXP else lin_bench
    return build(cells, p.capacitor, wires)


def _active(made: Vmm, relative: np.ndarray) -> tuple[Cells, float]:
    """Transistors, and the threshold of one that carries the largest current."""
    p, memory = made.physics, load_memory(made.design.cell.memory)
    cell = SubthresholdCell(memory.value("active", "i_weak"), p.slope_factor, p.dibl, p.clm)
    gate = memory.value("lines", "v_input")
    v_t = np.asarray(programmed_threshold(cell, p.current * relative, gate, p.drain))
    return ActiveCells(cell, v_t), float(programmed_threshold(cell, p.current, gate, p.drain))


def _passive(made: Vmm, relative: np.ndarray) -> Cells:
    p = made.physics
    # written at the read voltage; the netlist's conductance is that of small ones
    return PassiveCells(p.current * relative / float(memristor_current(1.0, p.read, p.nonlinearity)), p.nonlinearity)
