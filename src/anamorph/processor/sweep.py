"""A network on many processors, and the front of those that no other beats in energy, throughput and area efficiency.

Stopped at any time, what was evaluated until then is the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from anamorph.processor.arrays import columns_of
from anamorph.processor.design import Processor
from anamorph.processor.designs import Designs
from anamorph.processor.evaluate import Evaluation, evaluate
from anamorph.processor.figures import MEGABYTE_PER_MM2
from anamorph.processor.grid import BOTH, Grid
from anamorph.processor.layers import Plan
from anamorph.processor.pareto import front
from anamorph.vmm.refusal import refusals

#: Designs evaluated at once: arrays of layers times this fit a processor's cache.
BATCH = 1024
#: What is judged, more being better, with its unit.
CRITERIA = {"energy_efficiency": "Op/J", "throughput": "Op/s", "area_efficiency": "MB/mm²"}
#: What is told beside it.
BESIDE = {"area": "m^2", "latency": "s", "energy_per_inference": "J", "utilisation": "%", "blocks": ""}


@dataclass(frozen=True)
class Sweep:
    """Designs and their figures.

    Attributes:
        plan: of the network.
        grid: of parameters.
        number: of each evaluated design in the grid.
        figures: name -> value of each, NaN where a design cannot work.
        refused: reasons -> how many designs cannot work for it.
        front: designs that no other beats.
        asked: how many designs were to be evaluated.
    """

    plan: Plan
    grid: Grid
    number: Int[np.ndarray, " points"]
    figures: dict[str, Float[np.ndarray, " points"]]
    refused: dict[str, int]
    front: Bool[np.ndarray, " points"]
    asked: int

    @property
    def complete(self) -> bool:
        """Whether all designs were evaluated."""
        return len(self.number) == self.asked

    def processor(self, index: int | np.integer) -> Processor:
        """The design of a point."""
        ((_, one),) = self.grid.batches(self.number[index : index + 1], 1)
        return one.one(0)

    def row(self, index: int | np.integer) -> dict[str, Any]:
        """A point as plain values: what was varied, and its figures."""
        varied = self.processor(index).as_json()
        names = {one for name in self.grid.values for one in BOTH.get(name, (name,))} | {"encoding"}
        return {name: varied[name] for name in varied if name in names} | {
            name: float(values[index]) for name, values in self.figures.items()
        }


def sweep(
    plan: Plan,
    grid: Grid,
    points: int | None = None,
    seed: int = 0,
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> Sweep:
    """Evaluate a network on the designs of a grid.

    Args:
        plan: layers of the network.
        grid: designs.
        points: so many of them, drawn at random; None for all.
        seed: of that draw.
        watch: told how many designs of how many are done; may raise KeyboardInterrupt.
    """
    chosen = np.arange(len(grid))
    if points is not None and points < len(grid):
        chosen = np.sort(np.random.default_rng(seed).choice(len(grid), points, replace=False))
    columns = {flag: columns_of(plan, merge=True, pipelined=flag) for flag in (False, True)}
    done: list[tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]] = []
    try:
        for number, designs in grid.batches(chosen, BATCH):
            found = evaluate(columns[designs.pipelined], designs)
            reasons = _reasons(designs, found)
            figures = {name: np.where(reasons == "", value, np.nan) for name, value in _figures(found).items()}
            done.append((number, figures, reasons))  # a batch is there or not, whenever the user stops
            watch(sum(len(one) for one, _, _ in done), len(chosen))
    except KeyboardInterrupt:
        if not done:
            raise
    kept = {name: np.concatenate([figures[name] for _, figures, _ in done]) for name in (*CRITERIA, *BESIDE)}
    texts, counts = np.unique(np.concatenate([reasons for _, _, reasons in done]).astype(str), return_counts=True)
    refused = {str(text): int(n) for text, n in zip(texts, counts, strict=True) if text}
    judged = np.stack([kept[name] for name in CRITERIA], axis=1)
    return Sweep(plan, grid, np.concatenate([one for one, _, _ in done]), kept, refused, front(judged), len(chosen))


def _reasons(designs: Designs, found: Evaluation) -> np.ndarray:
    """Why each design is left out; empty for those that work."""
    d = designs
    reasons = refusals(d.cell, d.encoder, d.input_bits, d.weight_bits, d.output_bits, d.block_rows * d.summed,
                       d.block_columns)  # fmt: skip
    return np.where((reasons == "") & ~found.works, "the network is larger than the chip", reasons)


def _figures(found: Evaluation) -> dict[str, np.ndarray]:
    return {
        "energy_efficiency": found.efficiency, "throughput": found.throughput,
        "area_efficiency": found.area_efficiency / MEGABYTE_PER_MM2, "area": found.chip_area,
        "latency": found.latency, "energy_per_inference": found.energy_per_inference,
        "utilisation": found.utilisation, "blocks": found.place.stacks * found.designs.stack * 1.0,
    }  # fmt: skip
