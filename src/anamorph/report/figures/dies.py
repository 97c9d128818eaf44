"""Many dies at once: accuracy and yield, with and without compensation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.report.figures.style import (
    BLUE,
    NEUTRAL,
    ORANGE,
    Real,
    axis,
    check_length,
    colour,
    new_plot,
    plain,
)
from anamorph.report.page import Figure
from anamorph.report.quantity import percent


def accuracy_histogram(
    compensated: Float[Real, " dies"], uncompensated: Float[Real, " _"], accuracy_min: float
) -> Figure:
    """How many dies reach which accuracy, trained through the measurement and without it.

    Args:
        compensated: accuracy of each die, 0 to 1, trained through its own measured slopes.
        uncompensated: the same without the measurement.
        accuracy_min: accuracy that a good die reaches.

    Raises:
        BadInput: no die.
    """
    groups = [
        ("compensated", np.asarray(compensated), BLUE),
        ("uncompensated", np.asarray(uncompensated), ORANGE),
    ]
    finite = np.concatenate([values[np.isfinite(values)] for _, values, _ in groups])
    if not len(finite):
        raise BadInput("no die to show", where="figure 'accuracy_histogram'")
    step = _bin_width(finite)
    # Accuracies may be float32: 27 of 30 is then a little less than 0.9.
    required = accuracy_min - 1e-6
    # Bins are centred on 1: an accuracy of 100 % is a value of its own, not the edge of one.
    index = np.arange(np.round((1 - finite.min()) / step), -1, -1)
    centres = 1 - step * index
    plot = new_plot(x_title="Accuracy on the test patterns (%)", y_title="Dies", height=400)
    plot.update_layout(bargap=0.15, bargroupgap=0.05, barmode="group")
    for name, values, fill in groups:
        edges = np.append(centres - step / 2, centres[-1] + step / 2)
        counts = np.histogram(values[np.isfinite(values)], edges)[0]
        plot.add_trace(
            go.Bar(
                name=name,
                x=100 * centres,
                y=counts,
                marker={"color": fill},
                hovertemplate=f"{name}<br>accuracy %{{x:.1f}} %<br>%{{y}} dies<extra></extra>",
            )
        )
    plot.add_vline(
        # Between the last bin that fails and the first that passes, not through the middle of a bin.
        x=100 * (float(centres[centres >= required].min()) - step / 2),
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        annotation={"text": f"required: {percent(accuracy_min)}", "xanchor": "right", "showarrow": False},
    )
    reached = [f"{int((v >= required).sum())} of {len(v)} {name}" for name, v, _ in groups]
    caption = (
        "Accuracy of each die at transistor level, with the network trained through that die's own measured "
        "slopes (compensated) and without the measurement (uncompensated). Dies that reach "
        f"{percent(accuracy_min)}: "
        f"{' and '.join(reached)}."
    )
    missing = sum(int((~np.isfinite(v)).sum()) for _, v, _ in groups)
    return Figure(plot, caption + (f" {missing} without a result are not drawn." if missing else ""))


def _bin_width(accuracy: np.ndarray) -> float:
    """The smallest step between two accuracies (one pattern more or less), between 0.5 % and 5 %."""
    steps = np.diff(np.unique(np.round(accuracy, 6)))
    return float(np.clip(steps.min(), 0.005, 0.05)) if len(steps) else 0.05


def yield_bars(
    names: Sequence[str],
    value: Float[Real, " groups"],
    low: Float[Real, " groups"],
    high: Float[Real, " groups"],
    n_dies: int,
    confidence: float = 0.95,
) -> Figure:
    """Share of good dies, with its confidence interval.

    Args:
        names: of the groups, for example compensated and uncompensated.
        value: yield of each, 0 to 1.
        low: lower end of the interval.
        high: upper end.
        n_dies: dies in each group.
        confidence: of the interval.
    """
    share, below, above = (100 * np.asarray(v, dtype=float) for v in (value, low, high))
    for what, got in (("yields", share), ("lower ends", below), ("upper ends", above)):
        check_length(what, "figure 'yield_bars'", len(names), got)
    plot = new_plot(x_title="", y_title="Yield (%)", height=400, showlegend=False)
    plot.update_layout(yaxis=axis("Yield (%)", range=[0, 104]), bargap=0.5)
    plot.update_layout(margin={"t": 40})
    for index, name in enumerate(names):
        plot.add_trace(_bar(plain(name), share[index], below[index], above[index], colour(index)))
    return Figure(
        plot,
        f"Share of {n_dies} dies that reach the required accuracy. Error bars are {percent(confidence)} "
        "confidence intervals: what the number of dies allows to be said of all dies.",
    )


def _bar(name: str, share: float, below: float, above: float, fill: str) -> go.Bar:
    """A pale bar, so that its interval is seen in front of it."""
    return go.Bar(
        x=[name],
        y=[share],
        marker={"color": _pale(fill), "line": {"color": fill, "width": 1.5}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [above - share],
            "arrayminus": [share - below],
            "color": fill,
            "thickness": 2.5,
            "width": 10,
        },
        hovertemplate=f"%{{x}}: %{{y:.1f}} %<br>{below:.1f} to {above:.1f} %<extra></extra>",
    )


def _pale(hexadecimal: str) -> str:
    red, green, blue = (int(hexadecimal[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"
