"""Numbers of a result as the rows of a report: engineering units, intervals, basis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anamorph.errors import BadInput, nearest
from anamorph.report.quantity import quantity

#: What the words in the column "basis" mean; shown when the pointer rests on one.
BASIS = {
    "measured": "read from a chip, as a bench would",
    "simulated": "computed from the circuit's equations",
    "published": "taken from the named source",
    "scaled": "scaled from a figure of another process or size",
    "calibrated": "adjusted until a known figure came out",
    "assumed": "no source; a stated assumption",
}


@dataclass(frozen=True)
class MetricRow:
    """One metric as text; `key` is its name in ``result.json``."""

    key: str
    name: str
    value: str
    interval: str
    basis: str
    basis_note: str
    n: str


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[MetricRow, ...]:
    """Rows of the metrics table, in the given order.

    Raises:
        BadInput: an entry has no ``value`` or one that is not a number.
    """
    return tuple(_row(key, entry) for key, entry in metrics.items())


def headline(metrics: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> tuple[MetricRow, ...]:
    """Rows of the metrics shown large.

    Raises:
        BadInput: a name that is no metric.
    """
    for name in names:
        if name not in metrics:
            raise BadInput("no such metric", where="report headline", got=name, advice=nearest(name, metrics))
    return metric_rows({name: metrics[name] for name in names})


def flatten(tree: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Nested provenance as rows of dotted name and text: ``{"a": {"b": 1}}`` gives ``("a.b", "1")``."""
    return tuple(_leaves(tree, ""))


def _leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", ", ".join(str(item) for item in value)
        else:
            yield f"{prefix}{key}", str(value)


def _row(key: str, entry: Mapping[str, Any]) -> MetricRow:
    where = f"report metric '{key}'"
    if "value" not in entry:
        raise BadInput("a metric without a value", where=where, got=", ".join(entry) or "nothing")
    unit = str(entry.get("unit") or "")
    n, basis = entry.get("n"), str(entry.get("basis") or "")
    return MetricRow(
        key=key,
        name=_titled(key.replace("_", " ")),
        value=_number(entry["value"], unit, where),
        interval=_interval(entry.get("low"), entry.get("high"), unit, where),
        basis=basis,
        basis_note=BASIS.get(basis, ""),
        n="" if n is None else f"{n:,}",
    )


def _interval(low: Any, high: Any, unit: str, where: str) -> str:
    if low is None and high is None:
        return ""
    if low is None:
        return f"≤ {_number(high, unit, where)}"
    if high is None:
        return f"≥ {_number(low, unit, where)}"
    return f"{_number(low, unit, where)} to {_number(high, unit, where)}"


def _number(value: Any, unit: str, where: str) -> str:
    if value is None:
        return "not available"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput("not a number", where=where, expected=f"a number in {unit or '1'}", got=repr(value))
    if value != value:
        return "not available"
    return quantity(float(value), unit)


def _titled(text: str) -> str:
    """The same with its first letter large; the others stay, as some are units."""
    return text[:1].upper() + text[1:]
