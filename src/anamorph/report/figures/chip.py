"""What a bench sees of a chip: slopes, one neuron's characteristic, currents against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from anamorph.errors import BadInput
from anamorph.report.figures.style import (
    BLUE,
    NEUTRAL,
    ORANGE,
    Real,
    axis,
    check_length,
    colour,
    layout,
    new_plot,
    plain,
    prefixed,
)
from anamorph.report.page import Figure
from anamorph.report.quantity import percent, quantity


def slopes(
    slope: Sequence[Float[Real, " _"]],
    spread: Sequence[Float[Real, " _"]],
    marked: tuple[int, int] | None = None,
) -> Figure:
    """Measured slope of every neuron, one panel per layer, with error bars (Fig. 5c).

    Args:
        slope: one array per layer, each normalised to a mean of 1.
        spread: standard deviation over repeated measurements, same shapes.
        marked: layer and neuron (from 0) shown in another colour: the one of `single_neuron`.

    Raises:
        BadInput: no layer, or shapes that differ.
    """
    layers, spreads = [np.asarray(s) for s in slope], [np.asarray(s) for s in spread]
    if not layers:
        raise BadInput("no layer to show", where="figure 'slopes'")
    check_length("layers", "figure 'slopes': spread", len(layers), spreads)
    plot = make_subplots(rows=1, cols=len(layers), shared_yaxes=True, horizontal_spacing=0.03)
    plot.update_layout(layout("", "", height=350, showlegend=False))
    plot.update_layout(margin={"t": 40})
    for index, (values, deviation) in enumerate(zip(layers, spreads, strict=True)):
        check_length("neurons", f"figure 'slopes': spread of layer {index + 1}", len(values), deviation)
        name = _layer_name(index, len(layers))
        chosen = marked[1] if marked is not None and marked[0] == index else None
        plot.add_trace(_slope_points(name, values, deviation, chosen), row=1, col=index + 1)
        plot.add_shape(_mean_line(index + 1))
        ticks = {"dtick": 1} if len(values) <= 12 else {}
        plot.update_xaxes(axis(f"{name}: neuron", range=[0.4, len(values) + 0.6], **ticks), row=1, col=index + 1)
    plot.update_yaxes(axis("", rangemode="tozero"))
    plot.update_yaxes(title={"text": "Normalised slope", "standoff": 8}, row=1, col=1)
    variation = percent(float(np.nanstd(np.concatenate(layers))), 2)
    caption = (
        "Measured slope of each neuron's rectifier, normalised to a mean of 1 in its layer; bars are one "
        "standard deviation over repeated measurements. From neuron to neuron the slope varies by "
        f"{variation} (one standard deviation): the mismatch that training has to compensate."
    )
    if marked is not None:
        caption += " The orange point is the neuron whose characteristic is shown by itself."
    return Figure(plot, caption, wide=True)


def _slope_points(name: str, values: np.ndarray, spread: np.ndarray, chosen: int | None) -> go.Scatter:
    neurons = np.arange(1, len(values) + 1)
    colours = [ORANGE if i == chosen else BLUE for i in range(len(values))]
    return go.Scatter(
        name=name,
        x=neurons,
        y=values,
        error_y={"type": "data", "array": spread, "color": NEUTRAL, "thickness": 1.5, "width": 4},
        mode="markers",
        marker={"color": colours, "size": 9},
        hovertemplate=f"{name}, neuron %{{x}}<br>slope %{{y:.3f}} ± %{{error_y.array:.3f}}<extra></extra>",
    )


def _mean_line(panel: int) -> dict[str, Any]:
    """A dotted line at 1 across a panel, counted from 1."""
    number = "" if panel == 1 else panel
    across = {"xref": f"x{number} domain", "x0": 0, "x1": 1, "yref": f"y{number}", "y0": 1, "y1": 1}
    return {"type": "line", "line": {"color": NEUTRAL, "dash": "dot", "width": 1}, **across}


def _layer_name(index: int, n_layers: int) -> str:
    if index == 0:
        return "Input layer"
    if index == n_layers - 1:
        return "Output layer"
    return "Hidden layer" if n_layers == 3 else f"Hidden layer {index}"


def single_neuron(
    input_currents: Float[Real, " readings"],
    output_currents: Float[Real, " readings"],
    slope: float,
    name: str = "",
) -> Figure:
    """Readings of one neuron and the rectifier ``max(0, slope * input)`` fitted to them (Fig. 5b).

    Args:
        input_currents: A.
        output_currents: A.
        slope: output over input current, A/A.
        name: which neuron it is.
    """
    where = "figure 'single_neuron'"
    x, y = np.asarray(input_currents), np.asarray(output_currents)
    check_length("readings", where, len(x), y)
    if not len(x):
        raise BadInput("no reading to show", where=where)
    (x_scale, x_unit), (y_scale, y_unit) = prefixed("A", x), prefixed("A", y)
    line = np.linspace(min(float(x.min()), 0.0), float(x.max()), 101)
    fit = np.maximum(0.0, slope * line)
    plot = new_plot(
        x_title=f"Input current ({x_unit})",
        y_title=f"Output current ({y_unit})",
        height=400,
        scale_choice="xy",
    )
    plot.add_trace(
        go.Scatter(
            name="measured",
            x=x * x_scale,
            y=y * y_scale,
            mode="markers",
            marker={"color": BLUE, "size": 8},
            hovertemplate=f"input %{{x:.4g}} {x_unit}<br>output %{{y:.4g}} {y_unit}<extra></extra>",
        )
    )
    plot.add_trace(
        go.Scatter(
            name=f"fitted rectifier, slope {slope:.3g}",
            x=line * x_scale,
            y=fit * y_scale,
            mode="lines",
            line={"color": NEUTRAL, "width": 2},
            hoverinfo="skip",
        )
    )
    residual = float(np.nanmax(np.abs(y - np.maximum(0.0, slope * x))))
    full_scale = float(np.nanmax(np.abs(y)))
    share = f" ({percent(residual / full_scale, 2)} of full scale)" if full_scale > 0 else ""
    return Figure(
        plot,
        f"Readings of one neuron{f' ({name})' if name else ''} and the rectifier fitted to them. "
        f"The largest residual is {quantity(residual, 'A', 2)}{share}.",
    )


def transient(
    time: Float[Real, " times"],
    currents: Float[Real, "outputs times"],
    names: Sequence[str],
    latency: float | None = None,
) -> Figure:
    """Output currents against time after the inputs are switched.

    Args:
        time: s.
        currents: A, one row per output.
        names: of the outputs.
        latency: time after which the answer no longer changes, s; drawn as a line.
    """
    t, rows = np.asarray(time), np.asarray(currents)
    check_length("outputs", "figure 'transient': names", len(rows), names)
    (t_scale, t_unit), (scale, unit) = prefixed("s", t), prefixed("A", rows)
    plot = new_plot(x_title=f"Time ({t_unit})", y_title=f"Output current ({unit})", height=380, scale_choice="y")
    plot.update_layout(hovermode="x unified")
    for index, (name, row) in enumerate(zip(names, rows, strict=True)):
        plot.add_trace(
            go.Scatter(
                name=plain(name),
                x=t * t_scale,
                y=row * scale,
                mode="lines",
                line={"color": colour(index), "width": 2},
                hovertemplate=f"%{{y:.4g}} {unit}",
            )
        )
    caption = "Currents of the output neurons after the inputs are switched; the largest one is the answer."
    if latency is not None:
        plot.add_vline(
            x=latency * t_scale,
            line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
            annotation={"text": "settled", "yanchor": "top", "xanchor": "left", "showarrow": False},
        )
        caption += f" The answer no longer changes after {quantity(latency, 's', 2)}."
    return Figure(plot, caption)
