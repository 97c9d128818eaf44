"""Many pieces of work of unequal length through a fixed number of lanes: who has finished makes room.

A compiled loop over a batch takes as many rounds as its longest member. So it is left after a number of rounds, results
of finished members are taken out, and new work moves in; the last few go on in a narrow batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

Case = TypeVar("Case")

#: Lanes of the narrow batch, and the amount of work that is worth compiling for it.
NARROW, WORTH = 16, 1000


def through_lanes(
    work: Int[np.ndarray, " work"],
    lanes: int,
    load: Callable[[Int[np.ndarray, " lanes"]], Case],
    advance: Callable[[Case], Case],
    running: Callable[[Case], Bool[np.ndarray, " lanes"]],
    harvest: Callable[[Case], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Results of every piece of `work`, each ``[work]`` in its order.

    Args:
        work: numbers that `load` knows.
        lanes: pieces in work at a time.
        load: a case of these pieces at their beginning; every leaf of its tree has the lanes on its last axis.
        advance: some rounds further.
        running: which lanes are not finished.
        harvest: what the lanes have to show.
    """
    results: dict[str, np.ndarray] = {}
    slot = np.arange(lanes)  # place in `work` of each lane's piece, -1 for none
    slot[len(work) :] = -1
    ahead = int((slot >= 0).sum())
    case = load(work[np.maximum(slot, 0)])
    while True:
        case = advance(case)
        finished = ~running(case) & (slot >= 0)
        if finished.any():
            for name, values in harvest(case).items():
                results.setdefault(name, np.empty(len(work), values.dtype))[slot[finished]] = values[finished]
        slot[finished] = -1
        if not (slot >= 0).any() and ahead >= len(work):
            return results
        free = np.flatnonzero(slot < 0)[: len(work) - ahead]
        if len(free):
            slot[free] = np.arange(ahead, ahead + len(free))
            ahead += len(free)
            fresh, mask = load(work[np.maximum(slot, 0)]), np.isin(np.arange(len(slot)), free)
            case = jax.tree.map(lambda new, old, mask=mask: jnp.where(mask, new, old), fresh, case)
        elif len(work) >= WORTH and len(slot) > NARROW and (slot >= 0).sum() <= NARROW:
            kept = np.argsort(slot < 0, kind="stable")[:NARROW]
            case = jax.tree.map(lambda x, kept=kept: x[..., kept], case)
            slot = slot[kept]
