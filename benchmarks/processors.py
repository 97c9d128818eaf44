"""ResNet-152 on one processor and on 100,000: the closed form, beside the schedule tile by tile and round by round.

`python benchmarks/processors.py` prints the figures alone.
"""

from __future__ import annotations

import json
import time

from anamorph.processor.arrays import columns_of
from anamorph.processor.capacity import on
from anamorph.processor.design import Processor
from anamorph.processor.grid import Grid
from anamorph.processor.layers import plan
from anamorph.processor.schedule import build
from anamorph.processor.sweep import sweep
from anamorph.processor.totals import totals
from anamorph.processor.workloads import load

DESIGNS = 100_000
#: 1.3 million combinations, of which as many are drawn.
VALUES = {
    "memory": ("2d_nor", "1t1r", "3d_nand"), "bits": (2, 3, 4, 5, 6), "block_rows": tuple(range(64, 513, 32)),
    "block_columns": tuple(range(64, 513, 32)), "stack": (1, 2, 4, 8), "copies": (1, 2, 4, 8, 16),
    "bus_bits": (64, 128, 256, 512), "aux_lanes": (32, 64, 128, 256),
}  # fmt: skip


def measure(designs: int = DESIGNS) -> dict[str, float]:
    """Seconds for one design from the network on, for its schedule with totals, and for many designs."""
    network = load("resnet_152")
    on(plan(network), Processor())  # cards and components are read once
    times = []
    for _ in range(5):
        began = time.perf_counter()
        closed = on(plan(network), Processor())
        times.append(time.perf_counter() - began)
    layers = plan(network)
    began = time.perf_counter()
    summed = totals(build(layers, Processor()))
    schedule = time.perf_counter() - began
    columns_of(layers, merge=True)
    began = time.perf_counter()
    found = sweep(layers, Grid(Processor(), VALUES), designs)
    many = time.perf_counter() - began
    return {
        "one": min(times), "schedule": schedule, "many": many, "designs": float(len(found.number)),
        "off": abs(float(closed.latency[0]) / summed.latency - 1),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
