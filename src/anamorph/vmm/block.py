"""What a block of memory-cell multiplier takes: time, energy, area, as arrays over designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from anamorph.processor.components.component import Numbers

Array = Float[np.ndarray, "..."]
Costs = dict[str, Array]


@dataclass(frozen=True)
class Energy:
    """Energy of one part per vector, J: what it depends on, term by term.

    Attributes:
        fixed: of the whole block.
        row: per row that is used.
        column: per column that is used.
        row_data, cell_data: per row, and per row and column, with inputs at half of full scale; in proportion to them.
    """

    fixed: Numbers = 0.0
    row: Numbers = 0.0
    column: Numbers = 0.0
    row_data: Numbers = 0.0
    cell_data: Numbers = 0.0

    def of(self, rows: Numbers, columns: Numbers, inputs_mean: Numbers) -> Numbers:
        """With so many rows and columns in use."""
        data = np.asarray(inputs_mean) / 0.5
        return (
            self.fixed + rows * self.row + columns * self.column
            + data * (rows * self.row_data + rows * columns * self.cell_data)
        )  # fmt: skip


@dataclass(frozen=True)
class BlockCost:
    """Cost of a block; all numbers are arrays of one shape. Parts: array, input, integration, conversion (and tuning).

    Attributes:
        rows, columns: of the block.
        time: s per vector: input, integration and conversion.
        interval: s until the next vector may start.
        terms: energy per vector by part.
        leakage: W of an enabled block; a disabled one is power-gated.
        area: m² by part.
        cells: memory cells, of all planes.
        planes: matrices that share the periphery, one at a time.
        select_energy, select_time: to choose another plane, J and s.
        tuning_energy, tuning_time: to write all cells once, J and s.
        current: largest current of a cell, A.
        swing: largest swing of an output line, V.
        bounds: what bounds speed and precision -> where it does.
    """

    rows: Array
    columns: Array
    time: Array
    interval: Array
    terms: Mapping[str, Energy] = field(repr=False)
    leakage: Array
    area: Costs
    cells: Array
    planes: int
    select_energy: Array
    select_time: Array
    tuning_energy: Array
    tuning_time: Array
    current: Array
    swing: Array
    bounds: Mapping[str, Bool[np.ndarray, "..."] | bool | np.bool_] = field(repr=False)

    def energy_of(self, rows: Numbers, columns: Numbers, inputs_mean: Numbers = 0.5) -> Costs:
        """Energy per vector by part, J, where only some rows and columns are used and the others are off."""
        rows, columns = np.asarray(rows, float), np.asarray(columns, float)
        return {part: np.asarray(term.of(rows, columns, inputs_mean), float) for part, term in self.terms.items()}

    @property
    def energy(self) -> Costs:
        """Energy per vector by part, J, with all rows and columns, inputs and weights half of full scale on average."""
        return self.energy_of(self.rows, self.columns)

    @property
    def total_energy(self) -> Array:
        """Energy per vector, J."""
        return np.asarray(sum(self.energy.values()))

    @property
    def total_area(self) -> Array:
        """Area, m²."""
        return np.asarray(sum(self.area.values()))

    @property
    def operations(self) -> Array:
        """Per vector: a multiplication and an addition per weight."""
        return np.asarray(2.0 * self.rows * self.columns)

    @property
    def energy_per_operation(self) -> Array:
        """J."""
        return np.asarray(self.total_energy / self.operations)

    @property
    def area_per_weight(self) -> Array:
        """m², periphery and all planes counted."""
        return np.asarray(self.total_area / (self.rows * self.columns * self.planes))

    @property
    def limits(self) -> np.ndarray:
        """What bounds it, as text; of all that apply the first of each kind, joined."""
        text = np.full(np.shape(self.time), "", dtype=object)
        for reason, applies in self.bounds.items():
            here = np.broadcast_to(applies, text.shape)
            text = np.where(here, np.where(text == "", reason, text + "; " + reason), text)
        return text
