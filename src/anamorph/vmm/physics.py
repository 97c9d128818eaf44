"""What cells, lines and periphery of a design do to its answers: figures with unit, range, source and basis.

Currents, voltages, lines: the memory's card (`anamorph.technology.memory`). What deviates, drifts and leaks, and how
cells respond to write pulses: a card of the same name in ``vmm/cards``. `Physics` is what computations take: plain
floats, frozen, so that other figures are a `dataclasses.replace` away.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import numpy as np

from anamorph.errors import BadInput, OutOfDomain
from anamorph.processor.components import library
from anamorph.technology.card import Param
from anamorph.technology.figure_table import Figures, read
from anamorph.technology.memory import load_memory
from anamorph.vmm.cost import block_cost
from anamorph.vmm.cost_passive import INS_CLOCKS
from anamorph.vmm.design import EXP, INS, Design
from anamorph.vmm.lines import BOLTZMANN_T, NOISE_MARGIN, linear_read_voltage, lines_of, slot_of

#: Boltzmann constant, J/K, and elementary charge, C.
BOLTZMANN, CHARGE = 1.380649e-23, 1.602176634e-19
#: A subthreshold cell is a current source while its drain is above so many thermal voltages.
SATURATED = 4.0
#: Clock of the logic that makes input pulses, s: 1 GHz at 55 nm.
CLOCK = 1e-9

COMMON: Mapping[str, Param] = {
    "tuning_small": Param("", 0.0, 1.0, "error of the smallest current that is written, as a share of the largest's"),
    "drift": Param("", 0.0, 1.0, "rms change of a cell's current per decade of time, in logarithms"),
    "capacitor_mismatch": Param("m", 0.0, 1e-6, "rms mismatch of capacitors times the root of their area"),
    "capacitor_density": Param("F/m^2", 1e-5, 1.0, "capacitance per area"),
    "line_leakage": Param("A", 0.0, 1e-6, "leakage of a line per cell on it, without any input"),
    "leakage_spread": Param("", 0.0, 10.0, "rms deviation of that from line to line, as a share"),
    "offset": Param("V", 0.0, 0.1, "rms offset of a column's comparator or amplifier, after its own zeroing"),
    "gain": Param(
        "", 0.0, 1.0, "rms deviation of the logarithm of a column's scale from the common one, after trimming"
    ),
    "input_gain": Param("", 0.0, 1.0, "rms deviation of an input driver's amplitude, where amplitudes carry inputs"),
}
ACTIVE: Mapping[str, Param] = {
    "off": Param("", 0.0, 0.1, "current of a cell with its input off, as a share of that with it on"),
    "temperature_share": Param(
        "", 0.0, 1.0, "share of a weak-inversion current's change with temperature that is left"
    ),
    "slope_spread": Param("", 0.0, 1.0, "rms mismatch of subthreshold slopes of a cell and of what drives its gate"),
}
PASSIVE: Mapping[str, Param] = {
    "off": ACTIVE["off"],
    "temperature_share": ACTIVE["temperature_share"],
    "sense": Param("ohm", 0.0, 1e6, "input resistance of a column's sense amplifier"),
}
RESPONSE: Mapping[str, Param] = {
    "step_max": Param("", 1e-6, 10.0, "largest change of the logarithm of a current by one write pulse"),
    "step_min": Param("", 0.0, 1.0, "smallest one"),
    "pulse_spread": Param("", 0.0, 2.0, "rms deviation of a change from what was meant, pulse to pulse, as a share"),
    "cell_spread": Param("", 0.0, 2.0, "rms deviation of how a cell responds, cell to cell, in logarithms"),
    "read_noise": Param("", 0.0, 1.0, "rms noise of a reading, as a share of it"),
}


@dataclass(frozen=True)
class Physics:
    """Figures of a design's cells with their periphery, SI units.

    Attributes:
        active: whether cells are current sources; else resistors.
        current: of a cell of the largest weight with its input on.
        base: smallest current of a cell, in units of the largest.
        duration: of one integration: all of an EXP input, one bit of a LIN one, the pulse of an INS one.
        swing: what a line (passive: an amplifier's output) moves by with all cells and inputs at their largest.
        capacitor: that is integrated on, a line's own capacitance included.
        wire_word, wire_bit: resistance of a line from cell to cell (active: `wire_bit` of the source line).
        tuning: rms error of a written cell, as a share of the largest current.
        tuning_small, drift, capacitor_mismatch, capacitor_density, line_leakage, leakage_spread, offset, gain,
            input_gain, off, temperature_share: see the tables above.
        slope_factor, dibl, clm, drain, slope_spread: of active cells; `drain` is a line's voltage at the start.
        read, nonlinearity, sense: of passive cells: voltage with the input on, beta of ``sinh(beta V)/beta``.
        age: s since writing.
        temperature: K in use.
        written_at: K at which cells were written and scales set.
    """

    active: bool
    current: float
    base: float
    duration: float
    swing: float
    capacitor: float
    wire_word: float
    wire_bit: float
    tuning: float
    tuning_small: float
    drift: float
    capacitor_mismatch: float
    capacitor_density: float
    line_leakage: float
    leakage_spread: float
    offset: float
    gain: float
    input_gain: float
    off: float
    temperature_share: float
    slope_factor: float = 1.0
    dibl: float = 0.0
    clm: float = 0.0
    drain: float = 1.0
    slope_spread: float = 0.0
    read: float = 1.0
    nonlinearity: float = 0.0
    sense: float = 0.0
    age: float = 1e6
    temperature: float = 310.15
    written_at: float = 300.15

    def __post_init__(self) -> None:
        above = {"current", "duration", "swing", "capacitor", "temperature", "written_at", "read", "slope_factor",
                 "capacitor_density"}  # fmt: skip
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0 or (name in above and value == 0):
                raise BadInput("not a figure", where=f"vmm physics: {name}", got=f"{value}",
                               expected="above zero, finite" if name in above else "zero or more, finite")  # fmt: skip
        if not self.base < 1:
            raise BadInput("cells of one current only", where="vmm physics: base", expected="below 1",
                           got=f"{self.base:g}")  # fmt: skip
        room = self.drain - SATURATED * self.thermal
        if self.active and self.swing > room:
            raise OutOfDomain("cells would leave saturation", where="vmm physics: swing",
                              expected=f"at most {room:.3g} V", got=f"{self.swing:g} V",
                              advice="A smaller swing, or a higher drain.")  # fmt: skip

    @property
    def thermal(self) -> float:
        """Thermal voltage in use, V."""
        return BOLTZMANN * self.temperature / CHARGE


@functools.cache
def figures(memory: str) -> Figures:
    """Every figure of a built-in card of ``vmm/cards`` with its source and basis, by section.

    Raises:
        BadInput: no such card, or something is wrong in it.
    """
    where = f"vmm/cards/{memory}.toml"
    path = resources.files("anamorph.vmm") / "cards" / f"{memory}.toml"
    if not path.is_file():
        raise BadInput(f"no deviations of a memory '{memory}'", where=where)
    needed, kinds = {"common": COMMON, "response": RESPONSE}, {"active": ACTIVE, "passive": PASSIVE}
    return read(path.read_bytes(), where, needed, kinds)[2]


@functools.cache
def physics_of(design: Design) -> Physics:
    """Figures of a design from the cards of its memory; its swing is what its output bits allow.

    Raises:
        BadInput: a card without cells of that kind.
    """
    kind = "active" if design.cell.active else "passive"
    memory, deviations = load_memory(design.cell.memory), figures(design.cell.memory)
    cell, lines = memory.values(kind), memory.values("lines")
    if not cell or kind not in deviations:
        raise BadInput(f"this memory has no [{kind}] cells", where=memory.name)
    own = {key: figure.value for part in ("common", kind) for key, figure in deviations[part].items()}
    cost, columns = block_cost(design), np.asarray(design.columns)
    swing, slot = float(cost.swing), float(slot_of(lines_of(memory, np.asarray(design.rows), columns), CLOCK))
    shared = {"swing": swing, "wire_word": lines["r_input"], "wire_bit": lines["r_output"],
              "tuning": cell["tuning_error"]}  # fmt: skip
    if design.cell.active:
        current = float(cost.current)
        duration, capacitor = _integration(design, current, swing, slot)
        return Physics(
            active=True, current=current, base=min(cell["i_min"] / current, 0.5), duration=duration,
            capacitor=capacitor, slope_factor=cell["slope_factor"], dibl=cell["dibl"], clm=cell["clm"],
            drain=cell["v_output"], **shared, **own,
        )  # fmt: skip
    read_at = float(linear_read_voltage(memory, np.asarray(design.input_bits)))
    voltage = read_at if design.encoding is INS else cell["v_read"]
    duration, capacitor = _integration(design, cell["g_max"] * voltage, swing, slot)
    return Physics(
        active=False, current=cell["g_max"] * voltage, base=1 / cell["g_ratio"], duration=duration, capacitor=capacitor,
        read=voltage, nonlinearity=cell["nonlinearity"], **shared, **own,
    )  # fmt: skip


def _integration(design: Design, current: float, swing: float, slot: float) -> tuple[float, float]:
    """How long one integration takes, s, and the capacitance that all cells at their largest move by the swing, F."""
    if design.encoding is INS:
        # kT/C within the noise margin of half a step of the output
        quiet = BOLTZMANN_T / (swing / 2.0**design.output_bits / (2 * NOISE_MARGIN)) ** 2
        if not design.cell.active:
            # an amplifier holds the line; what is sampled is its output, on the converter's capacitor
            analog = library().figures["analog"]
            sample = analog["sense_capacitance"] + 2.0**design.output_bits * analog["unit_capacitor"]
            return max(INS_CLOCKS * CLOCK, slot), max(sample, quiet)
        duration = max(quiet * swing / (design.rows * current), CLOCK)
        return duration, design.rows * current * duration / swing
    duration = slot * (design.encoding.slots(design.input_bits) if design.encoding is EXP else 1)
    return duration, design.rows * current * duration / swing
