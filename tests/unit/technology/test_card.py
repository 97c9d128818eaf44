"""Every way a card can be wrong gets one message that names the place, and a good card means what it says."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.current_mirror import synapse
from anamorph.circuit.netlist import Fet
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current
from anamorph.errors import BadInput, OutOfDomain
from anamorph.technology import card

UM = 1e-6


@pytest.fixture
def tables() -> dict[str, Any]:
    text = (resources.files("anamorph.technology") / "cards" / "cmos180.toml").read_text()
    return copy.deepcopy(tomllib.loads(text))


def refusal(tables: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        card.from_tables(tables, where="my.toml")
    return str(caught.value)


def fet(**changes: Any) -> Fet:
    return replace(Fet("M1", "n", "d", "g", "s", "b", 2.7 * UM, 0.45 * UM), **changes)


@pytest.mark.parametrize("name", technology.builtin_names())
def test_every_builtin_card_loads_and_every_figure_says_whence(name: str) -> None:
    loaded = technology.load(name)
    assert loaded.name == name
    for section, params in card.SECTIONS.items():
        assert set(loaded.figures[section]) == set(params)
        for figure in loaded.figures[section].values():
            assert figure.source.strip() and figure.basis in card.BASES


def test_unknown_figure_names_the_nearest(tables: dict[str, Any]) -> None:
    tables["nfet"]["v_t_lng"] = tables["nfet"].pop("v_t_long")
    message = refusal(tables)
    assert message == "my.toml: nfet: unknown figure 'v_t_lng'. Did you mean 'v_t_long'?"


def test_unknown_section_names_the_nearest(tables: dict[str, Any]) -> None:
    tables["nfett"] = {}
    assert refusal(tables) == "my.toml: unknown key 'nfett'. Did you mean 'nfet'?"


def test_missing_figure_says_what_it_means(tables: dict[str, Any]) -> None:
    del tables["pfet"]["slope_factor"]
    assert refusal(tables) == "my.toml: pfet: missing figure 'slope_factor' (subthreshold slope factor n)."


def test_missing_section_is_a_missing_figure(tables: dict[str, Any]) -> None:
    del tables["process"]
    assert refusal(tables).startswith("my.toml: process: missing figure 'v_dd'")


@pytest.mark.parametrize("key", ["name", "title"])
def test_missing_name_or_title(tables: dict[str, Any], key: str) -> None:
    del tables[key]
    assert refusal(tables) == f"my.toml: missing '{key}'; expected text."


def test_wrong_unit(tables: dict[str, Any]) -> None:
    tables["nfet"]["v_t_long"]["value"] = "0.45 A"
    message = refusal(tables)
    assert message == "my.toml: nfet.v_t_long: wrong unit; expected a quantity in V; got '0.45 A'."


def test_number_without_unit(tables: dict[str, Any]) -> None:
    tables["process"]["v_dd"]["value"] = 1.8
    message = refusal(tables)
    assert "my.toml: process.v_dd: a number without its unit" in message and '"1.8 V"' in message


def test_not_finite(tables: dict[str, Any]) -> None:
    tables["nfet"]["slope_factor"]["value"] = float("nan")
    assert "my.toml: nfet.slope_factor: not a finite number" in refusal(tables)


def test_out_of_range(tables: dict[str, Any]) -> None:
    tables["nfet"]["slope_factor"]["value"] = "0.9"
    message = refusal(tables)
    assert message == (
        "my.toml: nfet.slope_factor: out of range (subthreshold slope factor n); expected 1 to 2.5; got 0.9."
    )


@pytest.mark.parametrize("edge", ["low", "high"])
def test_range_is_inclusive(tables: dict[str, Any], edge: str) -> None:
    value = getattr(card.FET_PARAMS["slope_factor"], edge)
    tables["nfet"]["slope_factor"]["value"] = str(value)
    assert card.from_tables(tables, where="my.toml").value("nfet", "slope_factor") == value


@pytest.mark.parametrize("part", ["value", "source", "basis"])
def test_every_figure_needs_its_three_parts(tables: dict[str, Any], part: str) -> None:
    del tables["nfet"]["c_ox"][part]
    message = refusal(tables)
    assert "my.toml: nfet.c_ox: a figure needs its value, its source and its basis" in message
    assert 'basis = "published"' in message  # an example to copy


def test_bare_figure(tables: dict[str, Any]) -> None:
    tables["nfet"]["c_ox"] = "8.42 fF/um^2"
    assert "a figure needs its value, its source and its basis" in refusal(tables)


@pytest.mark.parametrize("source", ["", "  ", 3])
def test_empty_source(tables: dict[str, Any], source: object) -> None:
    tables["nfet"]["c_ox"]["source"] = source
    assert refusal(tables) == "my.toml: nfet.c_ox: no source; expected where the figure comes from."


def test_unknown_basis(tables: dict[str, Any]) -> None:
    tables["nfet"]["c_ox"]["basis"] = "mesured"
    assert refusal(tables) == "my.toml: nfet.c_ox: unknown basis 'mesured'. Did you mean 'measured'?"


@pytest.mark.parametrize("basis", [["published"], {"a": 1}, 3])
def test_basis_that_is_not_text(tables: dict[str, Any], basis: object) -> None:
    tables["nfet"]["c_ox"]["basis"] = basis
    assert "my.toml: nfet.c_ox: unknown basis" in refusal(tables)


def test_section_that_is_not_a_table(tables: dict[str, Any]) -> None:
    tables["nfet"] = "none"
    assert refusal(tables) == "my.toml: nfet: expected a table of figures; got 'none'."


def test_unknown_technology_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"no technology named 'cmos18'\. Did you mean 'cmos180'\?"):
        technology.load("cmos18")


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such technology card"):
        technology.load(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"[nfet\n", b"\xff\xfe", b"name = 'x'\nname = 'y'\n"])
def test_file_that_is_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a TOML file") as caught:
        technology.load(path)
    assert str(path) in str(caught.value)


def test_file_cut_short(tmp_path: Path) -> None:
    whole = (resources.files("anamorph.technology") / "cards" / "cmos180.toml").read_bytes()
    path = tmp_path / "short.toml"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput) as caught:
        technology.load(path)
    assert str(path) in str(caught.value)


def test_file_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * (card.MAX_CARD_BYTES + 1))
    with pytest.raises(BadInput, match="too large for a card"):
        technology.load(path)


def test_user_card_reads_as_the_builtin_one(tmp_path: Path, cmos180: technology.Technology) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes((resources.files("anamorph.technology") / "cards" / "cmos180.toml").read_bytes())
    assert technology.load(path) == cmos180


@pytest.mark.parametrize(
    ("changes", "symbol"),
    [({"w": 0.1 * UM}, "W"), ({"w": 1e-3}, "W"), ({"l": 0.1 * UM}, "L"), ({"l": 1e-3}, "L")],
)
def test_geometry_outside_the_card(cmos180: technology.Technology, changes: dict, symbol: str) -> None:
    with pytest.raises(OutOfDomain) as caught:
        cmos180.mosfet(fet(**changes))
    message = str(caught.value)
    assert f"a transistor's {symbol} is outside" in message
    assert "cmos180.nfet: M1" in message and " to " in message and "got " in message


def test_parallel_devices_add(cmos180: technology.Technology) -> None:
    one, four = cmos180.mosfet(fet()), cmos180.mosfet(fet(m=4))
    for name in ("i_spec", "c_gate", "c_overlap"):
        # products of the same factors, in another order
        np.testing.assert_allclose(getattr(four, name), 4 * getattr(one, name), rtol=1e-15)
    assert four.v_t0 == one.v_t0


def test_narrow_device_has_the_lower_threshold(cmos180: technology.Technology) -> None:
    narrow, wide = (cmos180.mosfet(fet(w=w)).v_t0 for w in (0.27 * UM, 2.7 * UM))
    assert narrow < wide


def test_p_channel_uses_its_own_figures(cmos180: technology.Technology) -> None:
    n, p = cmos180.mosfet(fet()), cmos180.mosfet(fet(polarity="p"))
    assert (n.polarity, p.polarity) == (1, -1)
    assert p.slope_factor == cmos180.value("pfet", "slope_factor") != n.slope_factor


@pytest.mark.parametrize(
    ("changes", "millivolt"),
    # A_VT 3.3 mV um over the root of the gate area, to the digits given
    [
        ({}, 2.994),
        ({"w": 0.27 * UM, "l": 0.54 * UM}, 8.642),
        ({"w": 0.27 * UM, "l": 0.54 * UM, "m": 4}, 4.321),
    ],
)
def test_threshold_mismatch_follows_the_area(cmos180: technology.Technology, changes: dict, millivolt: float) -> None:
    assert 1e3 * cmos180.threshold_sigma(fet(**changes)) == pytest.approx(millivolt, abs=5e-4)


def test_layout_area_counts_every_parallel_device(cmos180: technology.Technology) -> None:
    one, four = cmos180.fet_area(fet()), cmos180.fet_area(fet(m=4))
    assert four == pytest.approx(4 * one, rel=1e-15, abs=0)
    assert one > 2.7 * UM * 0.45 * UM


def test_a_process_with_larger_mismatch_is_another_card(cmos180: technology.Technology):
    worse = cmos180.with_mismatch(3.0)
    fet = dict(synapse(3).fets())["MN0"]
    assert worse.threshold_sigma(fet) == pytest.approx(3 * cmos180.threshold_sigma(fet), rel=1e-12)
    assert worse.figures["pfet"]["a_vt"].basis == "assumed" and "3 times" in worse.figures["pfet"]["a_vt"].source
    assert worse.digest != cmos180.digest and worse.with_mismatch(1.0) is worse
    assert worse.value("nfet", "slope_factor") == cmos180.value("nfet", "slope_factor")
    for factor in (0.0, -1.0, 1e9):
        with pytest.raises(BadInput, match="mismatch"):
            cmos180.with_mismatch(factor)


def test_a_section_that_a_card_may_leave_out_is_checked_where_it_stands_and_asked_for_by_name(
    tables: dict[str, Any],
) -> None:
    logic = technology.load("cmos65").require("digital")
    assert set(logic) == set(card.DIGITAL_PARAMS)
    assert logic["w_n"] == pytest.approx(0.2 * UM)
    with pytest.raises(BadInput, match=r"cmos180: this card has no section \[digital\].*'cmos65'"):
        technology.load("cmos180").require("digital")
    tables["digital"] = {"w_n": {"value": "0.2 um", "source": "me", "basis": "assumed"}}
    assert "my.toml: digital: missing figure 'w_p'" in refusal(tables)


@pytest.mark.parametrize(("polarity", "published"), [("n", 46.3e-9), ("p", 32.6e-9)])
def test_cmos65_leaks_as_the_card_it_was_fitted_to(polarity: str, published: float) -> None:
    # ngspice 39 with the PTM 65 nm card, gate leakage off: W 1 um, L 65 nm, V_DS 1 V; the fit is off by 12 %
    fitted = technology.load("cmos65").mosfet(fet(polarity=polarity, w=1 * UM, l=0.065 * UM))
    parameters = MosfetParameters(*(jnp.asarray(x) for x in fitted))
    volts = Terminals(*(jnp.asarray(v) for v in (1.0, 0.0, 0.0)))
    assert float(drain_current(parameters, volts)) == pytest.approx(published, rel=0.15)
