"""What the paper says of encodings and cells, as ratios of costs."""

from __future__ import annotations

from anamorph.papers.measure import Context, Findings, Measured
from anamorph.vmm.block import BlockCost
from anamorph.vmm.cost import block_cost
from anamorph.vmm.design import Design, cell, encoding


def measure(context: Context) -> Findings:
    """Ratios that the paper's sentences put above one."""
    nor = {e: float(_cost("2d_nor", e, 4, 200).time) for e in ("ins", "lin", "exp")}
    active = {e: _held(_cost("1t1r_active", e, 4, 64)) for e in ("lin", "exp")}
    passive = {e: _cost("1t1r_passive", e, 4, 64) for e in ("ins", "lin", "exp")}
    amplifiers = {e: float(cost.energy["integration"]) for e, cost in passive.items()}
    ratios = {
        "ins_fastest": min(nor["lin"], nor["exp"]) / nor["ins"],
        "exp_slowest": _input_time("exp", 8) / _input_time("lin", 8),
        "lin_switching": _lines("lin") / _lines("exp"),
        "passive_periphery": min(_held(passive[e]) / active[e] for e in active),
        "passive_pulses": min(amplifiers["lin"], amplifiers["exp"]) / amplifiers["ins"],
        "exp_capacitors": _integration_area("exp") / _integration_area("lin"),
    }
    return Findings({name: Measured(ratio, basis="assumed") for name, ratio in ratios.items()})


def _cost(name: str, coded: str, bits: int, size: int) -> BlockCost:
    return block_cost(Design(cell(name), encoding(coded), bits, bits, bits, size, size))


def _held(cost: BlockCost) -> float:
    """Energy of cells, lines and what integrates, J: with active cells the line is the capacitor."""
    return float(cost.energy["array"] + cost.energy["integration"])


def _input_time(coded: str, bits: int) -> float:
    """Time of the input alone, s: a product less one with the conversion of the output taken out."""
    cost = _cost("1t1r_active", coded, bits, 200)
    return float(cost.time) - 2.0**bits * 1e-9


def _lines(coded: str) -> float:
    """Energy of pulses on the input lines, J."""
    terms = _cost("3d_nand", coded, 4, 200).terms["array"]
    return float(terms.row) + float(terms.row_data)


def _integration_area(coded: str) -> float:
    return float(_cost("1t1r_passive", coded, 6, 64).area["integration"])
