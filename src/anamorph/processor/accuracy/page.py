"""What an accuracy study shows: a table for the terminal, and a page with plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from anamorph.processor.accuracy.study import TRAININGS, Case, Found
from anamorph.processor.text import aligned
from anamorph.report.figures.style import NEUTRAL, colour, new_plot
from anamorph.report.page import Figure, Page, Section, Table, write_report

COLUMNS = ("memory", "encoding", "bits", "trained", "floating point", "rounded", "chips, mean", "worst", "best")
_DASHES = {"plain": "dot", "rounding": "dash", "cells": "solid"}


def rows(found: Found) -> list[tuple[str, ...]]:
    """A line per design and training."""
    return [
        (case.memory, case.encoding, str(case.bits), TRAININGS[case.training], _percent(case.floating),
         _percent(case.rounded), *_dies(case.dies))
        for case in found.cases
    ]  # fmt: skip


def table(found: Found) -> str:
    """For a terminal."""
    lines = [
        f"{found.title}: {found.weights:,} weights, {found.macs:,} MACs per image, {found.tested:,} test images",
        f"floating point: {_percent(found.floating)} right", "",
        *aligned([COLUMNS, *rows(found)]),
    ]  # fmt: skip
    lines += [f"cannot work: {name}: {reason}" for name, reason in found.refused.items()]
    lines += [f"note: {text}" for text in found.warnings]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def write_page(path: Path, found: Found, result: dict[str, Any]) -> None:
    """Write ``report.html``."""
    best = max(found.cases, key=lambda case: sum(case.dies) / max(len(case.dies), 1))
    page = Page(
        f"Accuracy on memory cells: {found.title}",
        summary=(
            f"{found.tested:,} test images; {_percent(found.floating)} right in floating point. Best on chips: "
            f"{best.memory}, {best.encoding}, {best.bits} bits, trained {TRAININGS[best.training]}: "
            f"{_dies(best.dies)[0]}."
        ),
        metrics=result["metrics"],
        sections=(
            Section(
                "Right answers by bits", "Chips differ in everything that is made, written and drifts; every product "
                "has fresh noise. Bars are the worst and the best chip.",
                figures=_figures(found),
                table=Table(COLUMNS, tuple(rows(found)), "Shares of right answers."),
            ),
        ),
        warnings=(*result["warnings"], *(f"{name} cannot work: {why}" for name, why in found.refused.items())),
        provenance=result["provenance"],
    )  # fmt: skip
    write_report(path, page)


def _figures(found: Found) -> tuple[Figure, ...]:
    designs = dict.fromkeys((case.memory, case.encoding) for case in found.cases)
    return tuple(
        _figure(found, [case for case in found.cases if (case.memory, case.encoding) == design], design)
        for design in designs
    )


def _figure(found: Found, cases: Sequence[Case], design: tuple[str, str]) -> Figure:
    plot = new_plot(x_title="bits of inputs, weights and outputs", y_title="right answers (%)")
    plot.update_xaxes(dtick=1)
    for training in dict.fromkeys(case.training for case in cases):
        number = list(TRAININGS).index(training)
        mine = sorted((case for case in cases if case.training == training and case.dies), key=lambda case: case.bits)
        mean = [100 * sum(case.dies) / len(case.dies) for case in mine]
        plot.add_trace(
            go.Scatter(
                name=f"chips, trained {TRAININGS[training]}", x=[case.bits for case in mine], y=mean,
                mode="lines+markers", line={"color": colour(number), "dash": _DASHES[training]}, marker={"size": 8},
                error_y={"type": "data", "symmetric": False, "thickness": 1, "width": 3,
                         "array": [100 * max(c.dies) - m for c, m in zip(mine, mean, strict=True)],
                         "arrayminus": [m - 100 * min(c.dies) for c, m in zip(mine, mean, strict=True)]},
                hovertemplate="%{x} bits<br>%{y:.2f} %<extra>trained " + TRAININGS[training] + "</extra>",
            )
        )  # fmt: skip
    plot.add_hline(y=100 * found.floating, line={"color": NEUTRAL, "dash": "dot"})
    name = f"{design[0]}, {design[1]}"
    return Figure(plot, f"{name}: mean of the chips; the dotted line is floating point.")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _dies(dies: Sequence[float]) -> tuple[str, str, str]:
    if not dies:
        return "–", "–", "–"
    return _percent(sum(dies) / len(dies)), _percent(min(dies)), _percent(max(dies))
