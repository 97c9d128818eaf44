"""Static CMOS circuits of the gates: every transistor, so that leakage and capacitance come from the card.

AND is NAND and inverter (6); XOR two inverters and a complex gate (12); the half adder both (18); the full adder the
mirror adder with inverters at sum and carry (28); the register two latches of transmission gates with clocked
feedback (24). Sizes are those of the card's section ``[digital]``. Two transistors share each diffusion, as in rows
of cells (assumed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anamorph.circuit.netlist import Cell, Fet
from anamorph.technology import Technology


@dataclass(frozen=True)
class LogicCell:
    """The circuit of one kind of gate.

    Attributes:
        cell: ports are the pins of `anamorph.digital.gates.KINDS` (and clk of a register), then vdd.
        follows: for every inner node the pin with which it changes; the nodes inside stacks are counted with the
            output.
    """

    cell: Cell
    follows: Mapping[str, str]


@dataclass
class _Drawing:
    """Collects transistors of a card's logic sizes."""

    technology: Technology
    fets: list[Fet] = field(default_factory=list)

    def fet(self, polarity: str, drain: str, gate: str, source: str) -> None:
        sizes, extent = self.technology.require("digital"), self.technology.value("process", "diffusion_length")
        w = sizes["w_n" if polarity == "n" else "w_p"]
        area, perimeter = 0.5 * w * extent, w + extent  # half of a diffusion between two gates
        self.fets.append(
            Fet(
                f"M{polarity}{len(self.fets)}", polarity, drain, gate, source, "0" if polarity == "n" else "vdd",
                w, sizes["l"], 1, area, area, perimeter, perimeter,
            )
        )  # fmt: skip

    def stack(self, polarity: str, top: str, *gates: str, inner: tuple[str, ...] = ()) -> None:
        """Transistors in series from `top` to the rail."""
        nodes = (top, *inner, "0" if polarity == "n" else "vdd")
        for gate, drain, source in zip(gates, nodes[:-1], nodes[1:], strict=True):
            self.fet(polarity, drain, gate, source)

    def inverter(self, a: str, y: str) -> None:
        self.stack("n", y, a)
        self.stack("p", y, a)

    def and2(self, y: str, inner: str) -> None:
        self.stack("n", inner, "a", "b", inner=(f"{inner}_x",))
        self.stack("p", inner, "a")
        self.stack("p", inner, "b")
        self.inverter(inner, y)

    def xor2(self, y: str) -> None:
        self.inverter("a", "an")
        self.inverter("b", "bn")
        self.stack("n", y, "a", "b", inner=("x1",))
        self.stack("n", y, "an", "bn", inner=("x2",))
        self.stack("p", y, "bn", "a", inner=("x3",))
        self.stack("p", y, "b", "an", inner=("x4",))

    def mirror(self, polarity: str) -> None:
        """One half of the mirror adder: the carry's complement, and the sum's from it."""
        x = [f"{polarity}{k}" for k in range(5)]
        rail = "0" if polarity == "n" else "vdd"
        self.stack(polarity, "co_n", "c", "a", inner=(x[0],))
        self.fet(polarity, x[0], "b", rail)
        self.stack(polarity, "co_n", "a", "b", inner=(x[1],))
        self.stack(polarity, "s_n", "co_n", "a", inner=(x[2],))
        self.fet(polarity, x[2], "b", rail)
        self.fet(polarity, x[2], "c", rail)
        self.stack(polarity, "s_n", "a", "b", "c", inner=(x[3], x[4]))

    def latch(self, given: str, node: str, out: str, on: tuple[str, str], tag: str) -> None:
        """A transmission gate into `node`, an inverter to `out`, and feedback while the gate is shut.

        `on` names the clock phases at the gates of its n- and p-channel transistor.
        """
        self.fet("n", node, on[0], given)
        self.fet("p", node, on[1], given)
        self.inverter(node, out)
        self.stack("n", node, on[1], out, inner=(f"n{tag}",))
        self.stack("p", node, on[0], out, inner=(f"p{tag}",))

    def register(self) -> None:
        self.inverter("clk", "ck_n")
        self.inverter("ck_n", "ck")
        self.inverter("d", "d_n")
        self.latch("d_n", "m1", "m2", ("ck_n", "ck"), "m")
        self.latch("m2", "s1", "s2", ("ck", "ck_n"), "s")
        self.inverter("s2", "q")

    def cell(self, name: str, *pins: str) -> Cell:
        return Cell(name, (*pins, "vdd"), tuple(self.fets))


def logic_cells(technology: Technology) -> dict[str, LogicCell]:
    """The circuit of every kind of gate, by the kind's name.

    Raises:
        BadInput: a card without sizes of logic.
    """
    found = {}
    for name, pins in {"inverter": "a y", "and2": "a b y", "xor2": "a b y", "half_adder": "a b s co",
                       "full_adder": "a b c s co", "register": "d clk q"}.items():  # fmt: skip
        drawing = _Drawing(technology)
        _DRAW[name](drawing)
        cell = drawing.cell(name, *pins.split())
        found[name] = LogicCell(cell, {node: _followed(name, node) for node in cell.inner_nodes})
    return found


def _full_adder(drawing: _Drawing) -> None:
    drawing.mirror("n")
    drawing.mirror("p")
    drawing.inverter("co_n", "co")
    drawing.inverter("s_n", "s")


def _half_adder(drawing: _Drawing) -> None:
    drawing.xor2("s")
    drawing.and2("co", "co_n")


_DRAW = {
    "inverter": lambda drawing: drawing.inverter("a", "y"),
    "and2": lambda drawing: drawing.and2("y", "y_n"),
    "xor2": lambda drawing: drawing.xor2("y"),
    "half_adder": _half_adder,
    "full_adder": _full_adder,
    "register": _Drawing.register,
}

#: Inner nodes that change with a pin other than the gate's (first) output.
_WITH = {
    ("an", "a"), ("bn", "b"), ("co_n", "co"), ("co_n_x", "co"), ("n0", "co"), ("n1", "co"), ("p0", "co"), ("p1", "co"),
    ("ck_n", "clk"), ("ck", "clk"), ("d_n", "d"), ("m1", "d"), ("m2", "d"), ("nm", "d"), ("pm", "d"),
}  # fmt: skip


def _followed(kind: str, node: str) -> str:
    first = {"register": "q", "half_adder": "s", "full_adder": "s"}.get(kind, "y")
    return dict(_WITH).get(node, first)
