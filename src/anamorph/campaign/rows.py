"""What the points of one shard gave: named arrays with a leading axis of points, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anamorph.campaign.plan import Campaign, Point, check_name
from anamorph.errors import BadInput

#: Of a point that has not been computed.
NOT_COMPUTED = "not computed"
#: The variable that says why a point has no values.
FAILED = "failed"


@dataclass(frozen=True)
class Rows:
    """Results of consecutive points.

    Attributes:
        values: name -> array ``[points, ...]``; NaN where a point failed. Empty where all of them did.
        failed: why each point has no values, empty where it has, ``[points]``.
    """

    values: dict[str, np.ndarray]
    failed: np.ndarray

    @property
    def layout(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> (type, shape of one point). All points of a campaign must agree on it."""
        return {name: (array.dtype.str, array.shape[1:]) for name, array in sorted(self.values.items())}


def row(result: Any, point: Point) -> dict[str, np.ndarray]:
    """What a point's work returned, as arrays that can hold NaN.

    Floats and complex numbers keep their type, float16 aside. Whole numbers and booleans become the smallest float
    that holds their type (int8, int16 and booleans: float32; others: float64), so that the type of a result does not
    depend on whether some point failed.

    Raises:
        BadInput: not a mapping of names to numbers, or a whole number that a float cannot hold.
    """
    where = f"result of {point}"
    if not isinstance(result, Mapping) or not result:
        raise BadInput("a point's work returns named arrays", where=where, got=f"{type(result).__name__}")
    arrays = {str(name): _numbers(name, value, where) for name, value in result.items()}
    taken = set(point.values) | {FAILED}
    for name, array in arrays.items():
        clash = taken & {name, *dims(name, array.ndim)}
        if clash:
            raise BadInput(f"the name '{clash.pop()}' is taken", where=where, advice="Give the result another name.")
    return arrays


def dims(name: str, n: int) -> tuple[str, ...]:
    """Names of a result's own dimensions."""
    return tuple(f"{name}_{i}" for i in range(n))


def _numbers(name: Any, value: Any, where: str) -> np.ndarray:
    check_name(name, "result")
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise BadInput(f"'{name}' is not made of numbers", where=where, got=str(array.dtype))
    held = array.astype(np.promote_types(array.dtype, np.float32))
    if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > 2**53:
        raise BadInput(f"'{name}' has whole numbers that a float cannot hold", where=where, expected="2**53 at most")
    return held


def stack(rows: Sequence[dict[str, np.ndarray] | None], failed: Sequence[str], campaign: Campaign, first: int) -> Rows:
    """Rows of consecutive points, from `first` on, as one.

    Raises:
        BadInput: points that do not agree on names, types or shapes.
    """
    good = [(i, arrays) for i, arrays in enumerate(rows) if arrays is not None]
    texts = np.array(failed, dtype=np.str_)
    if not good:
        return Rows({}, texts)
    model = good[0][1]
    values = {name: np.full((len(rows), *a.shape), np.nan, a.dtype) for name, a in model.items()}
    for i, arrays in good:
        if {n: (a.dtype, a.shape) for n, a in arrays.items()} != {n: (a.dtype, a.shape) for n, a in model.items()}:
            raise disagreement(campaign, first + i, first + good[0][0])
        for name, array in arrays.items():
            values[name][i] = array
    return Rows(values, texts)


def disagreement(campaign: Campaign, index: int, other: int) -> BadInput:
    """Of two points whose results cannot stand in one table."""
    return BadInput(
        "points differ in the names, types or shapes of their results",
        where=f"campaign '{campaign.name}'",
        got=f"{Point(campaign, index)} unlike {Point(campaign, other)}",
    )
