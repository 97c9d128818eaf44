"""Memory cards: geometry, line capacitances, currents and voltages of a memory as a multiplier uses it.

A card is a TOML file like a technology card. A memory that can be used with active or passive cells has a section for
each; one that is stacked has a section ``planes``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from anamorph import toml_file
from anamorph.errors import BadInput, nearest
from anamorph.technology.card import Param
from anamorph.technology.figure_table import Figures, read

LINES: Mapping[str, Param] = {
    "node": Param("m", 1e-8, 1e-6, "process node that the figures are of"),
    "pitch_input": Param("m", 1e-8, 1e-5, "length of input line per cell"),
    "pitch_output": Param("m", 1e-8, 1e-5, "length of output line per cell"),
    "c_input": Param("F", 0.0, 1e-13, "load of one cell on an input line, wire apart"),
    "c_output": Param("F", 0.0, 1e-13, "load of one cell on an output line, wire apart"),
    "c_wire": Param("F/m", 0.0, 1e-8, "capacitance of a line's wire per length"),
    "r_input": Param("ohm", 0.0, 1e6, "resistance of an input line per cell"),
    "r_output": Param("ohm", 0.0, 1e6, "resistance of an output line per cell"),
    "v_dd": Param("V", 0.1, 5.0, "supply of the periphery"),
    "v_input": Param("V", 0.0, 10.0, "swing of an input line that carries digital pulses"),
    "pump_efficiency": Param("", 0.05, 1.0, "energy on input lines over that from the supply; 1 without a pump"),
    "driver_area": Param("m^2", 0.0, 1e-8, "driver of one input line"),
}
ACTIVE: Mapping[str, Param] = {
    "i_max": Param("A", 1e-12, 1e-4, "current of the largest weight, where lines do not ask for more"),
    "i_weak": Param("A", 1e-12, 1e-4, "current above which a cell leaves weak inversion"),
    "i_min": Param("A", 0.0, 1e-6, "current of a cell that stores zero"),
    "slope_factor": Param("", 1.0, 5.0, "subthreshold slope factor n, from the control gate"),
    "dibl": Param("", 0.0, 0.5, "drain-induced barrier lowering sigma of the whole cell, V/V"),
    "clm": Param("1/V", 0.0, 5.0, "channel-length modulation lambda of the whole cell"),
    "swing_max": Param("V", 0.01, 2.0, "largest swing of an output line that keeps the cell saturated"),
    "v_output": Param("V", 0.0, 2.0, "output line's voltage at rest"),
    "tuning_error": Param("", 0.0, 0.5, "standard deviation of a tuned current over the largest one"),
}
PASSIVE: Mapping[str, Param] = {
    "g_max": Param("S", 1e-9, 1e-2, "largest conductance of a cell at small voltages"),
    "g_ratio": Param("", 1.0, 1e6, "largest over smallest conductance"),
    "v_read": Param("V", 0.01, 1.0, "voltage of a full-scale input"),
    "nonlinearity": Param("1/V", 0.0, 20.0, "beta of I = G sinh(beta V)/beta"),
    "swing_max": Param("V", 0.01, 2.0, "largest swing of a sense amplifier's output"),
    "tuning_error": Param("", 0.0, 0.5, "standard deviation of a tuned conductance over the largest one"),
}
PLANES: Mapping[str, Param] = {
    "planes": Param("", 1.0, 1024.0, "word planes above each other: matrices that share the periphery"),
    "c_plane": Param("F", 0.0, 1e-13, "capacitance of a word plane per string"),
    "v_pass": Param("V", 0.0, 20.0, "voltage of word planes that are passed through"),
    "v_select": Param("V", 0.0, 20.0, "voltage of the word plane that computes"),
    "r_select": Param("ohm", 0.0, 1e7, "resistance through which a plane is charged: its switch and the plane itself"),
    "stair": Param("m", 0.0, 1e-5, "length of the staircase per plane"),
}
WRITE: Mapping[str, Param] = {
    "v_write": Param("V", 0.1, 30.0, "programming voltage"),
    "i_write": Param("A", 0.0, 1e-2, "current from the programming supply during a pulse"),
    "t_pulse": Param("s", 1e-10, 1.0, "length of a pulse"),
    "pulses_per_bit": Param("", 0.1, 1000.0, "pulses per bit of precision of write-verify"),
    "t_verify": Param("s", 1e-10, 1.0, "length of a reading between pulses"),
    "switch_area": Param("m^2", 0.0, 1e-8, "high-voltage switches of one line"),
}
REQUIRED = {"lines": LINES, "write": WRITE}
OPTIONAL = {"active": ACTIVE, "passive": PASSIVE, "planes": PLANES}


@dataclass(frozen=True)
class Memory:
    """A memory card. `figures[section][key]` holds value, source and basis of each figure."""

    name: str
    title: str
    figures: Figures = field(repr=False)
    digest: str

    def value(self, section: str, key: str) -> float:
        """SI value of one figure.

        Raises:
            BadInput: the card has no such section.
        """
        if section not in self.figures:
            raise BadInput(f"this memory has no [{section}] cells", where=self.name, expected=", ".join(self.figures))
        return self.figures[section][key].value

    def values(self, section: str) -> dict[str, float]:
        """SI values of a section; empty where the card has none."""
        return {key: figure.value for key, figure in self.figures.get(section, {}).items()}

    @property
    def planes(self) -> int:
        """Matrices above each other; 1 in a planar memory."""
        return int(self.values("planes").get("planes", 1))

    @property
    def cell_area(self) -> float:
        """Footprint of a cell, or of a string of them, m²."""
        return self.value("lines", "pitch_input") * self.value("lines", "pitch_output")


def memory_names() -> list[str]:
    """Names of the memory cards that come with the package."""
    folder = resources.files("anamorph.technology") / "memories"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load_memory(name_or_path: str | Path) -> Memory:
    """A built-in memory card by name, or a user's by path (``.toml``).

    Raises:
        BadInput: no such card, or one that `figure_table.read` refuses.
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        return _memory(toml_file.read(Path(text), "memory card"), text)
    if text not in memory_names():
        raise BadInput(f"no memory named '{text}'", advice=nearest(text, memory_names()))
    return _builtin(text)


@cache
def _builtin(name: str) -> Memory:
    content = (resources.files("anamorph.technology") / "memories" / f"{name}.toml").read_bytes()
    return _memory(content, name)


def _memory(content: bytes, where: str) -> Memory:
    name, title, figures = read(content, where, REQUIRED, OPTIONAL)
    if "active" not in figures and "passive" not in figures:
        raise BadInput("a memory without cells", where=where, expected="a section [active] or [passive]")
    return Memory(name, title, figures, hashlib.sha256(content).hexdigest())
