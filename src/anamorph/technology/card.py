"""Technology cards: every figure of a process with its value, unit, legal range, source and basis.

A card is a TOML file. `FETS` and `SUPPLY` below declare each figure once: its SI unit, its legal range
and its meaning; checks, messages and the documentation's tables come from that one table. The card gives
the value *with its unit as text*, the source and the basis.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from anamorph import units
from anamorph.circuit.netlist import Fet
from anamorph.device.mosfet import MosfetParameters
from anamorph.errors import BadInput, OutOfDomain, nearest

#: How a figure came to be. "calibrated" marks what was fitted to a target that a test then extrapolates.
BASES = ("measured", "simulated", "published", "calibrated", "assumed")
#: A card larger than this is not a card.
MAX_CARD_BYTES = 256 * 1024


@dataclass(frozen=True)
class Param:
    """Declaration of one figure: SI unit, legal range (inclusive), meaning."""

    unit: str
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Figure:
    """One figure of a card: SI value, where it comes from, and how far to trust it."""

    value: float
    source: str
    basis: str


FET_PARAMS: Mapping[str, Param] = {
    "slope_factor": Param("", 1.0, 2.5, "subthreshold slope factor n"),
    "i_spec_square": Param("A", 1e-9, 1e-5, "specific current of a square device, 2 n beta U_T^2"),
    "v_t_long": Param("V", 0.05, 1.5, "threshold magnitude of a wide, long device at zero V_DS"),
    "v_t_narrow": Param("V*m", -1e-7, 1e-7, "narrow width: V_T falls by this over W_eff"),
    "v_t_reverse_short": Param("V", -0.5, 0.5, "reverse short channel: V_T rises by this times exp(-L/l_reverse)"),
    "l_reverse": Param("m", 1e-8, 1e-5, "decay length of the reverse short-channel effect"),
    "delta_l": Param("m", -1e-7, 2e-7, "drawn minus effective length"),
    "delta_w": Param("m", -1e-7, 2e-7, "drawn minus effective width"),
    "dibl_length": Param("m", 0.0, 1e-7, "drain-induced barrier lowering sigma_D times L"),
    "clm_length": Param("m/V", 0.0, 1e-6, "channel-length modulation lambda times L"),
    "mobility_reduction": Param("1/V", 0.0, 5.0, "vertical-field and series-resistance reduction theta"),
    "v_t_temperature": Param("V/K", -5e-3, 0.0, "temperature coefficient of the threshold magnitude"),
    "mobility_exponent": Param("", -3.0, 0.0, "mobility varies as T to this power"),
    "c_ox": Param("F/m^2", 1e-4, 0.1, "oxide capacitance per area"),
    "c_overlap": Param("F/m", 0.0, 1e-8, "gate overlap capacitance per width, one side"),
    "c_junction": Param("F/m^2", 0.0, 1e-2, "junction capacitance per area at zero bias"),
    "c_sidewall": Param("F/m", 0.0, 1e-8, "junction capacitance per perimeter at zero bias"),
    "junction_potential": Param("V", 0.3, 1.2, "built-in potential of the junctions"),
    "junction_grading": Param("", 0.1, 0.6, "grading exponent of the junctions"),
    "flicker": Param("V^2*F", 0.0, 1e-20, "flicker coefficient K_F: S_vg = K_F/(C_ox W L f)"),
    "a_vt": Param("V*m", 0.0, 5e-8, "threshold mismatch of one device: sigma = A_VT/sqrt(W L m)"),
    "w_min": Param("m", 1e-8, 1e-4, "narrowest device that the card describes"),
    "w_max": Param("m", 1e-8, 1e-3, "widest device that the card describes"),
    "l_min": Param("m", 1e-8, 1e-4, "shortest device that the card describes"),
    "l_max": Param("m", 1e-8, 1e-3, "longest device that the card describes"),
}

PROCESS_PARAMS: Mapping[str, Param] = {
    "v_dd": Param("V", 0.1, 10.0, "supply voltage"),
    "device_pitch": Param("m", 0.0, 1e-5, "layout beyond the channel along L: contacts, half the spacing, both sides"),
    "device_margin": Param("m", 0.0, 1e-5, "layout beyond the channel along W: half the spacing and well, both sides"),
    "diffusion_length": Param("m", 0.0, 1e-5, "extent of an unshared source or drain diffusion"),
}

DIGITAL_PARAMS: Mapping[str, Param] = {
    "w_n": Param("m", 1e-8, 1e-4, "width of the n-channel transistors of static CMOS gates"),
    "w_p": Param("m", 1e-8, 1e-4, "width of their p-channel transistors"),
    "l": Param("m", 1e-8, 1e-5, "channel length of both"),
    "wire_capacitance": Param("F", 0.0, 1e-12, "capacitance of the wire of one net between gates"),
    "area_utilisation": Param("", 0.1, 1.0, "share of the placed area that gates fill"),
}

SECTIONS: Mapping[str, Mapping[str, Param]] = {
    "process": PROCESS_PARAMS,
    "nfet": FET_PARAMS,
    "pfet": FET_PARAMS,
}

#: What a card may leave out: `Technology.require` says so to whom needs it.
OPTIONAL_SECTIONS: Mapping[str, Mapping[str, Param]] = {"digital": DIGITAL_PARAMS}


@dataclass(frozen=True)
class Technology:
    """A process card. `figures[section][key]` holds value, source and basis of each figure."""

    name: str
    title: str
    figures: Mapping[str, Mapping[str, Figure]] = field(repr=False)
    digest: str

    def value(self, section: str, key: str) -> float:
        """SI value of one figure."""
        return self.figures[section][key].value

    def require(self, section: str) -> Mapping[str, float]:
        """SI values of a section that a card may leave out.

        Raises:
            BadInput: this card has no such section.
        """
        if section not in self.figures:
            raise BadInput(
                f"this card has no section [{section}]",
                where=self.name,
                expected=", ".join(OPTIONAL_SECTIONS.get(section, ())),
                advice="Take one that has, such as 'cmos65', or add the section to a copy of this card.",
            )
        return {key: figure.value for key, figure in self.figures[section].items()}

    @property
    def v_dd(self) -> float:
        """Supply voltage, V."""
        return self.value("process", "v_dd")

    def mosfet(self, fet: Fet) -> MosfetParameters:
        """Model parameters of one transistor of this process (scalars).

        Raises:
            OutOfDomain: W or L outside what the card describes.
        """
        section = "nfet" if fet.polarity == "n" else "pfet"
        card = {key: figure.value for key, figure in self.figures[section].items()}
        self._check_geometry(fet, section, card)
        w_eff, l_eff = fet.w - card["delta_w"], fet.l - card["delta_l"]
        reverse_short = card["v_t_reverse_short"] * np.exp(-fet.l / card["l_reverse"])
        gate_area = w_eff * l_eff * fet.m
        junction = card["c_junction"], card["c_sidewall"]
        values = dict(
            slope_factor=card["slope_factor"],
            i_spec=card["i_spec_square"] * w_eff / l_eff * fet.m,
            v_t0=card["v_t_long"] - card["v_t_narrow"] / w_eff + reverse_short,
            dibl=card["dibl_length"] / fet.l,
            clm=card["clm_length"] / fet.l,
            mobility_reduction=card["mobility_reduction"],
            v_t_slope=card["v_t_temperature"],
            mobility_exponent=card["mobility_exponent"],
            c_gate=card["c_ox"] * gate_area,
            c_overlap=card["c_overlap"] * w_eff * fet.m,
            c_junction_drain=fet.m * (junction[0] * fet.drain_area + junction[1] * fet.drain_perimeter),
            c_junction_source=fet.m * (junction[0] * fet.source_area + junction[1] * fet.source_perimeter),
            junction_potential=card["junction_potential"],
            junction_grading=card["junction_grading"],
            flicker=card["flicker"] / (card["c_ox"] * gate_area),
            polarity=1.0 if fet.polarity == "n" else -1.0,
        )
        return MosfetParameters._make(np.float64(values[name]) for name in MosfetParameters._fields)

    def threshold_sigma(self, fet: Fet) -> float:
        """Standard deviation of one device's threshold by the area law, V.

        ``sigma = A_VT / sqrt(W L m)`` (Pelgrom et al., IEEE JSSC 24(5), 1989); the paper's
        ``sqrt(W/L)`` (Binas et al. 2016, section 3.2) is a misprint of it.
        """
        section = "nfet" if fet.polarity == "n" else "pfet"
        return self.value(section, "a_vt") / float(np.sqrt(fet.w * fet.l * fet.m))

    def with_mismatch(self, factor: float) -> Technology:
        """The same process with deviations `factor` times as large: A_VT of both polarities.

        Raises:
            BadInput: a factor that leaves what a card may hold.
        """
        if factor == 1:
            return self
        figures = {section: dict(table) for section, table in self.figures.items()}
        for section in ("nfet", "pfet"):
            figure, param = figures[section]["a_vt"], SECTIONS[section]["a_vt"]
            value = factor * figure.value
            if not factor > 0 or not param.low <= value <= param.high:
                raise BadInput(
                    "no such mismatch",
                    where=f"{self.name}: {section}.a_vt",
                    expected=f"{param.low:g} to {param.high:g} {param.unit}",
                    got=f"{value:.3g} {param.unit}",
                )
            figures[section]["a_vt"] = Figure(value, f"{factor:g} times: {figure.source}", "assumed")
        digest = hashlib.sha256(f"{self.digest} mismatch {factor!r}".encode()).hexdigest() if self.digest else ""
        return replace(self, figures=figures, digest=digest)

    def fet_area(self, fet: Fet) -> float:
        """Layout area of a transistor, m²: each of its m devices with contacts and spacing."""
        length = fet.l + self.value("process", "device_pitch")
        width = fet.w + self.value("process", "device_margin")
        return fet.m * length * width

    def _check_geometry(self, fet: Fet, section: str, card: Mapping[str, float]) -> None:
        for symbol, size in (("w", fet.w), ("l", fet.l)):
            low, high = card[f"{symbol}_min"], card[f"{symbol}_max"]
            if not low * (1 - 1e-9) <= size <= high * (1 + 1e-9):
                raise OutOfDomain(
                    f"a transistor's {symbol.upper()} is outside what the card describes",
                    where=f"{self.name}.{section}: {fet.name}",
                    expected=f"{units.show(low, 'm')} to {units.show(high, 'm')}",
                    got=units.show(size, "m"),
                )


def builtin_names() -> list[str]:
    """Names of the cards that come with the package."""
    folder = resources.files("anamorph.technology") / "cards"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load(name_or_path: str | Path) -> Technology:
    """Load a built-in card by name, or a user's card by path (``.toml``).

    Raises:
        BadInput: no such card; unknown or missing figure; wrong unit; out of range; no source; unknown basis.
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        path = Path(text)
        if not path.is_file():
            raise BadInput("no such technology card", where=text)
        if path.stat().st_size > MAX_CARD_BYTES:
            raise BadInput("too large for a card", where=text, expected=f"at most {MAX_CARD_BYTES} bytes")
        content = path.read_bytes()
    elif text in builtin_names():
        content = (resources.files("anamorph.technology") / "cards" / f"{text}.toml").read_bytes()
    else:
        raise BadInput(f"no technology named '{text}'", advice=nearest(text, builtin_names()))
    try:
        tables = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not a TOML file: {error}", where=text) from None
    return from_tables(tables, where=text, digest=hashlib.sha256(content).hexdigest())


