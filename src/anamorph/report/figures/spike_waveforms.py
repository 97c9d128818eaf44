"""Waveforms of spiking neurons: what a neuron's membrane, output and synapses' gate do, one beside the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from anamorph.report.figures.style import colour, layout
from anamorph.report.page import Figure


class Waveform(NamedTuple):
    """One node's.

    Attributes:
        name: of the node, as the legend shows it.
        t: s.
        v: V.
    """

    name: str
    t: Float[np.ndarray, " points"]
    v: Float[np.ndarray, " points"]


def waveforms(rows: Sequence[tuple[str, Sequence[Waveform]]], span: tuple[float, float]) -> Figure:
    """Waveforms in rows, one for each neuron, over the same time.

    Args:
        rows: of each neuron its name and the waveforms of its nodes; the same nodes in every row.
        span: shown, s.
    """
    titles = [name for name, _ in rows]
    plot = make_subplots(
        rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.3 / len(rows), subplot_titles=titles
    )
    plot.update_layout(layout("", "", height=130 + 150 * len(rows)))
    plot.update_layout(legend={"y": 1.08})
    plot.update_annotations(font={"size": 12})
    for row, (_, nodes) in enumerate(rows, start=1):
        for index, wave in enumerate(nodes):
            inside = (wave.t >= span[0]) & (wave.t <= span[1])
            plot.add_trace(
                go.Scatter(
                    x=1e6 * wave.t[inside], y=1e3 * wave.v[inside], mode="lines", name=wave.name,
                    legendgroup=wave.name, showlegend=row == 1, line={"color": colour(index), "width": 1.3},
                ),
                row=row, col=1,
            )  # fmt: skip
        plot.update_yaxes(title_text="mV", row=row, col=1)
    plot.update_xaxes(title_text="time since switching on (µs)", row=len(rows), col=1)
    return Figure(plot, "Voltages of some neurons, as the transistors make them.", wide=True)
