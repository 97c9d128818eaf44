"""What is known of a spiking neuron and of a synapse: f_spike against i_ex, and current against f_spike.

Both are plain records of figures on a grid, from a transient characterisation or from a file. The two energies
of a spike are different quantities: the papers divide the RMS of the supply power by f_spike (E_eff of Soupizet et al.
2023, section IV.B), a battery delivers the mean power divided by f_spike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from anamorph import units
from anamorph.errors import BadInput, nearest

#: A curve in a larger file, or of more points, is not a curve.
MAX_CSV_BYTES, MAX_CSV_ROWS = 8 * 1024**2, 200_000

Points = Float[np.ndarray, " points"]
Grid = Float[np.ndarray, "samples points"]


class Activity(IntEnum):
    """What a neuron does at a current: three different answers, of which only one has a frequency."""

    SILENT = 0  # rests: the current is below threshold
    SPIKING = 1
    STOPPED = 2  # rests, and has spiked at a lower current: the current is too large


@dataclass(frozen=True)
class FrequencyCurve:
    """f_spike of a neuron against its excitation current.

    Attributes:
        i_ex: excitation currents, strictly increasing, A.
        f_spike: spikes a second, Hz; zero where `state` is not spiking.
        state: values of `Activity`.
        power_rms: root mean square of the supply's power, W; NaN where unknown.
        power_mean: mean of the supply's power, W; NaN where unknown. What the excitation current brings is not in it.
        converged: whether period and power had settled. Figures of a point that has not are not to be used.
        v_dd: supply, V; NaN where unknown.
        temperature: K; NaN where unknown.
        source: where the curve comes from.
    """

    i_ex: Points
    f_spike: Grid
    state: Int[np.ndarray, "samples points"]
    power_rms: Grid
    power_mean: Grid
    converged: Bool[np.ndarray, "samples points"]
    v_dd: float
    temperature: float
    source: str

    def __post_init__(self) -> None:
        _check_axis(self.i_ex, "i_ex")
        if not np.isin(self.state, list(Activity)).all():
            raise BadInput("unknown activity", where="state", expected="0 (silent), 1 (spiking) or 2 (stopped)")

    @property
    def spiking(self) -> Bool[np.ndarray, "samples points"]:
        """Where there is a frequency to speak of."""
        return (self.state == Activity.SPIKING) & self.converged

    @property
    def energy_per_spike_rms(self) -> Grid:
        """RMS power over f_spike, the papers' E_eff, J; NaN where nothing spikes."""
        return self._per_spike(self.power_rms)

    @property
    def energy_per_spike_mean(self) -> Grid:
        """Mean power over f_spike: what the supply delivers from spike to spike, J; NaN where nothing spikes."""
        return self._per_spike(self.power_mean)

    def _per_spike(self, power: Grid) -> Grid:
        return np.where(self.spiking, power / np.where(self.f_spike > 0, self.f_spike, np.nan), np.nan)

    @classmethod
    def from_csv(
        cls, path: Path, *, current: str | None = None, frequency: str | None = None,
        current_unit: str = "A", frequency_unit: str = "Hz", v_dd: float = float("nan"),
        temperature: float = float("nan"), source: str | None = None,
    ) -> FrequencyCurve:  # fmt: skip
        """Read a measured or simulated curve: a text file of columns with one line of names.

        Columns are separated by commas, semicolons, tabs or spaces.

        Args:
            path: the file.
            current: name of the column of currents; the first column if left out.
            frequency: name of the column of frequencies; the second column if left out.
            current_unit: unit of the currents, such as "pA".
            frequency_unit: unit of the frequencies, such as "kHz".
            v_dd: supply of the curve, V.
            temperature: of the curve, K.
            source: where the curve comes from; the file's name if left out.

        Raises:
            BadInput: no such file, too large a file, no such column, something that is not a finite number,
                currents that do not increase or are not positive, negative frequencies.
        """
        i, f = _columns(path, (current, frequency))
        where = str(path)
        i = i * units.parse(f"1 {current_unit}", "A", where=f"{where}: current_unit")
        f = f * units.parse(f"1 {frequency_unit}", "Hz", where=f"{where}: frequency_unit")
        _check_axis(i, where)
        if (f < 0).any():
            raise BadInput("a negative frequency", where=where, got=f"{f.min():g} Hz")
        nowhere = np.full((1, len(i)), np.nan)
        return cls(
            i, f[None], states(f > 0)[None], nowhere, nowhere, np.ones((1, len(i)), bool),
            v_dd, temperature, source or path.name,
        )  # fmt: skip


