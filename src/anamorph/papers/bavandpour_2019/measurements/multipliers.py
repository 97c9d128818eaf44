"""Energy, area, time and precision of the published multipliers, by the cost model."""

from __future__ import annotations

from dataclasses import replace

from anamorph.papers.measure import Context, Findings, Measured
from anamorph.report.page import Figure
from anamorph.technology.memory import load_memory
from anamorph.vmm.block import BlockCost
from anamorph.vmm.compare import compare
from anamorph.vmm.compare_page import area_by_part, energy_against_time, energy_by_part
from anamorph.vmm.cost import block_cost
from anamorph.vmm.design import Design, cell, encoding
from anamorph.vmm.refusal import most_bits, refusal

#: Of Fig. 1c: the precision of the case studies and the size of the published multipliers; passive cells need less.
BITS, SIZES = 4, ((200, 200), (64, 64))


def measure(context: Context) -> Findings:
    """The multipliers of the abstracts, and the design space of Fig. 1."""
    memristor, nor = _cost("1t1r_active", "exp", 4, 200), _cost("2d_nor", "exp", 6, 256)
    nand, rescaling = _cost("3d_nand", "exp", 5, 200), _cost("3d_nand", "lin", 4, 500)
    values = {
        "time_1t1r": float(memristor.operations / memristor.interval),
        "precision_1t1r": float(most_bits(load_memory("1t1r"))),
        "efficiency_1t1r": 1 / float(memristor.energy_per_operation),
        "energy_nor": float(nor.energy_per_operation),
        "precision_nor": float(most_bits(load_memory("2d_nor"))),
        "area_nand": _per_byte(nand, 5),
        "energy_nand": float(nand.energy_per_operation),
        "precision_nand": float(most_bits(load_memory("3d_nand"))),
        "energy_nand_lin": float(rescaling.energy_per_operation),
        "area_nand_lin": _per_byte(rescaling, 4),
        "area_ratio_nand": _per_byte(nand, 5) / _per_byte(rescaling, 4),
        "energy_ratio_nand": float(nand.energy_per_operation / rescaling.energy_per_operation),
    }
    works = [point for point in compare(bits=[(BITS, BITS, BITS)], sizes=SIZES) if point.cost is not None]
    figures = tuple(
        _captioned(kind([p for p in works if (p.design.rows, p.design.columns) == size]), size)
        for size in SIZES for kind in (energy_against_time, energy_by_part, area_by_part)
    )  # fmt: skip
    claims = {name: Measured(value, basis="assumed") for name, value in values.items()}
    alone = float(memristor.operations / (memristor.energy["array"] + memristor.energy["integration"]))
    note = f"{alone / 1e15:.3g} POp/J without input and output circuits."
    claims["efficiency_1t1r"] = replace(claims["efficiency_1t1r"], note=note)
    return Findings(claims, {"Figure 1c": figures})


def _captioned(figure: Figure, size: tuple[int, int]) -> Figure:
    return replace(figure, caption=f"{size[0]} x {size[1]}, {BITS} bits. {figure.caption}")


def _cost(name: str, coded: str, bits: int, size: int) -> BlockCost:
    design = Design(cell(name), encoding(coded), bits, bits, bits, size, size)
    assert refusal(design) is None  # what is published works
    return block_cost(design)


def _per_byte(cost: BlockCost, bits: int) -> float:
    """m² per 8 bits of weights."""
    return float(cost.area_per_weight) * 8 / bits
