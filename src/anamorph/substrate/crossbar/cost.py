"""What a chip of multipliers takes: the sum of its blocks as `anamorph.vmm.cost` has them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.technology.memory import load_memory
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.cost import block_cost

SOURCE = "blocks of anamorph.vmm.cost, one per weight matrix, one after the other; docs/vmm.md has what is assumed"


def latency(multipliers: tuple[Vmm, ...]) -> float:
    """From the inputs to the last layer's numbers, s."""
    return sum(float(block_cost(made.design).time) for made in multipliers)


def supply_current(
    multipliers: tuple[Vmm, ...], inputs_mean: Float[np.ndarray, "layers dies programs patterns"]
) -> Float[np.ndarray, "dies programs patterns"]:
    """Mean current over one inference, A, with so large inputs of every multiplier, in units of their full scale."""
    energy = np.zeros(inputs_mean.shape[1:])
    for made, mean in zip(multipliers, inputs_mean, strict=True):
        block = block_cost(made.design)
        energy = energy + sum(block.energy_of(made.design.rows, made.design.columns, mean).values())
        energy = energy + float(block.leakage) * latency(multipliers)
    v_dd = load_memory(multipliers[0].design.cell.memory).value("lines", "v_dd")
    return energy / (v_dd * latency(multipliers))


def cost_sheet(multipliers: tuple[Vmm, ...], power: Float[np.ndarray, "..."]) -> CostSheet:
    """Lines of a chip whose power over its answers is `power`, W."""
    area = sum(float(np.sum(block_cost(made.design).total_area)) for made in multipliers)
    time = latency(multipliers)
    low, high = float(power.min()), float(power.max())
    mean = min(max(float(power.mean()), low), high)
    return CostSheet((
        CostLine("energy_per_inference", mean * time, "J", low * time, high * time, "assumed", SOURCE, int(power.size)),
        CostLine("power", mean, "W", low, high, "assumed", SOURCE, int(power.size)),
        CostLine("latency", time, "s", time, time, "assumed", SOURCE),
        CostLine("area", area, "m^2", area, area, "assumed", SOURCE),
    ))  # fmt: skip
