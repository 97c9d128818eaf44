"""Handwritten digits of 8 x 8 pixels, as scikit-learn ships them: the task that needs no download.

1,797 images (E. Alpaydin, C. Kaynak 1998), split at random. Prepared like `mnist14`: each image is scaled so that
its 64 pixels have the mean 0.04 of the full-scale current.
"""

from __future__ import annotations

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from sklearn.datasets import load_digits

from anamorph.data.checks import first_of, scale_to_mean
from anamorph.data.task import Task

CLASSES = tuple("0123456789")
SOURCE = (
    "E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI; the copy distributed with scikit-learn"
)


def digits(key: PRNGKeyArray, train: int | None = None, test: int | None = None, *, mean: float = 0.04) -> Task:
    """The task with a random split drawn from `key`.

    Args:
        key: of the split.
        train: how many of the samples that do not test; all without it.
        test: samples kept for the test, of 1,797; 360 without it.
        mean: of the 64 values of each image, as a fraction of the full-scale current.

    Raises:
        BadInput: a split that leaves nothing to train on or to test with; a mean that makes no sense.
    """
    x, y = (np.asarray(part) for part in load_digits(return_X_y=True))
    n_test = first_of(360 if test is None else test, len(x) - 2, "digits: test")
    order = np.asarray(jax.random.permutation(key, len(x)))
    rest = order[n_test:]
    chosen = rest[: first_of(train, len(rest), "digits: train")]
    scaled, _ = scale_to_mean(x / 16.0, mean, "digits")
    x_test, n_clipped = scale_to_mean(x[order[:n_test]] / 16.0, mean, "digits: x_test")
    return Task(
        name="digits", x_train=scaled[chosen], y_train=y[chosen], x_test=x_test, y_test=y[order[:n_test]],
        class_names=CLASSES, source=SOURCE, n_clipped=n_clipped,
    )  # fmt: skip
