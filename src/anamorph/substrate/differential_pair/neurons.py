"""Neurons of differential pairs as training sees them: a load, and the currents that it rests at."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.characterise.transfer import Rectifier
from anamorph.substrate.differential_pair.pairs import Load

#: Steps of the fit, and how far a step may change the logarithm of a current.
STEPS, FARTHEST = 30, 0.3


class PairNeurons(Rectifier):
    """Loads whose diodes carry `plus` and `minus` of a branch's current without a signal, one of either per neuron.

    Attributes:
        plus: ``[dies, n]``.
        minus: likewise.
    """

    plus: Float[Array, "dies n"]
    minus: Float[Array, "dies n"]

    def first(self, n: int) -> PairNeurons:
        """See `Rectifier.first`."""
        slope, spread, error = (one[:, :n] for one in (self.slope, self.spread, self.fit_error))
        return PairNeurons(slope, spread, error, self.domain, self.plus[:, :n], self.minus[:, :n])


def signal(load: Load, plus: Any, minus: Any, s: Any) -> Any:
    """u of a signal's current, against that of no signal."""
    return load.signal(plus + s, minus - s) - load.signal(plus, minus)


def resting(
    load: Load, s: Float[np.ndarray, "dies points n"], u: Float[np.ndarray, "dies points n"]
) -> tuple[Float[np.ndarray, "dies n"], Float[np.ndarray, "dies n"], Float[np.ndarray, "dies n"]]:
    """Currents at rest that make the best of measured points, and what is left over (rms, in units of full scale).

    Gauss-Newton in the logarithms of both currents; points that are not finite do not count.
    """
    good = np.isfinite(u)
    u = np.where(good, u, 0.0)

    def off(logs: np.ndarray) -> np.ndarray:
        plus, minus = np.exp(logs)[:, :, None]
        return np.where(good, np.asarray(signal(load, plus, minus, s)) - u, 0.0)

    logs = np.zeros((2, len(s), s.shape[-1]))
    for _ in range(STEPS):
        now, step = off(logs), 1e-4
        slopes = [(off(logs + step * np.eye(2)[k][:, None, None]) - now) / step for k in (0, 1)]
        a, b, c = ((slopes[i] * slopes[j]).sum(1) for i, j in ((0, 0), (0, 1), (1, 1)))
        p, q = ((one * now).sum(1) for one in slopes)
        a, c = a + 1e-3 * (a + c), c + 1e-3 * (a + c)  # damped: both currents alike hardly show at small signals
        det = a * c - b * b
        logs = logs - np.clip(np.stack([(c * p - b * q) / det, (a * q - b * p) / det]), -FARTHEST, FARTHEST)
        logs = np.clip(logs, -3.0, 1.5)
    left = np.sqrt((off(logs) ** 2).sum(1) / np.maximum(good.sum(1), 1))
    return np.exp(logs[0]), np.exp(logs[1]), left


def neurons(plus: np.ndarray, minus: np.ndarray, left: np.ndarray, domain: tuple[float, float]) -> PairNeurons:
    """With a slope of one and the fit's remainder."""
    held = (np.ones(plus.shape), np.zeros(plus.shape), left, plus, minus)
    ones, none, error, p, m = (jnp.asarray(one) for one in held)
    return PairNeurons(ones, none, error, domain, p, m)
