"""Claims as people write them: what is accepted, and what is said of what is not."""

from __future__ import annotations

from typing import Any

import pytest

from anamorph.errors import BadInput
from anamorph.papers import claims

HEAD = {"title": "A paper", "authors": "A. Author", "year": 2016, "identifier": "doi"}
TIME = {
    "id": "latency", "source": "Figure 1", "quantity": "time to output", "value": "8.5 us", "unit": "us",
    "spread": "2.3 us", "tolerance": "0.5 us", "tolerance_reason": "two digits", "better": "lower",
    "basis": "simulated", "measure": "times",
}  # fmt: skip


def load(*tables: dict[str, Any], **head: Any) -> claims.Paper:
    return claims.from_tables({**HEAD, "claim": list(tables), **head}, "test", "claims.toml")


def changed(**keys: Any) -> dict[str, Any]:
    """The claim `TIME` with keys replaced, or, where None, left out."""
    return {key: value for key, value in {**TIME, **keys}.items() if value is not None}


def refused(*tables: dict[str, Any], **head: Any) -> str:
    with pytest.raises(BadInput) as caught:
        load(*tables, **head)
    return str(caught.value)


def test_values_are_si_and_the_text_is_the_papers() -> None:
    claim = load(TIME).claims[0]
    assert (claim.value, claim.spread, claim.tolerance, claim.scale) == (8.5e-6, 2.3e-6, 5e-7, 1e-6)
    assert claim.text == "8.5 ± 2.3 us"
    assert claim.comparable and claim.bound is None


@pytest.mark.parametrize(
    ("value", "unit", "si"),
    [("98.0 %", "%", 0.98), ("7.97 TOp/J", "TOp/J", 7.97e12), ("0.12 pJ/Op", "pJ/Op", 1.2e-13), (25000, "", 25000.0),
     ("66 kHz", "kHz", 66e3), ("8500 ns", "us", 8.5e-6)],
)  # fmt: skip
def test_units_of_papers(value: Any, unit: str, si: float) -> None:
    table = changed(value=value, unit=unit, spread=None, tolerance=value, tolerance_reason="all of it")
    assert load(table).claims[0].value == si


def test_a_bound_needs_no_tolerance_and_reads_as_one() -> None:
    claim = load(changed(bound="at most", better=None, tolerance=None, tolerance_reason=None, spread=None)).claims[0]
    assert claim.text == "at most 8.5 us" and claim.tolerance == 0


def test_counts_read_as_people_write_them() -> None:
    assert load(changed(value=25000, unit="", spread=None, tolerance=0)).claims[0].text == "25,000"


def test_measurements_are_named_once_in_order() -> None:
    paper = load(TIME, changed(id="b", measure="energies"), changed(id="c"))
    assert paper.measurements == ("times", "energies")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"tolerence": "1 us"}, "claim latency: tolerence: unknown key 'tolerence'. Did you mean 'tolerance'?"),
        ({"value": "8.5 V"}, "claim latency.value: wrong unit"),
        ({"value": 8.5}, "claim latency.value: a number without its unit"),
        ({"value": None}, "claim latency: value: missing"),
        ({"unit": "parsec"}, "claim latency.value: wrong unit"),
        ({"unit": "uz"}, "claim latency.unit: unknown unit"),
        ({"unit": "9**9**9"}, "claim latency.unit: not a unit"),
        ({"tolerance": "-1 us"}, "claim latency.tolerance: out of range"),
        ({"tolerance": None, "tolerance_reason": None}, "expected a value for 'tolerance'"),
        ({"tolerance_reason": None}, "expected a value for 'tolerance_reason'"),
        ({"measure": None}, "expected a value for 'measure'"),
        ({"comparable": False}, "not comparable, and no reason"),
        ({"bound": "at most"}, "a bound has its direction already"),
        ({"better": "lowr"}, "claim latency.better: not a legal value; got 'lowr'. Did you mean 'lower'?"),
        ({"basis": "guessed"}, "claim latency.basis: not a legal value"),
        ({"id": "Time to output"}, "not a usable id"),
        ({"quantity": "x" * 601}, "claim latency: quantity: not a legal value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(keys: dict[str, Any], said: str) -> None:
    message = refused(changed(**keys))
    assert said in message and message.startswith("claims.toml: claim ")


def test_the_file_as_a_whole_is_checked() -> None:
    assert "a claim's id is given twice; got latency" in refused(TIME, TIME)
    assert "unknown key 'titel'. Did you mean 'title'?" in refused(TIME, titel="x")
    assert "at least 1 items" in refused()


def test_a_claim_that_cannot_be_compared_needs_no_measurement() -> None:
    table = changed(comparable=False, why="other chips", measure=None, tolerance=None, tolerance_reason=None)
    assert not load(table).claims[0].comparable


def test_an_unknown_paper_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"no paper named 'binas2016'\. Did you mean 'binas_2016'\?"):
        claims.load("binas2016")
    with pytest.raises(BadInput, match="no paper named"):
        claims.load("../papers/binas_2016")


def test_a_table_names_its_claims() -> None:
    row = {"label": "time", "cells": [["latency"]]}
    paper = load(TIME, table=[{"place": "Table 1", "columns": ["here"], "row": [row]}])
    assert paper.tables[0].rows == (("time", (("latency",),)),)


@pytest.mark.parametrize(
    ("cells", "message"),
    [([["latenci"]], "table 1, row 'time': .*'latenci'.*latency"), ([["latency"], []], "expected 1; got 2")],
)
def test_a_table_that_does_not_fit_is_refused(cells: list, message: str) -> None:
    row = {"label": "time", "cells": cells}
    with pytest.raises(BadInput, match=message):
        load(TIME, table=[{"place": "Table 1", "columns": ["here"], "row": [row]}])
