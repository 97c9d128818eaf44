"""One point of the design space: cell, encoding of inputs, bits, size (Bavandpour et al. 2019, section II)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anamorph.errors import BadInput, nearest


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an input value comes in.

    Attributes:
        name: as the paper abbreviates it.
        what: in a few words.
        slots: unit durations that an input of so many bits takes.
    """

    name: str
    what: str
    slots: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of memory cell, as a multiplier uses it.

    Attributes:
        name: for the command line and files.
        memory: the memory that it is of; its figures are on the card of that name.
        what: in a few words.
        active: whether its transistor is a current source (subthreshold): its current then hardly depends on the
            voltage of the line that it drives, and no amplifier has to hold that line still.
        gate_coupled: whether its gate can mirror an input current, which amplitudes need (INS, current mode).
    """

    name: str
    memory: str
    what: str
    active: bool
    gate_coupled: bool


INS = Encoding("ins", "amplitude of one pulse or current", lambda bits: 1)
LIN = Encoding("lin", "bit by bit, successively integrated and divided", lambda bits: bits)
EXP = Encoding("exp", "duration of one pulse", lambda bits: 2**bits - 1)
ENCODINGS = {e.name: e for e in (INS, LIN, EXP)}

CELLS = {
    cell.name: cell
    for cell in (
        Cell("2d_nor", "2d_nor", "floating gate, NOR array, subthreshold", active=True, gate_coupled=True),
        Cell("1t1r_active", "1t1r", "memristor at the source of a subthreshold transistor", active=True,
             gate_coupled=False),
        Cell("1t1r_passive", "1t1r", "memristor behind a closed switch", active=False, gate_coupled=False),
        Cell("0t1r", "0t1r", "memristor alone at a crosspoint", active=False, gate_coupled=False),
        Cell("3d_nand", "3d_nand", "floating gate in a vertical NAND string, subthreshold", active=True,
             gate_coupled=False),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Design:
    """A multiplier of `rows` inputs and `columns` outputs; a signed weight is a pair of cells.

    Attributes:
        cell: kind of cell.
        encoding: of the inputs.
        input_bits, weight_bits, output_bits: precision of inputs, of weights (sign included) and of outputs.
        rows, columns: inputs and outputs.
    """

    cell: Cell
    encoding: Encoding
    input_bits: int
    weight_bits: int
    output_bits: int
    rows: int
    columns: int

    def __post_init__(self) -> None:
        for what in ("input_bits", "weight_bits", "output_bits"):
            if not 1 <= getattr(self, what) <= 16:
                raise BadInput(f"{what} out of range", where="vmm design", expected="1 to 16",
                               got=str(getattr(self, what)))  # fmt: skip
        for what in ("rows", "columns"):
            if getattr(self, what) < 1:
                raise BadInput(f"no {what}", where="vmm design", expected="at least 1", got=str(getattr(self, what)))


def cell(name: str) -> Cell:
    """The kind of cell of a name; raises `BadInput` for an unknown one."""
    if name not in CELLS:
        raise BadInput(f"no such cell '{name}'", expected=", ".join(CELLS), advice=nearest(name, CELLS))
    return CELLS[name]


def encoding(name: str) -> Encoding:
    """The encoding of a name; raises `BadInput` for an unknown one."""
    if name not in ENCODINGS:
        raise BadInput(f"no such encoding '{name}'", expected=", ".join(ENCODINGS), advice=nearest(name, ENCODINGS))
    return ENCODINGS[name]
