"""A programmed network as a drawing: neurons in columns, weights as lines; of a large one, as matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.report.figures.matrices import weight_matrices
from anamorph.report.figures.style import (
    BLUE,
    NEUTRAL,
    ORANGE,
    Real,
    check_length,
    hidden_axis,
    new_plot,
    plain,
)
from anamorph.report.page import Figure

#: Width of the line of the largest weight, in pixels.
WIDEST = 7.0
#: More lines than this cannot be told apart: such a network is drawn as matrices.
MAX_LINES = 400


def network_diagram(
    weights: Sequence[Float[Real, "_ _"]],
    shape: tuple[int, ...],
    input_names: Sequence[str] = (),
    output_names: Sequence[str] = (),
) -> Figure:
    """Weights as lines: width is the magnitude, orange is positive, blue is negative (Fig. 5d).

    A network of more than `MAX_LINES` weights that are not zero is drawn by `weight_matrices`.

    Args:
        weights: one matrix ``[n_in, n_out]`` per pair of layers.
        shape: neurons per layer of the chip. Neurons that the network leaves unused are drawn hollow.
        input_names: shown left of the inputs.
        output_names: shown right of the outputs.

    Raises:
        BadInput: matrices that do not chain, or that are larger than `shape`.
    """
    matrices = [np.asarray(w, dtype=float) for w in weights]
    used = _check(matrices, shape)
    if sum(int(np.count_nonzero(m)) for m in matrices) > MAX_LINES:
        return weight_matrices(matrices, used, output_names)
    plot = new_plot(x_title="", y_title="", height=max(440, min(640, 52 * max(shape))))
    domain = [_room(input_names), 1 - _room(output_names)]
    plot.update_layout(
        xaxis=hidden_axis(range=[-0.06, len(shape) - 0.94], domain=domain),
        yaxis=hidden_axis(),
        margin={"l": 8, "r": 8, "t": 62, "b": 8},
    )
    source, target, value, layer = _connections(matrices)
    largest = float(np.abs(value).max(initial=0.0))
    n_weights = len(value)
    # Row 0 holds layer 0: columns are padded to the tallest, so that one index finds every neuron.
    heights = np.stack([np.pad(_column(n), (0, max(shape) - n)) for n in shape])
    start = np.stack([layer, heights[layer, source]], -1)
    end = np.stack([layer + 1, heights[layer + 1, target]], -1)
    for sign, colour, name in ((1, ORANGE, "positive weight"), (-1, BLUE, "negative weight")):
        _lines(plot, start, end, value, sign, largest, colour, name)
    _midpoints(plot, start, end, source, target, value, layer)
    _neurons(plot, shape, used)
    _names(plot, shape, 0, input_names)
    _names(plot, shape, len(shape) - 1, output_names)
    return Figure(plot, _caption(used, n_weights, matrices, shape))


def _check(matrices: list[np.ndarray], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The network's own neurons per layer."""
    where = "figure 'network_diagram'"
    check_length("weight matrices", where, len(shape) - 1, matrices)
    for index, matrix in enumerate(matrices):
        if matrix.ndim != 2:
            raise BadInput("a weight matrix has two axes", where=f"{where}: matrix {index}", got=str(matrix.shape))
        if index and matrix.shape[0] != matrices[index - 1].shape[1]:
            raise BadInput(
                "weight matrices do not chain",
                where=f"{where}: matrix {index}",
                expected=f"{matrices[index - 1].shape[1]} rows",
                got=str(matrix.shape[0]),
            )
    used = (matrices[0].shape[0], *(m.shape[1] for m in matrices))
    if any(n > limit for n, limit in zip(used, shape, strict=True)):
        raise BadInput("the network is larger than its chip", where=where, expected=str(shape), got=str(used))
    return used


