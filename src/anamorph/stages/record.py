"""Values of a run as JSON: declared by pydantic, arrays as nested lists, NaN as null, checked on reading."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from anamorph.errors import BadInput
from anamorph.run_folder import RunFolder

R = TypeVar("R", bound="Record")


def _numbers(value: Any, kind: type) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)  # null becomes NaN
    except (TypeError, ValueError):
        raise ValueError("not an array of numbers") from None
    if kind is int:
        if not np.all(array == np.round(array)) or np.abs(array).max(initial=0.0) > 2**31:
            raise ValueError("not an array of whole numbers")
        return array.astype(int)
    return array


def _lists(array: np.ndarray) -> Any:
    if np.issubdtype(array.dtype, np.integer):
        return array.tolist()
    boxed = array.astype(object)
    boxed[np.isnan(array)] = None
    return boxed.tolist()


Floats = Annotated[np.ndarray, BeforeValidator(lambda v: _numbers(v, float)), PlainSerializer(_lists)]
Integers = Annotated[np.ndarray, BeforeValidator(lambda v: _numbers(v, int)), PlainSerializer(_lists)]


class Record(BaseModel):
    """Base of what is written: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    def save(self, folder: RunFolder, name: str) -> None:
        """Write to the run folder, whole or not at all."""
        folder.write_json(name, self.model_dump())

    @classmethod
    def load(cls: type[R], folder: RunFolder, name: str) -> R:
        """Read what `save` wrote.

        Raises:
            BadInput: absent, cut short, or not such a record.
        """
        try:
            return cls.model_validate(folder.read_json(name))
        except ValidationError as errors:
            first = errors.errors()[0]
            raise BadInput(
                f"not what a run writes: {first['msg']}",
                where=f"{folder.path / name}: {'.'.join(map(str, first['loc']))}",
                advice="Remove the file to have it made again.",
            ) from None
