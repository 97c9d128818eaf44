"""Numbers of a result as rows of a report."""

import math

import pytest

from anamorph.errors import BadInput
from anamorph.report.quantity import percent, quantity
from anamorph.report.rows import flatten, headline, metric_rows


def _plain(text: str) -> str:
    """With ordinary spaces, as a reader sees it."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.25e-7, "A", "325 nA"),
        (1.5e-5, "s", "15 µs"),
        (0.0, "J", "0 J"),
        (0.9667, "%", "96.7 %"),
        (3.1e-9, "m^2", "3,100 µm²"),
        (42.0, "", "42"),
        (25100.0, "", "25,100"),
        (1.0, "unit", "1 unit"),
    ],
)
def test_quantity(value, unit, text) -> None:
    assert _plain(quantity(value, unit)) == text
    assert " " not in quantity(value, unit), "number and unit must stay on one line"


def test_percent() -> None:
    assert _plain(percent(0.05)) == "5 %"


def test_a_row_has_value_interval_basis_and_n() -> None:
    metrics = {"energy_per_inference": {"value": 1.24e-11, "unit": "J", "low": 1e-11, "high": 2e-11,
                                        "basis": "simulated", "n": 3000}}  # fmt: skip
    (row,) = metric_rows(metrics)
    assert row.name == "Energy per inference"
    assert _plain(row.value) == "12.4 pJ"
    assert _plain(row.interval) == "10 pJ to 20 pJ"
    assert (row.basis, row.n) == ("simulated", "3,000")
    assert row.basis_note


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(None, None, ""), (0.5, None, "≥ 50 %"), (None, 0.5, "≤ 50 %")],
)
def test_open_intervals(low, high, text) -> None:
    (row,) = metric_rows({"yield": {"value": 0.5, "unit": "%", "low": low, "high": high}})
    assert _plain(row.interval) == text


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_value_is_said(value) -> None:
    (row,) = metric_rows({"latency": {"value": value, "unit": "s"}})
    assert row.value == "not available"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"unit": "s"}, r"'latency': a metric without a value"),
        ({"value": "fast", "unit": "s"}, r"'latency': not a number; expected a number in s; got 'fast'"),
        ({"value": True}, r"'latency': not a number"),
    ],
)
def test_malformed_metrics_are_named(entry, message) -> None:
    with pytest.raises(BadInput, match=message):
        metric_rows({"latency": entry})


def test_headline_keeps_its_own_order_and_names_a_misspelling() -> None:
    metrics = {"accuracy": {"value": 0.9}, "yield": {"value": 0.8}}
    assert [row.key for row in headline(metrics, ("yield", "accuracy"))] == ["yield", "accuracy"]
    with pytest.raises(BadInput, match="Did you mean 'accuracy'"):
        headline(metrics, ("acuracy",))


def test_provenance_is_flattened_in_order() -> None:
    tree = {"seed": 1, "versions": {"jax": "0.5", "os": {"name": "Linux"}}, "sources": ["a", "b"]}
    assert flatten(tree) == (
        ("seed", "1"),
        ("versions.jax", "0.5"),
        ("versions.os.name", "Linux"),
        ("sources", "a, b"),
    )


def test_units_in_a_name_keep_their_letters() -> None:
    (row,) = metric_rows({"3 bits: added at 1e-06 V^2": {"value": 0.01, "unit": "%"}})
    assert row.name == "3 bits: added at 1e-06 V^2"