def _connections(matrices: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source, target, value and layer of every weight that is not zero."""
    found = [np.nonzero(m) for m in matrices]
    source = np.concatenate([rows for rows, _ in found])
    target = np.concatenate([columns for _, columns in found])
    value = np.concatenate([m[at] for m, at in zip(matrices, found, strict=True)])
    layer = np.repeat(np.arange(len(matrices)), [len(rows) for rows, _ in found])
    return source, target, value, layer


def _column(n: int) -> np.ndarray:
    """Vertical positions of a layer's neurons: the first on top, the column centred, all columns as dense."""
    return (n - 1) / 2 - np.arange(n)


def _lines(
    plot: go.Figure,
    start: np.ndarray,
    end: np.ndarray,
    value: np.ndarray,
    sign: int,
    largest: float,
    colour: str,
    name: str,
) -> None:
    """One trace per magnitude, since a trace has one width; magnitudes are told apart to 1 %."""
    chosen = np.sign(value) == sign
    if not chosen.any():
        return
    share = np.round(np.abs(value) / largest, 2)
    key = {"color": colour, "width": WIDEST / 2}
    plot.add_trace(go.Scatter(name=name, legendgroup=name, x=[None], y=[None], mode="lines", line=key))
    for level in np.unique(share[chosen]):
        at = chosen & (share == level)
        gap = np.full(int(at.sum()), np.nan)
        plot.add_trace(
            go.Scatter(
                name=name,
                legendgroup=name,
                showlegend=False,
                x=np.stack([start[at, 0], end[at, 0], gap], -1).ravel(),
                y=np.stack([start[at, 1], end[at, 1], gap], -1).ravel(),
                mode="lines",
                line={"color": colour, "width": max(WIDEST * float(level), 0.3)},
                opacity=0.8,
                hoverinfo="skip",
            )
        )


def _midpoints(
    plot: go.Figure,
    start: np.ndarray,
    end: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    value: np.ndarray,
    layer: np.ndarray,
) -> None:
    """Unseen points that answer to the pointer; a third of the way, where fewer lines cross than midway."""
    point = start + (end - start) * 0.36
    plot.add_trace(
        go.Scatter(
            x=point[:, 0],
            y=point[:, 1],
            mode="markers",
            marker={"size": 8, "opacity": 0},
            showlegend=False,
            text=[
                f"layer {at + 1}, neuron {i + 1} to layer {at + 2}, neuron {j + 1}<br>weight {w:+.3g}"
                for at, i, j, w in zip(layer, source, target, value, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )


def _neurons(plot: go.Figure, shape: tuple[int, ...], used: tuple[int, ...]) -> None:
    columns = [(at, i, i < used[at]) for at, n in enumerate(shape) for i in range(n)]
    for in_use, name in ((True, "neuron"), (False, "unused neuron")):
        chosen = [(at, i) for at, i, inside in columns if inside == in_use]
        if not chosen:
            continue
        plot.add_trace(
            go.Scatter(
                name=name,
                x=[at for at, _ in chosen],
                y=[float(_column(shape[at])[i]) for at, i in chosen],
                mode="markers",
                cliponaxis=False,
                marker={
                    "size": 15 if max(shape) <= 20 else 6,
                    "color": NEUTRAL,
                    "symbol": "circle" if in_use else "circle-open",
                    "opacity": 1.0 if in_use else 0.6,
                },
                showlegend=not in_use,
                text=[f"layer {at + 1}, {name} {i + 1}" for at, i in chosen],
                hovertemplate="%{text}<extra></extra>",
            )
        )


def _room(names: Sequence[str]) -> float:
    """Share of the width that names beside a column need, at half the page's width."""
    return min(0.04 + 0.0145 * max(map(len, names), default=0), 0.3)


def _names(plot: go.Figure, shape: tuple[int, ...], layer: int, names: Sequence[str]) -> None:
    left = layer == 0
    for index, name in enumerate(names):
        plot.add_annotation(
            x=layer,
            y=float(_column(shape[layer])[index]),
            text=plain(name),
            showarrow=False,
            xanchor="right" if left else "left",
            xshift=-13 if left else 13,
        )


def _caption(used: tuple[int, ...], n_weights: int, matrices: list[np.ndarray], shape: tuple[int, ...]) -> str:
    size, chip = "-".join(map(str, used)), "-".join(map(str, shape))
    total = sum(m.size for m in matrices)
    caption = (
        f"The {size} network as programmed: {n_weights} of {total} weights are not zero. Orange is positive, "
        "blue is negative, the width of a line is the weight's magnitude."
    )
    if used != tuple(shape):
        caption += f" Hollow circles are neurons of the {chip} chip that the network leaves unused."
    return caption
