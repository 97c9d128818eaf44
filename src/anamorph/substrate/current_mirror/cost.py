"""Area and static power of a programmed mirror chip; energy and latency come from its transient (`dynamics.py`)."""

from __future__ import annotations

import numpy as np

from anamorph.circuit.netlist import Cell
from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.substrate.contract import Response
from anamorph.technology import Technology


def cost_sheet(technology: Technology, chip: Cell, response: Response) -> CostSheet:
    """Area of all transistors with their share of spacing, and supply power over the patterns of a response."""
    fets = [fet for _, fet in chip.fets()]
    area = sum(technology.fet_area(fet) for fet in fets)
    gates = sum(fet.w * fet.l * fet.m for fet in fets)
    bases = [technology.figures["process"][k].basis for k in ("device_pitch", "device_margin")]
    basis = "assumed" if "assumed" in bases else bases[0]
    power = technology.v_dd * np.asarray(response.supply_current)[np.asarray(response.converged)]
    count = float(len(fets))
    lines = [
        CostLine("area", area, "m^2", gates, 2 * area, basis,
                 "transistors of the netlist with the card's spacing; low: gates alone, high: routing doubles it"),
        CostLine("transistors", count, "", count, count, "simulated", "netlist"),
    ]  # fmt: skip
    if power.size:
        lines.append(
            CostLine("static_power", float(power.mean()), "W", float(power.min()), float(power.max()),
                     "simulated", "V_DD times the supply current at the operating points", power.size)
        )  # fmt: skip
    return CostSheet(tuple(lines))
