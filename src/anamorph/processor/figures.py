"""The figures of a network on one processor, each with its unit and its basis, as a result holds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anamorph.processor.components import library
from anamorph.processor.evaluate import Evaluation
from anamorph.technology.memory import load_memory

#: Weakest first; a figure is as good as its weakest part.
WEAKEST = ("assumed", "calibrated", "scaled", "derived", "simulated", "published", "measured")
#: 1 MB/mm² in B/m², and 1/mm² in 1/m².
MEGABYTE_PER_MM2, PER_MM2 = 1e12, 1e6


def metrics(found: Evaluation, index: int = 0) -> dict[str, dict[str, Any]]:
    """Name -> value, unit, low, high, basis, n, of one design.

    The estimates are sums of many figures, most of which are assumed; `low` and `high` are therefore left open.
    """
    basis = basis_of(found)
    one = {
        "energy_efficiency": (found.efficiency[index], "Op/J"),
        "throughput": (found.throughput[index], "Op/s"),
        "area_efficiency": (found.area_efficiency[index] / MEGABYTE_PER_MM2, "MB/mm²"),
        "area": (found.chip_area[index], "m^2"),
        "energy_per_inference": (found.energy_per_inference[index], "J"),
        "energy_per_operation": (1 / found.efficiency[index], "J"),
        "latency": (found.latency[index], "s"),
        "inferences_per_second": (1 / found.period[index], "Hz"),
        "power": (found.energy_per_inference[index] / found.period[index], "W"),
        "weights_per_area": (found.capacity[index] / found.chip_area[index] / PER_MM2, "1/mm²"),
        "utilisation": (found.utilisation[index], "%"),
    }
    counts = {
        "blocks": int(found.place.stacks[index] * found.designs.stack[index]),
        "blocks_needed": int(found.place.needed[index] * found.designs.stack[index]),
        "planes": int(found.block.planes),
        "operations": found.operations,
    }
    entries = {name: _entry(value, unit, basis) for name, (value, unit) in one.items()}
    entries |= {name: _entry(value, "", "simulated") for name, value in counts.items()}
    entries["memory"] = _entry(found.memory_bits[index] / 8, "B", "simulated")
    return entries


def _entry(value: float | int, unit: str, basis: str) -> dict[str, Any]:
    return {"value": float(value), "unit": unit, "low": None, "high": None, "basis": basis, "n": 1}


def basis_of(found: Evaluation) -> str:
    """The weakest basis of the figures that went in: of the memory's card and of the components."""
    card = load_memory(found.designs.cell.memory)
    of_memory = (figure.basis for section in card.figures.values() for figure in section.values())
    of_parts = (part.basis for part in library(found.designs.node).components)
    return weakest([*of_memory, *of_parts])


def weakest(bases: Iterable[str]) -> str:
    """The weakest of some bases."""
    known = set(bases)
    return next((b for b in WEAKEST if b in known), "assumed")


def breakdown(found: Evaluation, index: int = 0) -> dict[str, dict[str, float]]:
    """Energy (J), area (m²) and time (s) by component, of one design; as Bavandpour et al. 2019, Fig. 2d.

    Time is that of an inference, one layer at a time: of products, by what their rounds wait for, and of passes of the
    auxiliary unit.
    """
    p, q = found.columns.products, found.columns.passes
    bus = bus_bound(found)[:, index : index + 1]
    of_product = p.times * found.products.duration[:, index : index + 1]
    time = {
        "multiplication": float((of_product * ~bus).sum()),
        "movement": float((of_product * bus).sum()),
        "auxiliary unit": float((q.times * found.passes.duration[:, index : index + 1]).sum()),
    }
    return {
        "energy": {name: float(value[index]) for name, value in found.energy.items()},
        "area": {name: float(value[index]) for name, value in found.area.items()},
        "time": time,
    }


def bus_bound(found: Evaluation) -> Any:
    """Whether the rounds of a product wait for the bus rather than for the blocks, ``[products, designs]``."""
    p, where = found.columns.products, found.place
    blocks = p.steps * (found.products.rounds * found.block.interval + found.products.chosen * found.block.select_time)
    return found.products.bus > where.turns * blocks
