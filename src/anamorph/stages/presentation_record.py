"""What `anamorph presentation` writes: laws and policies as JSON."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.presentation.law import Law
from anamorph.stages.record import Floats, Record


class LawRecord(Record):
    """A fitted law, its reserve in ln t, and what it predicts of the test samples beside what they took (s)."""

    names: tuple[str, ...]
    coefficients: Floats
    offset: float
    residual: float
    explained: float
    n: int
    reserve: float
    predicted: Floats
    measured: Floats

    @classmethod
    def of(
        cls,
        law: Law,
        reserve: float,
        predicted: Float[np.ndarray, " patterns"],
        measured: Float[np.ndarray, " patterns"],
    ) -> LawRecord:
        """From a law, its reserve and its test."""
        return cls(
            names=law.names, coefficients=law.coefficients, offset=law.offset, residual=law.residual,
            explained=law.explained, n=law.n, reserve=reserve, predicted=predicted, measured=measured,
        )  # fmt: skip


class PolicyRecord(Record):
    """One policy on the test samples.

    `time` (s) and `energy` (J) are means per inference, `longest` the longest time that any sample gets (s), `saved`
    the share of the fixed presentation's energy. `accuracy` counts answers that are final and right, with its 95 %
    interval; `lost` and `gained` are answers that the fixed presentation has right and this policy has not, and the
    reverse.
    """

    time: float
    longest: float
    energy: float
    saved: float
    accuracy: float
    low: float
    high: float
    final: float
    lost: int
    gained: int
    n: int


class PresentationRecord(Record):
    """The whole study: what was fitted, what was calibrated with `n_held` decisions, and every policy by name."""

    presentation: float
    quantile: float
    n_fitted: int
    n_held: int
    laws: dict[str, LawRecord]
    policies: dict[str, PolicyRecord]
    warnings: tuple[str, ...] = ()
