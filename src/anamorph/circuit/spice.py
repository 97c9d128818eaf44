"""Any `Cell` as an ngspice deck, so that another simulator can judge ours.

The hierarchy is kept: a cell is a `.subckt`, ngspice flattens it by itself, and what each of its transistors
has of its own, the threshold deviation, travels down as parameters dv0, dv1, .. in netlist order.
Cells that hold sources, or more transistors than a line of parameters takes, are expanded in place.

What the deck adds to the circuit: nothing. `gmin` and `rshunt` put no conductance into it: there are no
junction devices that carry the first, and the second is not set. `gmin` is only where gmin stepping ends when
plain Newton fails, after which ngspice solves once more without it. A node that floats on femtoamperes would
make its matrix "singular" by the default `pivtol` of 1e-13 S, hence the far smaller one.

Text: ngspice folds case, knows some names as its own, and treats some comments as commands. Node and element
names are made unique and safe here; `Deck.nodes` and `Deck.sources` say what became of them.
A title becomes a comment of letters, digits, spaces and ``_.-`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.netlist import Cell
from anamorph.circuit.spice_hierarchy import RESERVED, Drive, Names, Scope, Writer, finite
from anamorph.circuit.spice_initial import initial_conditions
from anamorph.circuit.spice_mosfet import CHARGE_FUNCTIONS, FUNCTIONS, number
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology

#: Newton stops at a last step of 1e-6 of each voltage; it converges quadratically, so the error is far less.
OPERATING_POINT_OPTIONS = "reltol=1e-6 vntol=1e-9 abstol=1e-15 itl1=100 itl2=100 gmin=1e-15 pivtol=1e-30"
#: Time steps are sized so that charges of attocoulombs count (the default chgtol is 10 fC).
TRANSIENT_OPTIONS = (
    "reltol={relative} vntol={voltage} abstol=1e-15 itl1=100 itl2=100 itl4=50 gmin=1e-15 pivtol=1e-30 chgtol={charge}"
)


@dataclass(frozen=True)
class Transient:
    """A transient analysis from the operating point at time zero.

    Attributes:
        t_stop: end, s.
        max_step: longest step, s; a hundredth of `t_stop` if left out.
        tolerance: relative, of voltages, currents and the charges of a step (``reltol``; the others follow it).
        from_start: the voltages to start from are the state at time zero, and no operating point is sought.
    """

    t_stop: float
    max_step: float | None = None
    tolerance: float = 1e-6
    from_start: bool = False


@dataclass(frozen=True)
class Deck:
    """A deck and what its names mean.

    Attributes:
        text: the whole file.
        nodes: hierarchical node name -> ngspice's name for it, lower case (``v(...)`` in its results).
        sources: voltage source -> ngspice's name for it, lower case (``i(...)``).
    """

    text: str
    nodes: Mapping[str, str]
    sources: Mapping[str, str]


def safe_title(title: str) -> str:
    """`title` on one line of letters, digits, spaces and ``_.-``, at most 80 of them."""
    return " ".join(re.sub(r"[^A-Za-z0-9 _.-]", " ", str(title)).split())[:80]


def deck(
    cell: Cell,
    technology: Technology,
    drives: Mapping[str, Drive],
    deviations: Float[Array | np.ndarray, " fets"] | None = None,
    *,
    temperature: float = T_REFERENCE,
    start: Mapping[str, float] | None = None,
    transient: Transient | None = None,
    title: str = "",
) -> Deck:
    """Write one operating point, or one transient, of `cell`.

    Args:
        cell: the circuit; its sources are inside it.
        technology: its process.
        drives: value of every source by hierarchical name; times and values for a transient.
        deviations: threshold deviation of each transistor in the order of ``cell.fets()``, V.
        temperature: K.
        start: node voltages to start Newton from (``.nodeset``), V. With all of them within a few mV of the
            solution, ngspice needs a few iterations; without, it steps gmin, some thirty times longer. Or the state
            that a transient begins in: of every node that no source holds.
        transient: what to run instead of an operating point.
        title: free text for the first line.

    Raises:
        BadInput: a source without a value, a value without a source, a wave in an operating point,
            a number that is not finite, or the wrong number of deviations.
        OutOfDomain: a transistor outside the card's geometry.
    """
    count = sum(1 for _ in cell.fets())
    shifts = np.zeros(count) if deviations is None else np.asarray(deviations, float)
    if shifts.shape != (count,) or not np.isfinite(shifts).all():
        raise BadInput(
            "not the deviations of this circuit",
            where=f"cell {cell.name}: deviations",
            expected=f"{count} finite numbers",
            got=f"an array of shape {shifts.shape}" if shifts.shape != (count,) else "a NaN or infinity",
        )
    writer = Writer(technology, temperature, drives, charges=transient is not None)
    scope = Scope("", Names(RESERVED), iter([number(shift) for shift in shifts]), {})
    scope.name_nodes(cell, {})
    elements = writer.body(cell, scope)
    _check_all_used(drives, writer.driven, cell)
    if transient is not None and transient.from_start:
        beginning: Iterable[str] = initial_conditions(writer, scope, start or {}, shifts)
    else:
        beginning = _nodesets(start or {}, scope.inner)
    lines = [
        f"* anamorph: {safe_title(title)}",
        "* EKV transistors as behavioural subcircuits; the equations are those of anamorph.device.mosfet",
        *FUNCTIONS,
        *(CHARGE_FUNCTIONS if transient else ()),
        *writer.library,
        "* the circuit",
        *elements,
        *beginning,
        *(f".save v({name})" for name in scope.inner.values()),
        *(f".save i({name})" for name in writer.sources.values()),
        *_analysis(transient),
        ".end",
    ]
    return Deck("\n".join(lines) + "\n", scope.inner, writer.sources)


def _check_all_used(drives: Mapping[str, Drive], driven: Sequence[str], cell: Cell) -> None:
    for name in drives:
        if name not in driven:
            raise BadInput(f"no source '{name}' to drive", where=f"cell {cell.name}", advice=nearest(name, driven))


def _nodesets(start: Mapping[str, float], nodes: Mapping[str, str]) -> Iterator[str]:
    for name, voltage in start.items():
        if name not in nodes:
            raise BadInput(f"no node '{name}'", where="start", advice=nearest(name, nodes))
        yield f".nodeset v({nodes[name]})={number(finite(voltage, name))}"


def _analysis(transient: Transient | None) -> list[str]:
    if transient is None:
        return [f".options {OPERATING_POINT_OPTIONS}", ".op"]
    step = transient.max_step or transient.t_stop / 100
    if not (0 < step <= transient.t_stop and np.isfinite(transient.t_stop)):
        raise BadInput("impossible times", where="transient", got=f"t_stop {transient.t_stop}, max_step {step}")
    if not 0 < transient.tolerance < 1:
        raise BadInput("not a tolerance", where="transient", expected="0 to 1", got=f"{transient.tolerance:g}")
    times = " ".join(number(t) for t in (step, transient.t_stop, 0.0, step))
    limits = {"relative": 1.0, "voltage": 1e-3, "charge": 1e-14}
    options = TRANSIENT_OPTIONS.format(**{k: f"{transient.tolerance * v:.6g}" for k, v in limits.items()})
    return [f".options {options}", f".tran {times}{' uic' if transient.from_start else ''}"]
