"""Confidence interval of a fraction."""

from __future__ import annotations

from scipy.stats import binomtest

from anamorph.errors import BadInput


def wilson(n_passed: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion: lowest and highest value at `confidence`.

    Unlike the normal approximation it stays within 0..1 and has width when all, or none, pass
    (E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209).

    Raises:
        BadInput: nothing counted, more passed than counted, or a confidence outside 0..1.
    """
    if n < 1 or not 0 <= n_passed <= n:
        raise BadInput("not a fraction", where="yield", expected="0 to n of n, n at least 1", got=f"{n_passed} of {n}")
    if not 0 < confidence < 1:
        raise BadInput("not a confidence", where="confidence", expected="between 0 and 1", got=str(confidence))
    interval = binomtest(n_passed, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
