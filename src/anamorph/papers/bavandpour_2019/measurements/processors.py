"""The three networks on processors of the three memories, and on the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from anamorph.papers.bavandpour_2019.measurements._figures import breakdowns, efficiencies
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.processor.capacity import on, require
from anamorph.processor.design import Processor
from anamorph.processor.evaluate import Evaluation
from anamorph.processor.layers import Plan, plan
from anamorph.processor.workloads import load

NETWORKS = ("inception_v1", "resnet_152", "gnmt_1024")
MEMORIES = ("2d_nor", "1t1r", "3d_nand")
#: With the multipliers of the abstracts, each block with its own periphery.
ACORTEX_2019 = Processor("3d_nand", "exp", 5, 5, 5, 200, 200, stack=1)
ACORTEX_2021 = Processor("3d_nand", "lin", 4, 4, 4, 500, 500, stack=1)
#: Blocks that take turns with one periphery, for the claim on sharing.
SHARED = 16
Found = Mapping[tuple[str, str], Evaluation]


def measure(context: Context) -> Findings:
    """Orderings, the largest processor, published figures; Fig. 2c and 2d."""
    plans = {name: plan(load(name)) for name in NETWORKS}
    found = {(m, n): _on(plans[n], Processor(m)) for m in MEMORIES for n in NETWORKS}
    context.tell("3D-aCortex")
    claims = _orderings(found) | _published(plans, found) | {"same_on_largest": _on_largest(plans, found)}
    measured = {name: Measured(value, basis="assumed") for name, value in claims.items()}
    return Findings(measured, {"Figure 2c": efficiencies(found), "Figure 2d": breakdowns(found)})


def _on(layers: Plan, processor: Processor) -> Evaluation:
    found = on(layers, processor)
    require(layers, processor, found)
    return found


def _area(e: Evaluation) -> float:
    """Storage in bits per m²: the unit of claims in MB/mm² has bits for its base."""
    return 8 * float(e.area_efficiency[0])


def _energy(e: Evaluation) -> float:
    return float(e.efficiency[0])


def _rate(e: Evaluation) -> float:
    return float(e.throughput[0])


def _orderings(found: Found) -> dict[str, float]:
    rates = {key: _rate(e) for key, e in found.items()}
    times = {m: float(found[m, NETWORKS[0]].block.time.reshape(-1)[0]) for m in MEMORIES}
    return {
        "area_nand_over_1t1r": min(_area(found["3d_nand", n]) / _area(found["1t1r", n]) for n in NETWORKS),
        "area_1t1r_over_nor": min(_area(found["1t1r", n]) / _area(found["2d_nor", n]) for n in NETWORKS),
        "energy_1t1r_over_nor": min(_energy(found["1t1r", n]) / _energy(found["2d_nor", n]) for n in NETWORKS),
        "energy_nor_over_nand": min(_energy(found["2d_nor", n]) / _energy(found["3d_nand", n]) for n in NETWORKS),
        "vmm_nor_fastest": min(times["1t1r"], times["3d_nand"]) / times["2d_nor"],
        "throughput_small_nor": _first(rates, "2d_nor", "inception_v1"),
        "throughput_1t1r": _first(rates, "1t1r", "gnmt_1024"),
        "throughput_large_nand": min(rates["3d_nand", n] for n in NETWORKS[1:]) / rates["3d_nand", NETWORKS[0]],
    }


def _first(rates: Mapping[tuple[str, str], float], memory: str, network: str) -> float:
    """Of one memory over the best of the others."""
    return rates[memory, network] / max(rates[m, network] for m in MEMORIES if m != memory)


def _on_largest(plans: Mapping[str, Plan], found: Found) -> float:
    """Efficiency of the smallest network on the chip that holds the largest, over that on its own chip."""
    ratios = []
    for memory in MEMORIES:
        large, small = found[memory, "gnmt_1024"], found[memory, "inception_v1"]
        blocks = int(large.place.stacks[0] * large.designs.stack[0])
        room = int(max(large.memory_bits[0], small.memory_bits[0])) // 8 + 1
        there = _on(plans["inception_v1"], Processor(memory, blocks=blocks, edram_bytes=room))
        ratios.append(_energy(there) / _energy(small))
    return min(ratios, key=lambda ratio: -abs(ratio - 1))


def _published(plans: Mapping[str, Plan], found: Found) -> dict[str, float]:
    first, second = ({n: _on(plans[n], p) for n in NETWORKS} for p in (ACORTEX_2019, ACORTEX_2021))
    nor = {n: found["2d_nor", n] for n in NETWORKS}
    turns = replace(ACORTEX_2019, stack=SHARED, accumulation="digital")
    shared = _on(plans["gnmt_1024"], turns)
    names = {"nor_inception": "inception_v1", "nor_resnet": "resnet_152", "nor_gnmt": "gnmt_1024"}
    return {name: _energy(nor[network]) for name, network in names.items()} | {
        "nor_throughput": max(map(_rate, nor.values())),
        "nor_storage": _area(nor["gnmt_1024"]),
        "nand_storage": _area(first["gnmt_1024"]),
        "nand_efficiency": max(map(_energy, first.values())),
        "nand_throughput": max(map(_rate, first.values())),
        "nand_sharing": _area(shared) / _area(first["gnmt_1024"]),
        "nand_2021_storage": _area(second["gnmt_1024"]),
        "nand_2021_efficiency": max(map(_energy, second.values())),
        "nand_2021_throughput": max(map(_rate, second.values())),
    }
