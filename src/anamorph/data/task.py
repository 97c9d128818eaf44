"""A classification task: what a network is trained and judged on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from anamorph.data import checks
from anamorph.errors import BadInput


@dataclass(frozen=True)
class Task:
    """Samples to train on and samples to judge by, checked once, when they come in.

    Attributes:
        name: for messages and reports.
        x_train: training samples, features from 0 to 1, ``[n, f]``. On a chip 1 is the full-scale current.
        y_train: their class indices, ``[n]``.
        x_test: test samples, ``[m, f]``. Training never looks at them.
        y_test: their class indices, ``[m]``.
        class_names: one name per class.
        source: where the data comes from.
        n_clipped: test values that lay outside the training range and were clipped to 0 or 1.
        warnings: what a result made with this task has to say.

    Raises:
        BadInput: NaN, a wrong shape, a feature outside 0..1, a label that names no class.
    """

    name: str
    x_train: Float[np.ndarray, "n f"] = field(repr=False)
    y_train: Int[np.ndarray, " n"] = field(repr=False)
    x_test: Float[np.ndarray, "m f"] = field(repr=False)
    y_test: Int[np.ndarray, " m"] = field(repr=False)
    class_names: tuple[str, ...]
    source: str
    n_clipped: int = 0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"task {self.name}"
        names = checks.class_names(self.class_names, f"{where}: class_names")
        object.__setattr__(self, "class_names", names)
        for part in ("train", "test"):
            x = checks.features(getattr(self, f"x_{part}"), f"{where}: x_{part}")
            y = checks.labels(getattr(self, f"y_{part}"), len(x), len(names), f"{where}: y_{part}")
            object.__setattr__(self, f"x_{part}", x)
            object.__setattr__(self, f"y_{part}", y)
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise BadInput(
                "training and test samples differ in features",
                where=where,
                expected=f"{self.x_train.shape[1]} (x_train)",
                got=f"{self.x_test.shape[1]} (x_test)",
            )

    @property
    def n_features(self) -> int:
        """Inputs that a network for this task needs."""
        return self.x_train.shape[1]

    @property
    def n_classes(self) -> int:
        """Outputs that a network for this task needs."""
        return len(self.class_names)