@dataclass(frozen=True)
class SynapseCurve:
    """Mean output current of a synapse against the rate of the spikes at its input.

    Attributes:
        f_spike: spikes a second, increasing, Hz.
        i_out: mean current into the next neuron, A.
        power: mean power of the synapse's supply, W; NaN where unknown.
        converged: whether the mean had settled.
        v_dd: supply, V.
        temperature: K.
        source: where the curve comes from.
    """

    f_spike: Points
    i_out: Grid
    power: Grid
    converged: Bool[np.ndarray, "samples points"]
    v_dd: float
    temperature: float
    source: str

    def __post_init__(self) -> None:
        _check_axis(self.f_spike, "f_spike", zero=True)


def states(spiking: Bool[np.ndarray, "*samples points"]) -> Int[np.ndarray, "*samples points"]:
    """Activities from whether each point spikes, currents increasing along the last axis.

    A neuron that rests has stopped if it spikes at any lower current, and is silent if it does not.
    """
    has_spiked = np.logical_or.accumulate(spiking, axis=-1)
    resting = np.where(has_spiked, int(Activity.STOPPED), int(Activity.SILENT))
    return np.where(spiking, int(Activity.SPIKING), resting)


def _check_axis(x: Points, where: str, *, zero: bool = False) -> None:
    if x.ndim != 1 or len(x) < 2 or not np.isfinite(x).all():
        raise BadInput("not an axis", where=where, expected="two or more finite numbers", got=f"shape {x.shape}")
    if (np.diff(x) <= 0).any() or x[0] < 0 or (x[0] == 0 and not zero):
        raise BadInput("does not increase from a positive first value", where=where, got=f"{x[0]:g} .. {x[-1]:g}")


def _columns(path: Path, wanted: tuple[str | None, ...]) -> list[Points]:
    """The wanted columns of a text file with one line of names; by place where no name is given."""
    where = str(path)
    if not path.is_file():
        raise BadInput("no such file", where=where)
    size = path.stat().st_size
    if size > MAX_CSV_BYTES:
        raise BadInput("too large for a curve", where=where, expected=f"{MAX_CSV_BYTES} bytes at most", got=f"{size}")
    try:
        rows = [line.replace(",", " ").replace(";", " ").split() for line in path.read_text("utf-8").splitlines()]
    except UnicodeDecodeError:
        raise BadInput("not a text file", where=where) from None
    rows = [row for row in rows if row and not row[0].startswith("#")]
    if not 3 <= len(rows) <= MAX_CSV_ROWS:
        raise BadInput("not a curve", where=where, expected=f"a line of names and 2 to {MAX_CSV_ROWS} points")
    names = rows[0]
    if len(names) < len(wanted):
        raise BadInput("too few columns", where=where, expected=f"{len(wanted)} or more", got=f"{len(names)}")
    places = []
    for place, name in enumerate(wanted):
        if name is not None and name not in names:
            raise BadInput(f"no column '{name}'", where=where, advice=nearest(name, names))
        places.append(place if name is None else names.index(name))
    try:
        table = np.array([[float(row[place]) for place in places] for row in rows[1:]])
    except (ValueError, IndexError):
        raise BadInput("not a table of numbers", where=where, expected=f"{len(names)} numbers on each line") from None
    if not np.isfinite(table).all():
        raise BadInput("a value that is not finite", where=where)
    return list(table.T)
