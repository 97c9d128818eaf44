"""The weights of a large network as pictures: one matrix per pair of layers, a pixel per weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from anamorph.report.figures.style import BLUE, ORANGE, hidden_axis, layout, plain
from anamorph.report.page import Figure

#: Width between matrices, as a share of the plot's.
GAP = 0.045
#: A matrix that would be narrower than this share of the widest one is drawn this wide: its columns become wider.
NARROWEST = 0.25
#: Share of the weights that are not zero that colours tell apart: the few largest would make all others pale.
SHOWN = 0.95
#: Colour of a weight of zero: transparent, so that the page's own paper shows, light or dark.
SCALE = [[0.0, BLUE], [0.5, "rgba(125,135,148,0.10)"], [1.0, ORANGE]]


def weight_matrices(matrices: Sequence[np.ndarray], used: Sequence[int], output_names: Sequence[str] = ()) -> Figure:
    """Every weight as one pixel, orange if positive and blue if negative.

    Columns are neurons of the layer that receives, rows those of the layer before. Neurons of hidden layers are in
    the order of the output that they drive most, through all layers behind them, so that structure shows.

    Args:
        matrices: weights ``[n_in, n_out]``, which chain.
        used: neurons per layer.
        output_names: of the outputs, shown below the last matrix.
    """
    ordered = _by_output(matrices)
    magnitudes = np.concatenate([np.abs(m[m != 0]) for m in ordered])
    largest = float(np.quantile(magnitudes, SHOWN, method="higher")) if len(magnitudes) else 1.0
    widths = np.array([max(m.shape[1], NARROWEST * max(n.shape[1] for n in matrices)) for m in matrices])
    widths = widths / widths.sum() * (1 - GAP * (len(matrices) - 1))
    plot = go.Figure(layout=layout("", "", height=520))
    left = 0.0
    for index, (matrix, width) in enumerate(zip(ordered, widths, strict=True)):
        key = "" if index == 0 else str(index + 1)
        right = min(left + float(width), 1.0)
        names = output_names if index == len(ordered) - 1 else ()
        plot.update_layout({
            f"xaxis{key}": _columns(matrix.shape[1], names, [left, right], f"y{key}"),
            f"yaxis{key}": hidden_axis(autorange="reversed", anchor=f"x{key}"),
        })  # fmt: skip
        plot.add_trace(_picture(matrix, index, largest, key, last=index == len(ordered) - 1))
        plot.add_annotation(
            text=f"{matrix.shape[0]} × {matrix.shape[1]}: layer {index + 1} to {index + 2}", x=(left + right) / 2,
            y=1, xref="paper", yref="paper", yanchor="bottom", showarrow=False,
        )  # fmt: skip
        left = right + GAP
    plot.update_layout(margin={"l": 8, "r": 8, "t": 40, "b": 40})
    return Figure(plot, _caption(matrices, used, largest), wide=True)


def _by_output(matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same matrices, neurons of hidden layers ordered by the output that they drive most."""
    found = [np.asarray(m, float) for m in matrices]
    reach = np.eye(found[-1].shape[1])
    for index in range(len(found) - 1, 0, -1):
        reach = found[index] @ reach
        order = np.lexsort((-reach.max(axis=1), reach.argmax(axis=1)))
        found[index], found[index - 1], reach = found[index][order], found[index - 1][:, order], reach[order]
    return found


def _columns(n: int, names: Sequence[str], domain: list[float], anchor: str) -> dict:
    if not names:
        return hidden_axis(domain=domain, anchor=anchor)
    ticks = list(range(min(n, len(names))))
    return {
        "domain": domain, "anchor": anchor, "fixedrange": True, "tickvals": ticks, "showgrid": False, "zeroline": False,
        "ticktext": [plain(name) for name in names[:n]], "title": {"text": "output"},
        "tickangle": 0 if n <= 10 else -90,
    }  # fmt: skip


def _picture(matrix: np.ndarray, index: int, largest: float, key: str, *, last: bool) -> go.Heatmap:
    return go.Heatmap(
        z=np.float32(matrix), zmin=-largest, zmax=largest, colorscale=SCALE, showscale=last, xaxis=f"x{key}",
        yaxis=f"y{key}", colorbar={"thickness": 12, "title": {"text": "weight"}},
        hovertemplate=f"layer {index + 1} to layer {index + 2}<br>weight %{{z:+.3g}}<extra></extra>",
    )  # fmt: skip


def _caption(matrices: Sequence[np.ndarray], used: Sequence[int], largest: float) -> str:
    n_weights, total = sum(int(np.count_nonzero(m)) for m in matrices), sum(m.size for m in matrices)
    negative = sum(int((np.asarray(m) < 0).sum()) for m in matrices)
    return (
        f"All weights of the {'-'.join(map(str, used))} network as programmed: rows are the neurons of one layer, "
        f"columns those of the next. Orange is positive, blue is negative; {n_weights:,} of {total:,} are not zero, "
        f"{negative:,} of them negative. Beyond ±{largest:.3g} colours are the same. "
        "Hidden neurons are in the order of the output that they drive most."
    )
