"""Sizes of a differential-pair neuron for a bias current, on a card.

A load diode in weak inversion has the conductance that a branch has as transconductance, and so a gain of one. Two
things end that: at currents near the one that it carries with gate and source together a diode is a resistor, and
beyond a tenth of its specific current it leaves weak inversion. Between the two it is made as narrow as it may, since
its capacitance is the neuron's. Tail transistors are no load to anybody, and are made long enough to turn small
currents down.
"""

from __future__ import annotations

import math
from dataclasses import replace

from anamorph.cell.differential_pair import UM, DifferentialPair, Size
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.errors import OutOfDomain
from anamorph.technology import Technology

#: Least current over the current at zero V_GS.
HEADROOM = 40.0
#: Inversion coefficient (current over specific current) that a load should have at most.
INVERSION = 0.05
#: Shortest channels, m: DIBL of shorter ones takes gain from loads and truth from mirrors.
L_LOAD, L_TAIL = 0.26 * UM, 1.0 * UM
#: Effective W/L that a load needs not go below for narrowness' sake.
COMPACT = 0.11
#: Effective W/L stays within these.
SQUARES_LOAD, SQUARES_TAIL = (0.03, 10.0), (0.006, 10.0)
#: Tail currents for which this makes sense, A.
LOWEST, HIGHEST = 1e-12, 1e-5


def sized(technology: Technology, bias: float, design: DifferentialPair) -> DifferentialPair:
    """`design` with its load and tail made for a tail current of `bias` per synapse.

    Raises:
        OutOfDomain: a current for which there is no such size.
    """
    if not LOWEST <= bias <= HIGHEST:
        expected = f"{LOWEST:g} to {HIGHEST:g} A"
        raise OutOfDomain("not a bias current", where="bias", expected=expected, got=f"{bias:g} A")
    specific, off = _currents(technology, "pfet")
    branch = bias / 2
    load = _within(min(max(branch / (INVERSION * specific), COMPACT), branch / (HEADROOM * off)), SQUARES_LOAD)
    _, off = _currents(technology, "nfet")
    tail = _within(bias / sum(design.tail_units) / (HEADROOM * off), SQUARES_TAIL)
    return replace(
        design,
        load=_size(technology, "pfet", load, L_LOAD, design.load[0]),
        tail=_size(technology, "nfet", tail, L_TAIL, design.tail[0]),
    )


def _currents(technology: Technology, section: str) -> tuple[float, float]:
    """Specific current of a square device, and its current at zero V_GS, A."""
    card = {key: figure.value for key, figure in technology.figures[section].items()}
    thermal = card["slope_factor"] * float(thermal_voltage(T_REFERENCE))
    return card["i_spec_square"], card["i_spec_square"] * math.exp(-card["v_t_long"] / thermal)


def _within(square: float, limits: tuple[float, float]) -> float:
    return min(max(square, limits[0]), limits[1])


def _size(technology: Technology, section: str, square: float, shortest: float, narrowest: float) -> Size:
    """W and L of an effective W/L: as narrow as `narrowest`, or as short as `shortest`."""
    delta_w, delta_l = (technology.value(section, key) for key in ("delta_w", "delta_l"))
    length = (narrowest - delta_w) / square + delta_l
    if length >= shortest:
        return narrowest, length
    return square * (shortest - delta_l) + delta_w, shortest
