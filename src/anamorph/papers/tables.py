"""A paper's own tables, each cell paper beside ours.

In ``claims.toml``, after the claims:

    [[table]]
    place = "Table 1"
    columns = ["MNIST", "speech"]

    [[table.row]]
    label = "mean / best accuracy (%)"
    cells = [["mnist_mean", "mnist_best"], ["speech_mean", "speech_best"]]

A cell lists ids of claims, whose figures are shown with a slash between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from anamorph.errors import BadInput, nearest
from anamorph.refusals import translate

_Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class _RowTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: _Text
    cells: list[list[_Text]]


class _TableTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    place: _Text
    columns: list[_Text] = Field(min_length=1)
    row: list[_RowTable] = Field(min_length=1)


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper.

    Attributes:
        place: what the paper calls it.
        columns: headings; the first column of labels has none.
        rows: label, and for every column the ids of the claims in that cell.
    """

    place: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]


def parse(table: Mapping[str, Any], ids: set[str], where: str) -> PaperTable:
    """Check one ``[[table]]``.

    Raises:
        BadInput: unknown or missing keys, a row with another number of cells than columns, an id of no claim.
    """
    try:
        t = _TableTable.model_validate(table)
    except ValidationError as errors:
        raise translate(errors.errors(), where, _TableTable) from None
    for row in t.row:
        at = f"{where}, row {row.label!r}"
        if len(row.cells) != len(t.columns):
            raise BadInput("cells do not match the columns", where=at, expected=str(len(t.columns)),
                           got=str(len(row.cells)))  # fmt: skip
        for name in (name for cell in row.cells for name in cell):
            if name not in ids:
                raise BadInput(f"no claim has the id {name!r}", where=at, advice=nearest(name, sorted(ids)))
    rows = tuple((row.label, tuple(tuple(cell) for cell in row.cells)) for row in t.row)
    return PaperTable(t.place, tuple(t.columns), rows)
