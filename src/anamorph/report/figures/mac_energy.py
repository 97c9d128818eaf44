"""Errors of networks against the energy of an inference, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Bool, Float

from anamorph.report.figures.style import NEUTRAL, Real, colour, log_axis, new_plot
from anamorph.report.page import Figure


@dataclass(frozen=True)
class EnergyCurve:
    """Errors of one set of weights.

    Attributes:
        name: for the legend.
        energy: of an inference, J.
        error: share of wrong images.
        exists: whether there is such a cell.
        family: curves of one family have one colour.
        dashed: drawn with a broken line.
    """

    name: str
    energy: Float[Real, " points"]
    error: Float[Real, " points"]
    exists: Bool[np.ndarray, " points"]
    family: int
    dashed: bool = False


def error_against_energy(
    curves: Sequence[EnergyCurve], front: tuple[Float[Real, " front"], Float[Real, " front"]], caption: str
) -> Figure:
    """Filled markers are cells that exist, open ones what the same law would give beyond them.

    Args:
        curves: one or more.
        front: energies (J) and errors of the points that no other beats.
        caption: of the figure.
    """
    plot = new_plot(x_title="", y_title="test images that come out wrong (%)")
    plot.update_xaxes(log_axis("energy of all multiplications of an inference (pJ)"))
    plot.update_yaxes(type="log")
    for curve in curves:
        plot.add_trace(
            go.Scatter(
                name=curve.name, x=1e12 * np.asarray(curve.energy), y=100 * np.asarray(curve.error),
                mode="lines+markers",
                line={"color": colour(curve.family), "dash": "dash" if curve.dashed else "solid"},
                marker={"symbol": ["circle" if real else "circle-open" for real in curve.exists], "size": 8},
                hovertemplate="%{x:.3g} pJ<br>%{y:.2f} %<extra>" + curve.name + "</extra>",
            )
        )  # fmt: skip
    plot.add_trace(
        go.Scatter(name="front of cells that exist", x=1e12 * np.asarray(front[0]), y=100 * np.asarray(front[1]),
                   mode="lines", line={"color": NEUTRAL, "width": 6}, opacity=0.45)
    )  # fmt: skip
    return Figure(plot, caption)