def from_tables(tables: Mapping[str, Any], *, where: str, digest: str = "") -> Technology:
    """Check parsed TOML tables and build the card. Raises as `load`."""
    known = {"name", "title", *SECTIONS, *OPTIONAL_SECTIONS}
    for key in tables:
        if key not in known:
            raise BadInput(f"unknown key '{key}'", where=where, advice=nearest(key, known))
    for key in ("name", "title"):
        if not isinstance(tables.get(key), str):
            raise BadInput(f"missing '{key}'", where=where, expected="text")
    present = {section: params for section, params in OPTIONAL_SECTIONS.items() if section in tables}
    figures = {
        section: _section(tables.get(section, {}), params, f"{where}: {section}")
        for section, params in {**SECTIONS, **present}.items()
    }
    return Technology(tables["name"], tables["title"], figures, digest)


def _section(table: Any, params: Mapping[str, Param], where: str) -> dict[str, Figure]:
    if not isinstance(table, Mapping):
        raise BadInput("expected a table of figures", where=where, got=repr(table))
    for key in table:
        if key not in params:
            raise BadInput(f"unknown figure '{key}'", where=where, advice=nearest(key, params))
    for key, param in params.items():
        if key not in table:
            raise BadInput(f"missing figure '{key}' ({param.meaning})", where=where)
    return {key: _figure(table[key], params[key], f"{where}.{key}") for key in params}


def _figure(entry: Any, param: Param, where: str) -> Figure:
    if not isinstance(entry, Mapping) or set(entry) != {"value", "source", "basis"}:
        raise BadInput(
            "a figure needs its value, its source and its basis",
            where=where,
            expected='{ value = "0.4 V", source = "...", basis = "published" }',
            got=repr(dict(entry)) if isinstance(entry, Mapping) else repr(entry),
        )
    value = units.parse(entry["value"], param.unit, where=where)
    if not param.low <= value <= param.high:
        raise BadInput(
            f"out of range ({param.meaning})",
            where=where,
            expected=f"{param.low:g} to {param.high:g} {param.unit}".rstrip(),
            got=str(entry["value"]),
        )
    if not isinstance(entry["source"], str) or not entry["source"].strip():
        raise BadInput("no source", where=where, expected="where the figure comes from")
    if entry["basis"] not in BASES:
        raise BadInput(f"unknown basis '{entry['basis']}'", where=where, advice=nearest(str(entry["basis"]), BASES))
    return Figure(value, entry["source"], entry["basis"])
