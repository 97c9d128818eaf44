"""A whole network changing its mind: currents of hidden and output neurons (Fig. 3 of Binas et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.report.figures.style import NEUTRAL, Real, axis, check_length, colour, layout, plain, prefixed
from anamorph.report.page import Figure
from anamorph.report.quantity import quantity

#: Share of the height between panels.
GAP = 0.07
#: More times than this are not told apart on a page.
MAX_TIMES = 400
#: One colour per output, for ten classes: those of `style.PALETTE` and four that are told apart from them.
TEN = (*(colour(index) for index in range(6)), "#F0E442", "#882255", "#999933", "#44AA99")


def activity(
    time: Float[Real, " times"],
    hidden: Sequence[Float[Real, "_ times"]],
    outputs: Float[Real, "outputs times"],
    names: Sequence[str],
    decided: float | None = None,
) -> Figure:
    """Currents of all hidden neurons, layer by layer from the top, and of the outputs below.

    Args:
        time: s, from the change of inputs on.
        hidden: one array per hidden layer, A.
        outputs: A.
        names: of the outputs.
        decided: time after which the largest output stays the largest, s; drawn as a line.
    """
    t, out = np.asarray(time, float), np.asarray(outputs, float)
    check_length("outputs", "figure 'activity': names", len(out), names)
    chosen = np.unique(np.linspace(0, len(t) - 1, min(len(t), MAX_TIMES)).round().astype(int))
    t_scale, t_unit = prefixed("s", t)
    panels = [np.asarray(rows, float)[:, chosen] for rows in hidden] + [out[:, chosen]]
    titles = [_panel_title(index, len(hidden)) for index in range(len(hidden))] + ["Outputs"]
    plot = go.Figure(layout=layout(f"Time ({t_unit})", "", height=190 * len(panels) + 130))
    for index, (rows, title) in enumerate(zip(panels, titles, strict=True)):
        scale, unit = prefixed("A", rows)
        key = "" if index == 0 else str(index + 1)
        bottom = (len(panels) - 1 - index) / len(panels)
        top = bottom + 1 / len(panels) - (GAP if index else 0)
        last = index == len(panels) - 1
        plot.update_layout({f"yaxis{key}": axis(f"{title} ({unit})", domain=[bottom, top], anchor="x")})
        if last:
            _outputs(plot, t[chosen] * t_scale, rows * scale, names, unit, f"y{key}")
        else:
            _crowd(plot, t[chosen] * t_scale, rows * scale, unit, f"y{key}")
    plot.update_layout(xaxis=axis(f"Time ({t_unit})", anchor=f"y{len(panels) if len(panels) > 1 else ''}"))
    caption = "Currents into all hidden neurons and out of all outputs after one pattern has replaced another."
    if decided is not None:
        plot.add_shape(
            type="line", x0=decided * t_scale, x1=decided * t_scale, y0=0, y1=1, xref="x", yref="paper",
            line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        )  # fmt: skip
        caption += f" The dashed line is the time to output, {quantity(decided, 's', 2)}."
    return Figure(plot, caption, wide=True)


def _panel_title(index: int, n_hidden: int) -> str:
    return "Hidden" if n_hidden == 1 else f"Hidden {index + 1}"


def _crowd(plot: go.Figure, time: np.ndarray, rows: np.ndarray, unit: str, y: str) -> None:
    """Many neurons as thin lines, each found by pointing at it."""
    for index, row in enumerate(rows):
        plot.add_trace(
            go.Scatter(
                x=time, y=np.float32(row), yaxis=y, mode="lines", showlegend=False,
                line={"color": colour(index), "width": 1}, opacity=0.7,
                hovertemplate=f"neuron {index + 1}<br>%{{x:.3g}}: %{{y:.3g}} {unit}<extra></extra>",
            )
        )  # fmt: skip


def _outputs(plot: go.Figure, time: np.ndarray, rows: np.ndarray, names: Sequence[str], unit: str, y: str) -> None:
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        plot.add_trace(
            go.Scatter(
                name=plain(name), x=time, y=np.float32(row), yaxis=y, mode="lines",
                line={"color": TEN[index % len(TEN)], "width": 2},
                hovertemplate=f"{plain(name)}<br>%{{x:.3g}}: %{{y:.3g}} {unit}<extra></extra>",
            )
        )  # fmt: skip
