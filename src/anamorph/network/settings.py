"""How a network is trained: every hyper-parameter, its default and its legal range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anamorph.errors import BadInput


@dataclass(frozen=True)
class TrainingSettings:
    """Hyper-parameters of `anamorph.network.train`. Defaults were tuned on Iris 4-7-3; see `train`.

    Attributes:
        epochs: passes over the training set.
        learning_rate: of Adam at the start; it falls to zero along a half cosine.
        warmup: part of the steps over which the learning rate first rises from zero.
        l1_negative: penalty on the sum of the magnitudes of negative weights, which slow a circuit down.
        target: output wanted for the right class (0 for the others), in units of a full-scale input.
        init: weights start uniform in ``(init_bias +- 1) init / sqrt(n_in)``.
        init_bias: see `init`; a positive mean keeps rectifiers from starting, and staying, silent.
        restarts: independent starts per chip; the lowest training loss is kept.
        batch_size: samples per step; None for the whole training set.
        mismatch: how much the weights of each step deviate, in units of what the substrate expects of its
            process (`Substrate.weight_spread`): 1 trains for all dies at once, 0 for one without deviations.

    Raises:
        BadInput: out of range.
    """

    epochs: int = 600
    learning_rate: float = 0.06
    l1_negative: float = 1e-6
    target: float = 3.0
    init: float = 0.5
    init_bias: float = 0.75
    restarts: int = 4
    batch_size: int | None = None
    mismatch: float = 0.0
    warmup: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "restarts"):
            _check(name, getattr(self, name), whole=True)
        if self.batch_size is not None:
            _check("batch_size", self.batch_size, whole=True)
        for name in ("learning_rate", "target", "init"):
            _check(name, getattr(self, name))
        for name in ("l1_negative", "init_bias", "mismatch", "warmup"):
            _check(name, getattr(self, name), zero=True)


def _check(name: str, value: int | float, *, whole: bool = False, zero: bool = False) -> None:
    least = "at least 1" if whole else "not negative" if zero else "above 0"
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise BadInput(
            "not a training setting",
            where=f"training: {name}",
            expected=f"a {'whole ' if whole else ''}number, {least}",
            got=repr(value),
        )
