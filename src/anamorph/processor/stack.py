"""A stack of blocks: those that are summed on shared bit lines are one multiplier, as tall as all of them together.

Where blocks of a stack take turns (digital accumulation), its neurons are those of one block: switches cut the others
off. Their capacitance is left out, as that of the lines between blocks is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from anamorph.processor.designs import Designs
from anamorph.vmm.block import BlockCost

#: Parts of which a stack has one.
SHARED = ("integration", "conversion")
#: What `anamorph.vmm.cost.block_costs` is: cell, encoding, three precisions, rows, columns -> cost, over arrays.
Costs = Callable[..., BlockCost]


def stack_cost(designs: Designs, costs: Costs | None = None) -> BlockCost:
    """The cost of what multiplies at once in a stack of each design."""
    d = designs
    if costs is None:
        from anamorph.processor.components import library
        from anamorph.vmm.cost import block_costs

        costs = partial(block_costs, periphery=library(d.node))
    rows = d.block_rows * d.summed
    return costs(d.cell, d.encoder, d.input_bits, d.weight_bits, d.output_bits, rows, d.block_columns)


def stack_area(block: BlockCost, designs: Designs) -> dict[str, Float[np.ndarray, " designs"]]:
    """Area of a stack by part, m²: neurons once, the rest for every block."""
    times = designs.stack // designs.summed
    return {name: value * (1 if name in SHARED else times) for name, value in block.area.items()}


def planes_of(block: BlockCost, count: int) -> Int[np.ndarray, " designs"]:
    """Matrices that a block holds, of which one multiplies at a time."""
    return np.broadcast_to(np.asarray(block.planes).astype(np.int64), (count,))
