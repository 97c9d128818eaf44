"""Which designs no other design beats in everything."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def front(values: Float[np.ndarray, "points criteria"]) -> Bool[np.ndarray, " points"]:
    """Points that no other exceeds in one criterion without falling behind in another; more is better.

    Of equal points all are kept. NaN is on no front. Takes points times front, not points squared.
    """
    chosen = np.zeros(len(values), bool)
    left = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(left):
        return chosen
    spread = np.ptp(values[left], axis=0)
    # who beats another in everything has the larger sum: going down the sums, the first that is left is on the front
    left = left[np.argsort(-(values[left] / np.where(spread > 0, spread, 1.0)).sum(axis=1), kind="stable")]
    while len(left):
        best = left[0]
        chosen[best] = True
        others = values[left[1:]]
        left = left[1:][~_beaten(others, values[best])]
    found = np.flatnonzero(chosen)
    for i in found:  # sums that are equal but for rounding may have been met in the wrong order
        chosen[found[_beaten(values[found], values[i])]] = False
    return chosen


def _beaten(others: Float[np.ndarray, "points criteria"], one: Float[np.ndarray, " criteria"]) -> np.ndarray:
    return np.asarray((others <= one).all(axis=1) & (others < one).any(axis=1))
