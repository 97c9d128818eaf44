"""What a lab could see of chips: a table of readings with its units, saved as netCDF or read from a bench's CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from anamorph.errors import BadInput

#: What each reading's coordinates mean; a bench's CSV has these columns.
COORDINATES = {
    "kind": "slope: one path of full positive weights; negative: a second source through a negative weight",
    "layer": "layer of the measured neuron, 0 for inputs",
    "neuron": "measured neuron",
    "repeat": "number of the choice of source and monitor",
    "source": "neuron before the measured one, -1 where the bench drives it directly",
    "monitor": "neuron after the measured one, -1 where the bench reads it directly",
    "partner": "second source, -1 where there is none",
    "setting": "setting of the partner's synapse, 0 when switched off",
    "input_current": "current into each driven input neuron, A",
}
#: Name of the optional readings of a probe at the measured neuron: the current into it (A), and for a negative
#: reading the current into it without the second source. With them ``output_current`` is probed as well.
PROBED = "probed_current"
#: Readings of single synapses, one pair per weight matrix: current of the synapse and of its source (A), and the
#: coordinate of their settings.
SYNAPSE_READINGS, SINGLE = ("synapse_current", "source_current"), "synapse_setting"
#: A bench's file larger than this is not read.
MAX_CSV_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Characterisation:
    """Readings of one or more chips.

    Attributes:
        data: `xarray.Dataset` with ``output_current`` (A) and ``converged`` on ``(die, reading)`` and the
            coordinates of `COORDINATES` on ``reading``. Readings without an answer are NaN and marked.
    """

    data: xr.Dataset

    @classmethod
    def of(
        cls,
        coordinates: dict[str, np.ndarray],
        output_current: np.ndarray,
        converged: np.ndarray,
        probed_current: np.ndarray | None = None,
    ) -> Characterisation:
        """Label readings. Arrays of ``[readings]`` and ``[dies, readings]``."""
        where = {name: ("reading", values, {"long_name": COORDINATES[name]}) for name, values in coordinates.items()}
        variables = {
            "output_current": (("die", "reading"), output_current, {"units": "A"}),
            "converged": (("die", "reading"), converged, {}),
        }
        if probed_current is not None:
            variables[PROBED] = (("die", "reading"), probed_current, {"units": "A"})
        return cls(xr.Dataset(variables, coords=where))

    def with_setting(self, positive: int) -> Characterisation:
        """The same, with the setting of the positive synapses on record."""
        return Characterisation(self.data.assign_attrs(positive_setting=positive))

    def with_mark(self, mark: str) -> Characterisation:
        """The same, with a mark of the chips that were measured on record."""
        return Characterisation(self.data.assign_attrs(chips=mark))

    @property
    def mark(self) -> str:
        """What tells the chips that were measured from others; empty where it is not on record."""
        return str(self.data.attrs.get("chips", ""))

    def positive_setting(self, default: int) -> int:
        """Setting of the positive synapses that were measured through; `default` where it is not on record."""
        return int(self.data.attrs.get("positive_setting", default))

    @property
    def probed(self) -> bool:
        """Whether every neuron had a probe."""
        return PROBED in self.data

    def with_synapses(
        self, settings: tuple[int, ...], matrices: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> Characterisation:
        """The same, with readings of single synapses.

        Args:
            settings: at which every synapse was read.
            matrices: of each weight matrix the currents of the synapses and of their sources (A),
                ``[dies, settings, n_in, n_out]``; a negative setting's current is what it took away.
        """
        found = {}
        for index, pair in enumerate(matrices):
            axes = ("die", SINGLE, f"source_{index}", f"target_{index}")
            found |= {f"{n}_{index}": (axes, v, {"units": "A"}) for n, v in zip(SYNAPSE_READINGS, pair, strict=True)}
        return Characterisation(self.data.assign(found).assign_coords({SINGLE: list(settings)}))

    def synapses(self) -> tuple[tuple[int, ...], list[tuple[np.ndarray, np.ndarray]]]:
        """What `with_synapses` was given; no settings and no matrices where synapses were not read."""
        if SINGLE not in self.data.coords:
            return (), []
        matrices, index = [], 0
        while all(f"{name}_{index}" in self.data for name in SYNAPSE_READINGS):
            first, second = (self.data[f"{name}_{index}"].values for name in SYNAPSE_READINGS)
            matrices.append((first, second))
            index += 1
        return tuple(int(s) for s in self.data[SINGLE].values), matrices

    @property
    def n_dies(self) -> int:
        """How many chips were measured."""
        return self.data.sizes["die"]

    def save(self, path: Path) -> None:
        """Write netCDF under a temporary name, then rename."""
        temporary = path.with_name(f".{path.name}.part")
        self.data.assign(converged=self.data["converged"].astype("int8")).to_netcdf(temporary, engine="h5netcdf")
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Characterisation:
        """Read what `save` wrote.

        Raises:
            BadInput: no such file, cut short, or not a characterisation.
        """
        if not path.is_file():
            raise BadInput("no characterisation", where=str(path))
        try:
            with xr.open_dataset(path, engine="h5netcdf") as stored:
                data = stored.load()
        except (OSError, ValueError, KeyError) as error:
            raise BadInput(f"not a readable netCDF file ({error})", where=str(path), advice="Measure again.") from None
        missing = [n for n in (*COORDINATES, "output_current", "converged") if n not in data.variables]
        if missing:
            raise BadInput(f"not a characterisation: no '{missing[0]}'", where=str(path))
        return cls(data.assign(converged=data["converged"].astype(bool)))

    @classmethod
    def from_csv(cls, path: Path) -> Characterisation:
        """Read a bench's table of one chip: a header with `COORDINATES` and ``output_current``, SI units.

        Raises:
            BadInput: missing or unknown columns, a field that is not a number, NaN, an empty file.
        """
        if not path.is_file():
            raise BadInput("no such file", where=str(path))
        if path.stat().st_size > MAX_CSV_BYTES:
            raise BadInput("file too large", where=str(path), expected=f"at most {MAX_CSV_BYTES} bytes")
        columns = (*COORDINATES, "output_current")
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                rows = _rows(csv.DictReader(stream), columns, str(path))
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInput(f"not a table of text ({error})", where=str(path)) from None
        if not rows:
            raise BadInput("no readings", where=str(path))
        table = {name: np.array([row[name] for row in rows]) for name in columns}
        output = table.pop("output_current")[None]
        return cls.of(table, output, np.ones(output.shape, bool))


def _rows(reader: csv.DictReader, columns: tuple[str, ...], where: str) -> list[dict[str, str | int | float]]:
    header = tuple(reader.fieldnames or ())
    if sorted(header) != sorted(columns):
        raise BadInput("wrong columns", where=where, expected=", ".join(columns), got=", ".join(header))
    return [_row(row, f"{where}: line {reader.line_num}") for row in reader]


def _row(row: dict[str, str], where: str) -> dict[str, str | int | float]:
    if None in row:  # where DictReader puts what lies beyond the last column
        raise BadInput("more fields than columns", where=where)
    read: dict[str, str | int | float] = {"kind": str(row["kind"])}
    if read["kind"] not in ("slope", "negative"):
        raise BadInput("unknown kind", where=where, expected="slope or negative", got=repr(row["kind"]))
    for name in (*COORDINATES, "output_current"):
        if name == "kind":
            continue
        whole = name not in ("input_current", "output_current")
        try:
            value = int(row[name]) if whole else float(row[name])
        except (TypeError, ValueError):
            expected = "a whole number" if whole else "a number in A"
            raise BadInput(f"bad {name}", where=where, expected=expected, got=repr(row[name])) from None
        if not np.isfinite(value):
            raise BadInput(f"{name} is not finite", where=where, got=repr(row[name]))
        read[name] = value
    return read
