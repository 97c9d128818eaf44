"""The status of a claim: every branch, on both sides of every limit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from anamorph.papers import claims
from anamorph.papers.ledger import NOT_MEASURED, STATUSES, compare, count, figure_text
from anamorph.papers.measure import Measured, left_out


def claim(**keys: Any) -> claims.Claim:
    table = {
        "id": "x", "source": "Table 1", "quantity": "accuracy", "value": "97.6 %", "unit": "%", "tolerance": "0.2 %",
        "tolerance_reason": "rounded", "basis": "simulated", "measure": "m", **keys,
    }  # fmt: skip
    table = {key: value for key, value in table.items() if value is not None}
    head = {"title": "t", "authors": "a", "year": 2016, "identifier": "i"}
    return claims.from_tables({**head, "claim": [table]}, "test", "claims.toml").claims[0]


@pytest.mark.parametrize(
    ("better", "here", "status"),
    [
        ("higher", 0.976, "agree"),
        ("higher", 0.978, "agree"),  # at the limit
        ("higher", 0.974, "agree"),
        ("higher", 0.9781, "better"),
        ("higher", 0.9739, "worse"),
        ("lower", 0.9781, "worse"),
        ("lower", 0.9739, "better"),
        (None, 0.9781, "worse"),
        (None, 0.9739, "worse"),
        (None, 0.9755, "agree"),
        ("higher", math.nan, "missed"),
        ("higher", math.inf, "missed"),
    ],
)
def test_tolerance_and_direction(better: str | None, here: float, status: str) -> None:
    assert compare(claim(better=better), Measured(here)).status == status


@pytest.mark.parametrize(
    ("bound", "here", "status"),
    [("at most", 0.9, "agree"), ("at most", 0.976, "agree"), ("at most", 0.977, "worse"),
     ("at least", 0.98, "agree"), ("at least", 0.976, "agree"), ("at least", 0.97, "worse")],
)  # fmt: skip
def test_an_inequality_holds_or_not(bound: str, here: float, status: str) -> None:
    limit = claim(bound=bound, tolerance=None, tolerance_reason=None)
    assert compare(limit, Measured(here)).status == status


def test_a_bound_may_have_a_tolerance() -> None:
    assert compare(claim(bound="at least"), Measured(0.975)).status == "agree"
    assert compare(claim(bound="at least"), Measured(0.973)).status == "worse"


def test_what_is_not_measured_is_missed_and_stays() -> None:
    row = compare(claim(note="Of one die."), None, NOT_MEASURED)
    assert (row.status, row.here, row.paper) == ("missed", None, 97.6)
    assert row.note == "Not measured by this version. Of one die."


def test_what_did_not_converge_is_missed() -> None:
    row = compare(claim(), Measured(None))
    assert (row.status, row.here, row.note) == ("missed", None, "Did not converge.")


def test_a_measurement_may_say_why_it_has_no_figure() -> None:
    assert compare(claim(), Measured(None, note="Left out.")).note == "Left out."


def test_not_comparable_says_why_with_or_without_a_figure() -> None:
    apart = claim(comparable=False, why="Another scale.")
    seen, unseen = compare(apart, Measured(0.5, n=3)), compare(apart, None, "The card is gone.")
    assert seen.status == unseen.status == "not comparable"
    assert seen.here == 50.0 and seen.note == "Another scale. Simulated, n = 3."
    assert unseen.here is None and unseen.note == "Another scale. The card is gone."


def test_rows_are_in_the_papers_unit() -> None:
    row = compare(claim(), Measured(0.9762, 0.97, 0.98, 10_000, note="On 10 dies."))
    assert row.json() == {
        "id": "x", "source": "Table 1", "quantity": "accuracy", "paper": 97.6, "here": 97.62, "unit": "%",
        "tolerance": 0.2, "status": "agree", "note": "Simulated, n = 10,000, 97 to 98 %. On 10 dies.",
    }  # fmt: skip


def test_what_a_quick_ledger_leaves_out_is_neither_missed_nor_passed() -> None:
    row = compare(claim(bound="at least"), left_out("too few samples"))
    assert (row.status, row.here) == ("left out", None)
    assert row.note.startswith("Not measured by --quick: too few samples.")


def test_counting() -> None:
    rows = tuple(compare(claim(better="higher"), Measured(v)) for v in (0.976, 0.9, 0.99, 0.976, None))
    assert count(rows) == "5 claims: 2 agree, 1 better, 1 worse, 1 missed"
    assert {row.status for row in rows} < set(STATUSES)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(97.62, "%", "97.62 %"), (277990.0, "", "277,990"), (98.0, "", "98"), (0.123456, "pJ/Op", "0.1235 pJ/Op"),
     (None, "us", "–"), (1234.5, "us", "1234 us"), (2458.0, "um^2", "2,458 µm²")],
)  # fmt: skip
def test_numbers_as_people_read_them(value: float | None, unit: str, text: str) -> None:
    assert figure_text(value, unit) == text
