"""What a decision costs: time against power, and energy per operation (Fig. 4 of Binas et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.report.figures.style import NEUTRAL, Real, axis, check_length, colour, layout, new_plot, plain, prefixed
from anamorph.report.page import Figure
from anamorph.report.quantity import quantity

#: Shares of width and height of the main plot; the histograms have the rest, behind a gap.
MAIN, SIDE = 0.83, 0.86
#: Bins of the side histograms and of the energies.
SIDE_BINS, ENERGY_BINS = 24, 30
#: Room around the points, as a factor.
ROOM = 1.2
#: Round numbers of a decade.
STEPS = (1.0, 2.0, 5.0)
#: Times below this part of the median are below the axis: a few patterns decide at once.
FASTEST = 0.05


@dataclass(frozen=True)
class Decided:
    """Decisions of one operating condition.

    Attributes:
        name: shown in the legend, such as ``"15 nA"``.
        time: time to output, s; NaN for patterns that have none, zero where the class never differed.
        energy: per operation, up to the time to output, J.
    """

    name: str
    time: Float[Real, " patterns"]
    energy: Float[Real, " patterns"]


@dataclass(frozen=True)
class Course:
    """Energy per operation of one operating condition as a function of how long it runs.

    Attributes:
        name: shown in the legend.
        run_time: s.
        energy: per operation, J; NaN for patterns without an answer.
    """

    name: str
    run_time: Float[Real, " times"]
    energy: Float[Real, "patterns times"]


def time_against_power(groups: Sequence[Decided], operations: int) -> Figure:
    """Time to output against the mean power until then, with lines of equal operations per energy (Fig. 4a).

    Args:
        groups: one per operating condition.
        operations: multiply-accumulate operations of one inference.

    Raises:
        BadInput: no pattern with a time above zero.
    """
    points = [_times_and_powers(group, operations) for group in groups]
    everything = np.concatenate(points, axis=1)
    if not everything.size:
        raise BadInput("no decision took any time", where="figure 'time_against_power'")
    fastest = FASTEST * float(np.median(everything[0]))
    low = np.array([max(everything[0].min(), fastest), everything[1].min()]) / ROOM
    high = everything.max(axis=1) * ROOM
    plot = go.Figure(layout=layout("Mean power until the output (µW)", "Time to output (µs)", height=520))
    units = 1e6
    plot.update_layout(
        xaxis=_log_axis("Mean power until the output (µW)", low[1] * units, high[1] * units, domain=[0, MAIN]),
        yaxis=_log_axis("Time to output (µs)", low[0] * units, high[0] * units, domain=[0, SIDE]),
        xaxis2=axis("", domain=[MAIN + 0.02, 1], showgrid=False, showticklabels=False, ticks="", fixedrange=True),
        yaxis2=axis("", domain=[SIDE + 0.02, 1], showgrid=False, showticklabels=False, ticks="", fixedrange=True),
    )
    _equal_efficiency(plot, low, high, operations)
    for index, (group, (time, power)) in enumerate(zip(groups, points, strict=True)):
        _cloud(plot, plain(group.name), time, power, operations, index)
        _side(plot, power * units, low[1] * units, high[1] * units, index, across=True)
        _side(plot, time * units, low[0] * units, high[0] * units, index, across=False)
    below, left = int((everything[0] < low[0]).sum()), sum(len(g.time) for g in groups) - everything.shape[1]
    caption = (
        "Time to output of each pattern against the power until then, with the distributions of both at the sides. "
        f"On a dashed line every pattern has the same operations per energy; one inference has {operations:,}."
    )
    if below:
        caption += f" {below} that took less than {quantity(float(low[0]), 's', 2)} are below the axis."
    if left:
        caption += f" {left} patterns whose class never differed, or that did not reach it, are not drawn."
    return Figure(plot, caption, wide=True)


def _times_and_powers(group: Decided, operations: int) -> np.ndarray:
    time, energy = np.asarray(group.time, float), np.asarray(group.energy, float)
    check_length("energies", f"figure 'time_against_power': {group.name}", len(time), energy)
    shown = np.isfinite(time) & np.isfinite(energy) & (time > 0) & (energy > 0)
    return np.stack([time[shown], operations * energy[shown] / time[shown]])


def _log_axis(title: str, low: float, high: float, **more: object) -> dict:
    """Labels at few round numbers: such data span about one decade."""
    ticks = _round_numbers(low, high, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0) if high < 10 * low else STEPS)
    text = [f"{tick:.12g}" for tick in ticks]
    return axis(title, type="log", range=[np.log10(low), np.log10(high)], tickvals=ticks, ticktext=text, **more)


def _round_numbers(low: float, high: float, steps: tuple[float, ...] = STEPS) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [step * 10.0**d for d in decades for step in steps if low <= step * 10.0**d <= high]


def _equal_efficiency(plot: go.Figure, low: np.ndarray, high: np.ndarray, operations: int) -> None:
    """Straight lines of slope -1: time = operations / (efficiency * power)."""
    least, most = operations / (high[0] * high[1]), operations / (low[0] * low[1])
    scale, unit = prefixed("Op/J", np.array([np.sqrt(least * most)]))
    for efficiency in _round_numbers(least * scale, most * scale):
        product = operations / (efficiency / scale)
        ends = np.array([max(low[1], product / high[0]), min(high[1], product / low[0])])
        if ends[1] < ends[0] * 1.2:
            continue  # only a corner
        label = f"{efficiency:.12g} {unit}"
        plot.add_trace(
            go.Scatter(
                x=ends * 1e6, y=product / ends * 1e6, mode="lines", showlegend=False,
                line={"color": NEUTRAL, "width": 1, "dash": "dash"}, hoverinfo="skip",
            )
        )  # fmt: skip
        # annotations, unlike traces, are placed on a logarithmic axis by the exponent
        plot.add_annotation(
            x=np.log10(ends[0] * 1e6), y=np.log10(product / ends[0] * 1e6), text=label, showarrow=False,
            xanchor="left", yanchor="top" if product / ends[0] > 0.98 * high[0] else "bottom", xshift=6,
            font={"size": 11, "color": NEUTRAL},
        )  # fmt: skip


def _cloud(plot: go.Figure, name: str, time: np.ndarray, power: np.ndarray, operations: int, index: int) -> None:
    efficiency = operations / (power * time)
    plot.add_trace(
        go.Scatter(
            name=name, legendgroup=name, x=power * 1e6, y=time * 1e6, mode="markers",
            marker={"color": colour(index), "size": 5, "opacity": 0.55},
            customdata=efficiency / 1e12,
            hovertemplate=f"{name}<br>%{{x:.4g}} µW for %{{y:.4g}} µs<br>%{{customdata:.3g}} TOp/J<extra></extra>",
        )
    )  # fmt: skip


def _side(plot: go.Figure, values: np.ndarray, low: float, high: float, index: int, *, across: bool) -> None:
    """A histogram in steps beside the main plot: bars have no width on a logarithmic axis."""
    edges = np.geomspace(low, high, SIDE_BINS + 1)
    counts = np.histogram(values, edges)[0]
    along, count = np.repeat(edges, 2), np.concatenate([[0], np.repeat(counts, 2), [0]])
    x, y = (along, count) if across else (count, along)
    plot.add_trace(
        go.Scatter(
            x=x, y=y, xaxis="x" if across else "x2", yaxis="y2" if across else "y", mode="lines", fill="toself",
            line={"color": colour(index), "width": 1.2}, opacity=0.6, showlegend=False, hoverinfo="skip",
        )
    )  # fmt: skip


def energy_against_run_time(courses: Sequence[Course]) -> Figure:
    """Energy per operation when every pattern runs for the same time: mean, and one standard deviation (Fig. 4b).

    Args:
        courses: one per operating condition.

    Raises:
        BadInput: a course without a pattern that has an answer.
    """
    plot = new_plot(x_title="Run time (µs)", y_title="Energy per operation (pJ)", height=420, scale_choice="y")
    for index, course in enumerate(courses):
        energy = np.asarray(course.energy, float)
        energy = 1e12 * energy[np.isfinite(energy).all(axis=1)]
        if not len(energy):
            raise BadInput("no pattern has an answer", where=f"figure 'energy_against_run_time': {course.name}")
        name, time = plain(course.name), 1e6 * np.asarray(course.run_time)
        mean, spread = energy.mean(axis=0), energy.std(axis=0)
        band = np.concatenate([mean + spread, (mean - spread)[::-1]])
        plot.add_trace(
            go.Scatter(
                x=np.concatenate([time, time[::-1]]), y=band, mode="lines", fill="toself", legendgroup=name,
                line={"color": colour(index), "width": 0}, opacity=0.35, showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
        plot.add_trace(
            go.Scatter(
                name=name, legendgroup=name, x=time, y=mean, mode="lines", line={"color": colour(index), "width": 2},
                hovertemplate=f"{name}<br>%{{x:.3g}} µs<br>%{{y:.3g}} pJ<extra></extra>",
            )
        )  # fmt: skip
    return Figure(
        plot,
        "Energy per operation of patterns that run for a fixed time, as at a fixed rate of inputs: mean over the "
        "patterns, and one standard deviation on either side.",
    )


def energy_histogram(groups: Sequence[Decided]) -> Figure:
    """Energy per operation if the network were stopped as soon as its output is final (Fig. 4c).

    Args:
        groups: one per operating condition.

    Raises:
        BadInput: no pattern reached its output.
    """
    found = [1e12 * np.asarray(g.energy, float)[np.isfinite(np.asarray(g.energy, float))] for g in groups]
    if not sum(map(len, found)):
        raise BadInput("no pattern reached its output", where="figure 'energy_histogram'")
    edges = np.linspace(0.0, float(np.concatenate(found).max()) * 1.001 or 1.0, ENERGY_BINS + 1)
    plot = new_plot(x_title="Energy per operation until the output (pJ)", y_title="Patterns", height=420)
    plot.update_layout(barmode="overlay", bargap=0.04)
    means = []
    for index, (group, values) in enumerate(zip(groups, found, strict=True)):
        name = plain(group.name)
        plot.add_trace(
            go.Bar(
                name=name, x=(edges[1:] + edges[:-1]) / 2, y=np.histogram(values, edges)[0],
                marker={"color": colour(index)}, opacity=0.6,
                hovertemplate=f"{name}<br>%{{x:.3g}} pJ<br>%{{y}} patterns<extra></extra>",
            )
        )  # fmt: skip
        if len(values):
            means.append(f"{quantity(values.mean() * 1e-12, 'J')} at {group.name}")
    return Figure(
        plot,
        "Energy per operation if every pattern were taken away as soon as its output is final; "
        f"mean {' and '.join(means)}.",
    )
