"""Text with a unit to SI and back, and text that must be refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anamorph import units
from anamorph.errors import BadInput

# one rounding of the decimal text and one of the scaling, each half of float64's 2.2e-16
ROUNDING = 4.5e-16


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("325 nA", "A", 325e-9),
        ("325nA", "A", 325e-9),
        (" 1.8  V ", "V", 1.8),
        ("-.5 V", "V", -0.5),
        ("1e3 ohm", "ohm", 1e3),
        ("10 GΩ", "ohm", 10e9),
        ("1 µA", "A", 1e-6),  # micro sign
        ("1 μA", "A", 1e-6),  # Greek mu
        ("27 degC", "K", 300.15),
        ("-40 °C", "K", 233.15),
        ("300 K", "K", 300.0),
        ("5 %", "", 0.05),
        ("5%", "", 0.05),
        ("1.41", "", 1.41),
        (1.41, "", 1.41),
        (3, "", 3.0),
        ("3.3 mV*um", "V*m", 3.3e-9),
        ("1.3 1/V", "1/V", 1.3),
        ("-0.37 mV/K", "V/K", -0.37e-3),
        ("8.42 fF/um^2", "F/m^2", 8.42e-3),
        ("8.42 fF/um**2", "F/m^2", 8.42e-3),
        ("1.45 um²", "m^2", 1.45e-12),
    ],
)
def test_si_value(text: str | float, unit: str, value: float) -> None:
    assert units.parse(text, unit, where="card") == pytest.approx(value, rel=4 * ROUNDING, abs=0)


@pytest.mark.parametrize(
    ("written", "unit", "words"),
    [
        ("0.45 A", "V", ["wrong unit", "a quantity in V", "'0.45 A'"]),
        ("27 C", "K", ["wrong unit", "'27 C'"]),
        ("5 V", "", ["wrong unit", "a pure number"]),
        ("0.45", "V", ["wrong unit", "'0.45'"]),
        (325, "A", ["without its unit", 'for example "325 A"']),
        ("0.4 v", "V", ["unknown unit", "'0.4 v'"]),
        ("1 furlongg", "m", ["unknown unit", "'1 furlongg'"]),
        ("nan A", "A", ["not a finite number", "'nan A'"]),
        ("-inf A", "A", ["not a finite number"]),
        ("1e400 V", "V", ["not a finite number"]),
        (math.nan, "", ["not a finite number"]),
        (10**400, "", ["not a finite number"]),
        ("", "V", ["not a quantity"]),
        ("V", "V", ["not a quantity"]),
        ("1,5 V", "V", ["not a quantity"]),
        ("1 kV\x00", "V", ["not a quantity"]),
        (True, "A", ["not a quantity", "True"]),
        (None, "A", ["not a quantity", "None"]),
        (["1 A"], "A", ["not a quantity"]),
    ],
)
def test_refusals_say_where_what_and_got(written: object, unit: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        units.parse(written, unit, where="cards/x.toml: nfet.v_t_long")
    message = str(caught.value)
    for word in ["cards/x.toml: nfet.v_t_long", *words]:
        assert word in message


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') V",
        "1 V; import os",
        "1 A\n.control\nshell true\n.endc",
        "(lambda: 1)() V",
        "10 nA + 5 nA",
        # arithmetic that would fill the memory or never end, had anything evaluated it
        "9**9**9**9 V",
        "1 V^9^9^9^9",
        "1 V**999999999",
        "1 " + "(" * 29 + "V" + ")" * 29,
    ],
)
def test_text_is_never_evaluated(text: str) -> None:
    with pytest.raises(BadInput, match="not a quantity"):
        units.parse(text, "V", where="card")


def test_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(BadInput, match="not a quantity") as caught:
        units.parse("1" * 10_000, "V", where="card")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (325e-9, "A", "325 nA"),
        (-2e-9, "A", "-2 nA"),
        (0.0, "A", "0 A"),
        (1.8, "V", "1.8 V"),
        (999.96e-9, "A", "1 uA"),
        (1e-21, "A", "0.001 aA"),
        (0.05, "%", "5 %"),
        (1.45e-12, "m^2", "1.45 µm²"),
        (2e-7, "m^2", "0.2 mm²"),
        (27.0, "degC", "27 °C"),
        (0.25, "", "0.25"),
        (1238.0, "", "1,238"),
        (math.nan, "V", "nan V"),
    ],
)
def test_shown_with_a_prefix(value: float, unit: str, text: str) -> None:
    assert units.show(value, unit) == text


@given(st.floats(1e-17, 1e11), st.sampled_from(["A", "V", "F", "s", "W", "J", "Hz", "V^2"]))
def test_shown_text_reads_back(value: float, unit: str) -> None:
    # seven digits shown: half a unit of the last of them
    shown = units.show(value, unit, digits=7)
    assert units.parse(shown, unit, where="here") == pytest.approx(value, rel=5.1e-7, abs=0)


@pytest.mark.parametrize(
    ("unit", "si"),
    [
        ("", 1.0),
        ("%", 0.01),
        ("us", 1e-6),
        ("kHz", 1e3),
        ("J", 1.0),
        ("pJ/Op", 1e-12),
        ("TOp/J", 1e12),
        ("um^2", 1e-12),
    ],
)
def test_the_size_of_a_unit(unit: str, si: float):
    assert units.factor(unit, where="here") == si


@pytest.mark.parametrize("unit", ["furlongs_per", "9**9**9", "m; import os", "x" * 80, "uz"])
def test_what_is_no_unit_is_refused(unit: str):
    with pytest.raises(BadInput, match="^here: "):
        units.factor(unit, where="here")
