"""Checks of data that comes from outside: shapes, NaN, ranges, labels. Each refusal names what and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from anamorph.errors import BadInput


def features(values: ArrayLike, where: str) -> Float[np.ndarray, "n f"]:
    """`values` as a read-only float array ``[samples, features]``, each finite and in 0..1.

    Args:
        values: anything that numpy reads as a matrix of numbers.
        where: what the user calls it, for the message.

    Raises:
        BadInput: not numbers, not a matrix, empty, NaN or infinite, or outside 0..1.
    """
    matrix = _numbers(values, where)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise BadInput(
            "features are not a matrix",
            where=where,
            expected="[samples, features], neither empty",
            got=f"shape {matrix.shape}",
        )
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise BadInput(
            "a feature is not a finite number",
            where=f"{where}: sample {row}, feature {column}",
            got=f"{matrix[row, column]} ({np.sum(~np.isfinite(matrix))} such values)",
            advice="Fill in or leave out samples with missing values.",
        )
    if matrix.min() < 0 or matrix.max() > 1:
        raise BadInput(
            "features are outside their range",
            where=where,
            expected="values from 0 to 1 (they become input currents, 0 to full scale)",
            got=f"{matrix.min():.4g} to {matrix.max():.4g}",
            advice="Scale each feature by the smallest and largest value of the training set.",
        )
    return _read_only(matrix)


def labels(values: ArrayLike, n_samples: int, n_classes: int, where: str) -> Int[np.ndarray, " n"]:
    """`values` as a read-only int array ``[samples]`` of class indices.

    Raises:
        BadInput: not whole numbers, not one per sample, or outside 0 to `n_classes` - 1.
    """
    vector = _numbers(values, where)
    if vector.shape != (n_samples,):
        raise BadInput(
            "labels and samples differ in number",
            where=where,
            expected=f"shape ({n_samples},)",
            got=f"shape {vector.shape}",
        )
    if not np.array_equal(vector, np.round(vector)):
        wrong = vector[vector != np.round(vector)][0]
        raise BadInput("a label is not a whole number", where=where, got=f"{wrong}")
    outside = (vector < 0) | (vector >= n_classes)
    if outside.any():
        raise BadInput(
            "a label names no class",
            where=f"{where}: sample {np.argmax(outside)}",
            expected=f"0 to {n_classes - 1}",
            got=f"{int(vector[outside][0])}",
        )
    return _read_only(vector.astype(np.int64))


def class_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """`names` as a tuple of at least two different texts.

    Raises:
        BadInput: fewer than two, or one twice.
    """
    names = tuple(str(name) for name in names)
    if len(names) < 2 or len(set(names)) < len(names):
        raise BadInput(
            "class names do not name a choice",
            where=where,
            expected="two or more different names",
            got=repr(names),
        )
    return names


def first_of(count: int | None, available: int, where: str) -> int:
    """How many samples are used: `count`, or all that there are.

    Raises:
        BadInput: fewer than one, or more than there are.
    """
    if count is None:
        return available
    if not 1 <= count <= available:
        raise BadInput("no such number of samples", where=where, expected=f"1 to {available}", got=str(count))
    return count


def scale_to_mean(values: Float[np.ndarray, "n f"], mean: float, where: str) -> tuple[Float[np.ndarray, "n f"], int]:
    """Each sample times a factor of its own, so that its features have the mean `mean`; cut at 1.

    Args:
        values: samples, none negative.
        mean: as a fraction of the full-scale current.
        where: for messages.

    Returns:
        The scaled samples, and how many values were above 1 and are 1 now.

    Raises:
        BadInput: a mean outside 0..1, a sample that is zero everywhere.
    """
    if not 0 < mean < 1:
        raise BadInput("no such mean", where=where, expected="more than 0 and less than 1", got=f"{mean}")
    means = values.mean(axis=1, keepdims=True)
    if not (means > 0).all():
        raise BadInput(
            "a sample is zero everywhere", where=f"{where}: sample {np.argmin(means > 0)}",
            expected="something that can be scaled to a mean",
        )  # fmt: skip
    scaled = values * (mean / means)
    n_clipped = int(np.sum(scaled > 1))
    return np.minimum(scaled, 1.0), n_clipped


def _numbers(values: ArrayLike, where: str) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput("not an array of numbers", where=where, got=str(error)) from None


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
