"""Messages have all their parts, and a misspelt name gets the nearest known one."""

from __future__ import annotations

import pytest

from anamorph.errors import (
    AnamorphError,
    BadInput,
    DoesNotFit,
    Interrupted,
    NotConverged,
    OutOfDomain,
    nearest,
)


def test_message_holds_where_what_expected_got_and_advice_in_order() -> None:
    error = BadInput(
        "wrong unit", where="x.toml: nfet.v_t_long", expected="volts", got="0.45 A", advice="Write 450 mV."
    )
    assert str(error) == "x.toml: nfet.v_t_long: wrong unit; expected volts; got 0.45 A. Write 450 mV."
    parts = (error.what, error.where, error.expected, error.got, error.advice)
    assert parts == ("wrong unit", "x.toml: nfet.v_t_long", "volts", "0.45 A", "Write 450 mV.")


def test_message_without_parts_is_one_sentence() -> None:
    assert str(BadInput("no source.")) == "no source."
    assert str(BadInput("no source")) == "no source."


@pytest.mark.parametrize(
    ("kind", "status"),
    [(BadInput, 2), (OutOfDomain, 2), (DoesNotFit, 2), (NotConverged, 3), (Interrupted, 3)],
)
def test_exit_status(kind: type[AnamorphError], status: int) -> None:
    assert issubclass(kind, AnamorphError)
    assert kind("x").exit_status == status


def test_nearest_names_one_when_one_is_near() -> None:
    assert nearest("v_t_lng", ["v_t_long", "c_ox"]) == "Did you mean 'v_t_long'?"


def test_nearest_lists_all_when_none_is_near() -> None:
    assert nearest("zzz", ["iris", "digits"]) == "Known: digits, iris."
