"""What stands in for a measured activation: a polynomial, a generalised logistic function, a straight line.

Soupizet et al. 2023 train through the logistic function (eq. 17), whose slope is bounded, and infer through a
polynomial of 12th order, which follows the curve. Both say how well they fit: r^2 = 1 - (sum of squared residuals) /
(sum of squared deviations from the mean). `anamorph.characterise.activation.Activation` needs neither: its spline
passes through every point and can be differentiated, so that one function serves for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Polynomial
from scipy.optimize import least_squares

from anamorph.errors import BadInput

#: Order of the polynomial in the paper.
ORDER = 12
Points = Float[np.ndarray, " points"]


def r_squared(y: Points, fitted: Points) -> float:
    """Share of the variance of `y` that the fit explains; negative where the mean would be nearer."""
    return 1.0 - float(np.sum((y - fitted) ** 2) / np.sum((y - y.mean()) ** 2))


@dataclass(frozen=True)
class PolynomialFit:
    """A polynomial over its domain, constant beyond the ends.

    Attributes:
        polynomial: in the domain's own scaled variable, without which order 12 is lost in rounding.
        r_squared: over the points it was fitted to.
    """

    polynomial: Polynomial
    r_squared: float

    def __call__(self, x: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """Value at x."""
        low, high = self.polynomial.domain
        return np.asarray(self.polynomial(np.clip(x, low, high)))


@dataclass(frozen=True)
class LogisticFit:
    """``A + (K - A) / (C + Q exp(-B x))^(1/nu)``, eq. 17.

    Attributes:
        a: lower asymptote.
        k: upper asymptote, where `c` is 1.
        b: rate of growth.
        c: see the equation.
        q: see the equation.
        nu: which asymptote the largest slope is nearer to.
        r_squared: over the points it was fitted to.
    """

    a: float
    k: float
    b: float
    c: float
    q: float
    nu: float
    r_squared: float

    def __call__(self, x: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """Value at x."""
        return _logistic((self.a, self.k, self.b, self.c, self.q, self.nu), x)


@dataclass(frozen=True)
class LinearFit:
    """``slope x + intercept`` from `low` to `high`.

    Attributes:
        slope: in the units of the points.
        intercept: at x = 0, which lies outside the range.
        low: smallest x that was fitted.
        high: largest.
        r_squared: over the points it was fitted to.
        mean_deviation: mean of |line - curve| / |curve| where the curve is not zero, the paper's measure of linearity.
    """

    slope: float
    intercept: float
    low: float
    high: float
    r_squared: float
    mean_deviation: float

    def __call__(self, x: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
        """Value at x."""
        return self.slope * x + self.intercept


def fit_polynomial(x: Points, y: Points, order: int = ORDER) -> PolynomialFit:
    """Least squares.

    Raises:
        BadInput: fewer points than coefficients.
    """
    if len(x) <= order + 1:
        raise BadInput("too few points", where=f"polynomial of order {order}", expected=f"over {order + 1}",
                       got=str(len(x)))  # fmt: skip
    found = Polynomial.fit(x, y, order)
    return PolynomialFit(found, r_squared(y, found(x)))


def fit_logistic(x: Points, y: Points) -> LogisticFit:
    """Least squares from several starts, of which the best counts.

    ``C`` and ``Q`` share a factor with ``K - A``: many sets of parameters are one function; read none alone.

    Raises:
        BadInput: fewer points than parameters.
    """
    if len(x) < 7:
        raise BadInput("too few points", where="logistic function", expected="7 or more", got=str(len(x)))
    span = x[-1] - x[0]
    bounds = ((-np.inf, -np.inf, 1e-6 / span, 1e-3, 1e-6, 0.05), (np.inf, np.inf, 1e3 / span, 1e3, 1e3, 20.0))
    best = None
    for rate in (2.0, 6.0, 20.0):
        for nu in (0.3, 1.0, 3.0):
            start = (y.min() - 0.1, y.max(), rate / span, 1.0, 1.0, nu)
            found = least_squares(lambda p: _logistic(p, x) - y, start, max_nfev=2000, bounds=bounds)
            if best is None or found.cost < best.cost:
                best = found
    assert best is not None  # nine starts were tried
    a, k, b, c, q, nu = (float(p) for p in best.x)
    return LogisticFit(a, k, b, c, q, nu, r_squared(y, _logistic(best.x, x)))


def fit_line(x: Points, y: Points, low: float, high: float = np.inf) -> LinearFit:
    """Least squares over the points from `low` to `high`.

    Raises:
        BadInput: fewer than three points in the range.
    """
    inside = (x >= low) & (x <= high)
    if inside.sum() < 3:
        raise BadInput("too few points", where=f"line from {low:g} to {high:g}", expected="3 or more",
                       got=str(int(inside.sum())))  # fmt: skip
    x, y = x[inside], y[inside]
    slope, intercept = np.polyfit(x - x.mean(), y, 1)
    intercept -= slope * x.mean()
    line = slope * x + intercept
    off = y != 0
    deviation = float(np.mean(np.abs(line - y)[off] / np.abs(y)[off])) if off.any() else float("nan")
    return LinearFit(float(slope), float(intercept), float(x[0]), float(x[-1]), r_squared(y, line), deviation)


def widest_line(x: Points, y: Points, r_squared_min: float = 0.99) -> LinearFit | None:
    """The line that reaches down furthest from the last point with at least this r^2; None where none does.

    All ranges are tried, since r^2 need not fall steadily as a range grows.
    """
    for low in x[:-2]:
        found = fit_line(x, y, float(low))
        if found.r_squared >= r_squared_min:
            return found
    return None


def _logistic(p: tuple[float, ...] | Points, x: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    a, k, b, c, q, nu = p
    return a + (k - a) / (c + q * np.exp(np.clip(-b * x, -700, 700))) ** (1 / nu)
