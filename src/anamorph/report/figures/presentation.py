"""How well the time to output was predicted."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.report.figures.style import BLUE, NEUTRAL, ORANGE, Real, check_length, log_axis, new_plot
from anamorph.report.page import Figure
from anamorph.report.quantity import percent


def predicted_times(
    predicted: Float[Real, " patterns"], measured: Float[Real, " patterns"], reserve: float, name: str = ""
) -> Figure:
    """Time to output against what a law predicts, with the line above which an output is not final in time.

    Args:
        predicted: typical time, s.
        measured: s; NaN where undecided, zero where the answer did not change: these are not shown.
        reserve: in the logarithm of the time.
        name: of the law.

    Raises:
        BadInput: arrays of different lengths, or no decision to show.
    """
    x, y = np.asarray(predicted) * 1e6, np.asarray(measured) * 1e6
    check_length("patterns", "figure 'predicted_times'", len(x), y)
    shown = np.isfinite(y) & (np.nan_to_num(y) > 0)
    if not shown.any():
        raise BadInput("no decision to show", where="figure 'predicted_times'")
    late = y > x * np.exp(reserve)
    plot = new_plot(x_title="", y_title="", height=400)
    plot.update_xaxes(log_axis("Predicted time to output (µs)"))
    plot.update_yaxes(log_axis("Time to output (µs)"))
    for label, chosen, colour in (("final in time", shown & ~late, BLUE), ("later", shown & late, ORANGE)):
        plot.add_trace(
            go.Scatter(
                name=label, x=x[chosen], y=y[chosen], mode="markers", marker={"color": colour, "size": 6},
                hovertemplate="predicted %{x:.3g} µs<br>took %{y:.3g} µs<extra></extra>",
            )
        )  # fmt: skip
    ends = np.array([x[shown].min(), x[shown].max()])
    for label, factor, dash in (("as predicted", 1.0, "dot"), ("with the reserve", float(np.exp(reserve)), "dash")):
        line = {"color": NEUTRAL, "dash": dash, "width": 1.5}
        plot.add_trace(go.Scatter(name=label, x=ends, y=factor * ends, mode="lines", line=line, hoverinfo="skip"))
    said = f" by the law of {name}" if name else ""
    caption = (
        f"Time to output of the test samples against what was predicted{said}. A sample is shown for the predicted "
        f"time, {np.exp(reserve):.2f}-fold; {percent(float(late[shown].mean()), 2)} of these decisions take longer."
    )
    return Figure(plot, caption)
