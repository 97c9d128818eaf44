"""Time to output as a power law of what is known of an input before it is shown.

    ln t = a + sum_k b_k f_k,   f_0 = ln(total input current)

A node of capacitance C whose conductance goes with its current settles in a time that goes with C / I (weak inversion:
g = I / n U_T), so b_0 is near -1 and the others say how the current is passed on and how clear the answer is. The law
is fitted to some decisions by least squares; the *reserve*, which is added to ln t, is the quantile of what the law
leaves over on other decisions (split conformal prediction, Lei et al. 2018), so that a new input
is final in time with that probability, whatever the law's shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from anamorph.errors import BadInput

#: Decisions for each coefficient below which a fit says nothing.
DECISIONS_PER_COEFFICIENT = 4


@dataclass(frozen=True)
class Law:
    """A fitted law.

    Attributes:
        names: of the features; the first is the logarithm of the total input current.
        coefficients: exponent of each.
        offset: ln(s) where all features are zero.
        residual: root mean square of what is left over in ln t.
        explained: share of the variance of ln t that the law explains.
        n: decisions that it was fitted to.
    """

    names: tuple[str, ...]
    coefficients: Float[np.ndarray, " features"]
    offset: float
    residual: float
    explained: float
    n: int

    @property
    def exponent(self) -> float:
        """How fast time falls with the input current: ``t ~ I^-exponent``."""
        return -float(self.coefficients[0])

    def log_time(self, features: Float[np.ndarray, "patterns features"]) -> Float[np.ndarray, " patterns"]:
        """Logarithm of the typical time to output (in s)."""
        return self.offset + features @ self.coefficients


def fit_law(
    names: tuple[str, ...],
    features: Float[np.ndarray, "patterns features"],
    times: Float[np.ndarray, " patterns"],
    earliest: float,
) -> Law:
    """Least squares over the patterns that were decided later than `earliest`.

    A feature that is the same for all patterns gets no exponent. Patterns whose answer did not change have no time
    to speak of, and undecided ones none at all: both are left out here, and counted by `reserve`.

    Args:
        names: of the features.
        features: of every pattern.
        times: to output, s; NaN where undecided.
        earliest: s.

    Raises:
        BadInput: too few decisions for so many features, or features that are not finite.
    """
    if not np.isfinite(features).all():
        raise BadInput("a feature that is not finite", where="presentation")
    used = np.isfinite(times) & (np.nan_to_num(times) > earliest)
    needed = DECISIONS_PER_COEFFICIENT * (len(names) + 1)
    if used.sum() < needed:
        raise BadInput(
            "too few decisions to fit the time to output", where="presentation", expected=f"{needed} or more",
            got=f"{int(used.sum())} of {len(times)} patterns changed the answer and were decided",
            advice="Take more patterns.",
        )  # fmt: skip
    y, x = np.log(times[used]), features[used]
    middle = x.mean(axis=0)
    coefficients = np.linalg.lstsq(x - middle, y - y.mean(), rcond=1e-9)[0]
    left = y - y.mean() - (x - middle) @ coefficients
    variance = float(y.var())
    explained = 1 - float(left.var()) / variance if variance > 0 else 0.0
    offset = float(y.mean() - middle @ coefficients)
    return Law(names, coefficients, offset, float(left.std()), explained, int(used.sum()))


def reserve(
    left: Float[np.ndarray, " patterns"],
    quantile: float,
) -> tuple[float, float]:
    """What to add to a predicted ln t so that `quantile` of new patterns are final in time.

    Args:
        left: ``ln t`` minus the prediction, of patterns that the law was not fitted to.
        quantile: between 0 and 1.

    Returns:
        The reserve, and the quantile that so many patterns support: n of them support n / (n + 1) at most, where the
        reserve is the largest that was seen.

    Raises:
        BadInput: no pattern, or a quantile that is none.
    """
    n = len(left)
    if not n:
        raise BadInput("no decision to calibrate with", where="presentation", advice="Take more patterns.")
    if not 0 < quantile < 1:
        raise BadInput("not a quantile", where="quantile", expected="between 0 and 1", got=f"{quantile:g}")
    rank = min(math.ceil((n + 1) * quantile), n)
    return float(np.sort(left)[rank - 1]), min(quantile, n / (n + 1))
