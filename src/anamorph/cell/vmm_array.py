"""Arrays of memory cells with their wires, as netlists: passive (0T-1R, 1T-1R) and active (2D-NOR, 1T-1R, 3D-NAND).

    passive   row{i} --r_driver-- w{i}_0 --r_word-- w{i}_1 ..    a memristor from w{i}_j to b{i}_j
    active    row{i} is a gate line, which carries no current    a transistor from b{i}_j to ground

    col{j}    b0_{j} --r_bit-- b1_{j} .. --r_sense-- col{j}      both

So the passive array is the network of `circuit/resistive_array.py`, driven at the left and read at the bottom, and the
active one is the same with nothing but current in its cells. A wire of zero ohm joins its nodes. Source lines of active
cells are ideal, since nanoamperes do not move them.

The closed switch of a passive 1T-1R cell is a resistance in series with its memristor. In a 3D-NAND string the channel
below the cell is a resistance at its source, as the memristor of an active 1T-1R cell is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from anamorph.circuit.memory_elements import FloatingGate, Memristor
from anamorph.circuit.netlist import GROUND, Cell, Element, Resistor
from anamorph.device.memory_cell import SubthresholdCell
from anamorph.errors import BadInput

Matrix = Float[np.ndarray, "rows cols"]


@dataclass(frozen=True)
class Wires:
    """Resistances as those of `ResistiveArray`, ohm."""

    r_word: float = 0.0
    r_bit: float = 0.0
    r_driver: float = 0.0
    r_sense: float = 0.0


@dataclass(frozen=True, eq=False)
class PassiveCells:
    """Memristors.

    Attributes:
        conductance: at small voltages, S.
        beta: curvature, 1/V.
        r_switch: of the closed switch in series, ohm; zero for none.
    """

    conductance: Matrix
    beta: float = 0.0
    r_switch: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, cols = self.conductance.shape
        return rows, cols

    def elements(self, i: int, j: int, word: str, bit: str) -> Iterator[Element]:
        """Of one cell."""
        inner = f"s{i}_{j}" if self.r_switch else bit
        yield Memristor(f"M{i}_{j}", word, inner, float(self.conductance[i, j]), self.beta)
        if self.r_switch:
            yield Resistor(f"S{i}_{j}", inner, bit, self.r_switch)


@dataclass(frozen=True, eq=False)
class ActiveCells:
    """Transistors below threshold, with or without something at their sources.

    Attributes:
        transistor: parameters of them all.
        v_t: threshold of each, V: programmed, or of a 1T-1R cell's transistor as it was made.
        conductance: of what is between source and ground, S: a 1T-1R cell's memristor, the rest of a string; or None.
        beta: curvature of that, 1/V.
    """

    transistor: SubthresholdCell
    v_t: Matrix
    conductance: Matrix | None = None
    beta: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, cols = self.v_t.shape
        return rows, cols

    def elements(self, i: int, j: int, gate: str, bit: str) -> Iterator[Element]:
        """Of one cell."""
        source = GROUND if self.conductance is None else f"s{i}_{j}"
        yield FloatingGate(f"M{i}_{j}", bit, gate, source, self.transistor, float(self.v_t[i, j]))
        if self.conductance is not None:
            yield Memristor(f"R{i}_{j}", source, GROUND, float(self.conductance[i, j]), self.beta)


Cells = PassiveCells | ActiveCells


def array(cells: Cells, wires: Wires = Wires()) -> Cell:  # noqa: B008  (frozen)
    """The array: ports row{i} and col{j}.

    Raises:
        BadInput: a resistance below zero; a value that a cell cannot have.
    """
    for name, value in vars(wires).items():
        if not 0 <= value < np.inf:
            raise BadInput("not a wire", where=name, expected="zero or more ohm, finite", got=repr(value))
    rows, cols = cells.shape
    bits = [_line(f"col{j}", [f"b{i}_{j}" for i in reversed(range(rows))], wires.r_sense, wires.r_bit, f"B{j}")
            for j in range(cols)]  # fmt: skip
    elements: list[Element] = [r for _, resistors in bits for r in resistors]
    for i in range(rows):
        row = f"row{i}"
        word, resistors = [row] * cols, []
        if isinstance(cells, PassiveCells):
            word, resistors = _line(row, [f"w{i}_{j}" for j in range(cols)], wires.r_driver, wires.r_word, f"W{i}")
        elements += resistors
        for j in range(cols):
            elements += cells.elements(i, j, word[j], bits[j][0][rows - 1 - i])
    ports = (*(f"row{i}" for i in range(rows)), *(f"col{j}" for j in range(cols)))
    return Cell("vmm_array", ports, tuple(elements))


def _line(port: str, nodes: list[str], first: float, between: float, name: str) -> tuple[list[str], list[Resistor]]:
    """A wire from `port` along `nodes`: what each node became, and the resistors."""
    became, resistors, here = [], [], port
    for k, node in enumerate(nodes):
        r = between if k else first
        if r:
            resistors.append(Resistor(f"R{name}_{k}", here, node, r))
            here = node
        became.append(here)
    return became, resistors
