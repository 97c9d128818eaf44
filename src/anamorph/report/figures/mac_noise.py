"""Errors of networks against the noise of their multiplications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.report.figures.style import NEUTRAL, Real, colour, log_axis, new_plot
from anamorph.report.page import Figure


@dataclass(frozen=True)
class ErrorCurve:
    """Errors of one set of weights.

    Attributes:
        name: for the legend.
        error: shares of wrong images, ``[powers, draws]``.
        family: curves of one family have one colour.
        dashed: drawn with a broken line.
    """

    name: str
    error: Float[Real, "powers draws"]
    family: int
    dashed: bool = False


def error_against_noise(
    powers: Float[Real, " powers"], curves: Sequence[ErrorCurve], marked: float, caption: str
) -> Figure:
    """Mean error of the draws against noise power; a bar from the best draw to the worst.

    Args:
        powers: V^2.
        curves: with as many rows as powers.
        marked: a power to show as a line, V^2.
        caption: of the figure.
    """
    plot = new_plot(x_title="", y_title="test images that come out wrong (%)")
    plot.update_xaxes(log_axis("integrated noise power of a branch (10⁻⁶ V²)"))
    for curve in curves:
        error = 100 * np.asarray(curve.error)
        mean = error.mean(axis=1)
        plot.add_trace(
            go.Scatter(
                name=curve.name, x=np.asarray(powers) * 1e6, y=mean, mode="lines+markers",
                line={"color": colour(curve.family), "dash": "dash" if curve.dashed else "solid"},
                error_y={"type": "data", "symmetric": False, "array": error.max(axis=1) - mean,
                         "arrayminus": mean - error.min(axis=1), "thickness": 1, "width": 3},
                hovertemplate="%{x:.3g} × 10⁻⁶ V²<br>%{y:.2f} %<extra>" + curve.name + "</extra>",
            )
        )  # fmt: skip
    plot.add_vline(x=marked * 1e6, line={"color": NEUTRAL, "dash": "dot"})
    return Figure(plot, caption)
