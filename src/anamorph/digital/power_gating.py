"""What it takes to run logic in bursts when inputs come slowly: FIFOs before and after it, and a switched supply.

`depth` operands are collected in a FIFO, then multiplied at the logic's own fast clock, then the supply is switched
off until the next are there. Deeper FIFOs wake the logic less often, and leak more:

    P(f) = E_cycle f + P_leak [f/f_burst + r (1 - f/f_burst)] + E_wake f/depth + E_fifo f + P_fifo

with r the share of the leakage that the switch lets through and ``E_wake = C V_DD^2/2`` to charge the half of all
nodes that are high. The FIFOs stay on. Assumed: r, that one word of a FIFO is clocked at a time, and that it is read
through a tree of multiplexers, each taken as an XOR gate, which has as many transistors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.digital.cell_figures import gate_figures
from anamorph.digital.power import LogicPower, Reals
from anamorph.errors import BadInput, OutOfDomain
from anamorph.technology import Technology

#: Leakage that a sleep transistor lets through, of the leakage of the logic behind it (assumed).
RESIDUAL = 0.02


@dataclass(frozen=True)
class Fifo:
    """A FIFO's figures: energy of one word written and read, J; leakage, W; transistors."""

    energy: float
    leakage: float
    transistors: int


def fifo(depth: int, width: int, technology: Technology) -> Fifo:
    """A FIFO of `depth` words of `width` bits, each bit changing every other time.

    Raises:
        BadInput: less than one word or bit; a card without sizes of logic.
    """
    if depth < 1 or width < 1:
        raise BadInput("not a FIFO", expected="one word of one bit or more", got=f"{depth} words of {width} bits")
    figures, v_dd = gate_figures(technology), technology.v_dd
    wire = technology.require("digital")["wire_capacitance"]
    register, mux = figures["register"], figures["xor2"]
    stages = (depth - 1).bit_length()
    written = register.capacitance["clk"] + 0.25 * (register.capacitance["d"] + register.capacitance["q"] + 2 * wire)
    read = 0.25 * stages * (mux.capacitance["a"] + mux.capacitance["y"] + wire)
    leakage = depth * float(register.leakage.mean()) + (depth - 1) * float(mux.leakage.mean())
    return Fifo(v_dd**2 * width * (written + read), width * leakage, width * (24 * depth + 12 * (depth - 1)))


@dataclass(frozen=True)
class GatedPower:
    """Parts of the power of gated logic at each frequency, W, ``[*frequencies]``."""

    switching: Reals
    leakage: Reals
    wake: Reals
    fifo: Reals

    @property
    def total(self) -> Reals:
        """Sum of the parts, W."""
        return self.switching + self.leakage + self.wake + self.fifo


def gated_power(
    logic: LogicPower,
    technology: Technology,
    frequency: Reals,
    *,
    depth: int,
    width: int,
    residual: float = RESIDUAL,
) -> GatedPower:
    """Power of `logic` behind FIFOs of `depth` words of `width` bits, at rates of operands (Hz).

    Raises:
        BadInput: not a FIFO, or a residual share that is none.
        OutOfDomain: a rate beyond what the logic manages in bursts.
    """
    if not 0 <= residual <= 1:
        raise BadInput("not a share", where="residual", expected="0 to 1", got=str(residual))
    f = np.asarray(frequency, float)
    if not ((f > 0) & (f <= logic.f_max)).all():
        raise OutOfDomain(
            "not a rate of operands", where=logic.name, expected=f"above zero, {logic.f_max:.3g} Hz at most"
        )
    store = fifo(depth, width, technology)
    on = f / logic.f_max
    return GatedPower(
        switching=(logic.dynamic_energy + logic.clock_energy) * f,
        leakage=logic.leakage * (on + residual * (1 - on)),
        wake=0.5 * logic.switched_capacitance * technology.v_dd**2 * f / depth,
        fifo=store.energy * f + store.leakage,
    )
