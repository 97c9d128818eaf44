"""What a card makes of each gate: capacitance of its pins, leakage power in every input state, area.

Capacitance of a pin is that of all transistor terminals on it and on the inner nodes that change with it: at a gate
``C_ox W L`` and both overlaps, at a diffusion one overlap and the junction at zero bias. Nodes inside stacks of
transistors swing less than the supply, and not at every change, so they count half. With that, AND, half and full
adder take 0.95, 1.06 and 1.17 times what a transient of their transistors takes for both edges of one input, which
includes short-circuit currents.

Leakage is the supply's current at the operating point of the whole transistor circuit, so that stacks of transistors
that are off leak less, as they should. Gate leakage is not in the transistor model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.digital.gates import KINDS
from anamorph.digital.logic_cells import LogicCell, logic_cells
from anamorph.technology import Technology

#: Share of the capacitance of a node inside a stack of transistors that counts.
STACK_SHARE = 0.5
#: Pins that are driven in the leakage bench, in the order of the bits of its eight states.
_DRIVEN = ("a", "b", "c")


@dataclass(frozen=True)
class GateFigures:
    """Figures of one kind of gate on one card.

    Attributes:
        capacitance: of every pin, with what changes inside with it, F.
        leakage: power in each state of its inputs (first input least significant), W, ``[2**inputs]``.
        area: of its transistors with their spacing, m².
    """

    capacitance: dict[str, float]
    leakage: Float[np.ndarray, " states"]
    area: float


def gate_figures(technology: Technology) -> dict[str, GateFigures]:
    """Figures of every kind of gate, by its name.

    Raises:
        BadInput: a card without sizes of logic.
        NotConverged: an operating point was not found.
    """
    return dict(_figures(_Hashable(technology)))


class _Hashable:
    """A card by its digest, so that figures are found once per card."""

    def __init__(self, technology: Technology) -> None:
        self.technology = technology
        self.key = technology.digest or id(technology)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and self.key == other.key


@cache
def _figures(card: _Hashable) -> tuple[tuple[str, GateFigures], ...]:
    technology = card.technology
    cells = logic_cells(technology)
    leakage = _leakage(technology, cells)
    return tuple(
        (name, GateFigures(_capacitances(technology, logic), leakage[name],
                           sum(technology.fet_area(fet) for _, fet in logic.cell.fets())))
        for name, logic in cells.items()
    )  # fmt: skip


def _capacitances(technology: Technology, logic: LogicCell) -> dict[str, float]:
    found = dict.fromkeys((port for port in logic.cell.ports if port != "vdd"), 0.0)
    gates = {fet.gate for _, fet in logic.cell.fets()}
    for _, fet in logic.cell.fets():
        p = technology.mosfet(fet)
        for node, farad in (
            (fet.gate, p.c_gate + 2 * p.c_overlap),
            (fet.drain, p.c_overlap + p.c_junction_drain),
            (fet.source, p.c_overlap + p.c_junction_source),
        ):
            pin = logic.follows.get(node, node)
            if pin in found:  # rails are not
                found[pin] += float(farad) * (1.0 if node in gates or node in found else STACK_SHARE)
    return found


def _leakage(technology: Technology, cells: dict[str, LogicCell]) -> dict[str, np.ndarray]:
    """Leakage power of every kind, from one batch of operating points of all kinds beside each other."""
    circuit = compile_cell(_bench(cells), technology)
    v_dd = technology.v_dd
    states = np.arange(8)
    drives = {f"V_{pin}": v_dd * (states >> k & 1) for k, pin in enumerate(_DRIVEN)}
    drives |= {"V_clk": np.zeros(8)} | {f"V_dd_{name}": np.full(8, v_dd) for name in cells}
    solution = operating_point(circuit, drives, start=_start(circuit, v_dd, states)).require_converged()
    found = {}
    for kind in KINDS:
        watts = v_dd * np.asarray(solution.source_current(f"V_dd_{kind.name}"))
        distinct = 1 << len(kind.inputs)
        # states that differ in inputs this gate does not have are the same; a register's differ in what it holds
        found[kind.name] = watts.reshape(-1, distinct).mean(axis=0)
    return found


def _bench(cells: dict[str, LogicCell]) -> Cell:
    elements: list[Instance | VoltageSource] = [VoltageSource(f"V_{pin}", pin) for pin in (*_DRIVEN, "clk")]
    for name, logic in cells.items():
        elements.append(VoltageSource(f"V_dd_{name}", f"dd_{name}"))
        ports = {port: port if port in (*_DRIVEN, "clk") else f"{name}_{port}" for port in logic.cell.ports}
        ports |= {"vdd": f"dd_{name}"} | ({"d": "a"} if "d" in ports else {})
        elements.append(Instance(name, logic.cell, ports))
    # outputs that nothing reads are ports of the bench, so that they may end there
    outputs = [f"{k.name}_{pin}" for k in KINDS for pin in k.outputs]
    return Cell("leakage_bench", tuple(outputs), tuple(elements))


def _start(circuit: Circuit, v_dd: float, states: np.ndarray) -> np.ndarray:
    """Half the supply everywhere, but in the registers, which hold b and, being transparent, see a."""
    a, held = states & 1, states >> 1 & 1
    levels = {"register.ck_n": 1 + 0 * a, "register.ck": 0 * a, "register.d_n": 1 - a, "register.m1": 1 - a,
              "register.m2": a, "register.s1": held, "register.s2": 1 - held, "register_q": held}  # fmt: skip
    start = np.full((len(states), len(circuit.unknowns)), 0.5 * v_dd)
    for node, level in levels.items():
        start[:, circuit.node(node)] = v_dd * level
    return np.asarray(jnp.asarray(start))
