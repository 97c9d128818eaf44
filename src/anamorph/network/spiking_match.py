"""How a neuron's curve is the nominal one in other units: the two currents that make up for what can be made up for.

    curve(s x) / a  nearest to  nominal(x)

s: what the neuron is to be given, over what the nominal one is. a: what it then passes on, over the same.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

#: Factors on excitation that are tried. Where a table ends, it is constant beyond.
FACTORS = np.geomspace(0.02, 50.0, 200)
#: Excitations at which curves are compared, as many per decade from the threshold up; and what counts as silent.
POINTS, SILENT = np.geomspace(0.003, 1.0, 200), 1e-6

Table = Float[np.ndarray, " knots"]


def track(nominal: Table, corner: Table, x_max: float = 1.0, gain: bool = True) -> tuple[float, float]:
    """Factors s and a so that ``corner(s x) / a`` is nearest to ``nominal(x)`` for x up to 1; `corner` ends at `x_max`.

    Without `gain` a is 1: outputs are compared with each other, and nothing after them can make up for one.

    Returns:
        s and a, both NaN for a neuron that never spikes.
    """
    if corner.max() < SILENT:
        return float("nan"), float("nan")
    knots = np.linspace(0.0, x_max, len(corner))
    wanted = np.interp(POINTS, np.linspace(0.0, 1.0, len(nominal)), nominal)

    def parts(log_s: float) -> tuple[float, float]:
        """Squared distance and 1 / a, the best for this s."""
        got = np.interp(np.exp(log_s) * POINTS, knots, corner)
        norm = float(got @ got)
        over_a = (float(got @ wanted) / norm if gain else 1.0) if norm > 0 else 0.0
        return float(np.sum((over_a * got - wanted) ** 2)), over_a

    grid = np.log(FACTORS)
    best = grid[np.argmin([parts(float(log_s))[0] for log_s in grid])]
    step = grid[1] - grid[0]
    fine = minimize_scalar(lambda log_s: parts(log_s)[0], bounds=(best - step, best + step), method="bounded")
    s = float(np.asarray(fine.x))
    over_a = parts(s)[1]
    return (float(np.exp(s)), 1 / over_a) if over_a > 0 else (float("nan"), float("nan"))
