"""A stack of blocks as one multiplier: what shares bit lines and neurons is as tall as all its blocks together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Int

from anamorph.processor.designs import Designs
from anamorph.vmm.block import BlockCost

#: What `anamorph.vmm.cost.block_costs` is: cell, encoding, three precisions, rows, columns -> cost, over arrays.
Costs = Callable[..., BlockCost]


def stack_cost(designs: Designs, costs: Costs | None = None) -> BlockCost:
    """The cost of a stack of each design."""
    d = designs
    if costs is None:
        from anamorph.processor.components import library
        from anamorph.vmm.cost import block_costs

        costs = partial(block_costs, periphery=library(d.node))
    return costs(d.cell, d.encoder, d.input_bits, d.weight_bits, d.output_bits, d.block_rows * d.stack, d.block_columns)


def planes_of(block: BlockCost, count: int) -> Int[np.ndarray, " designs"]:
    """Matrices that a block holds, of which one multiplies at a time."""
    return np.broadcast_to(np.asarray(block.planes).astype(np.int64), (count,))
