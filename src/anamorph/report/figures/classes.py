"""Answers of a three-class network in barycentric coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from anamorph.errors import BadInput
from anamorph.report.figures.style import (
    NEUTRAL,
    Real,
    check_length,
    colour,
    hidden_axis,
    new_plot,
    plain,
    prefixed,
)
from anamorph.report.page import Figure

#: Where a pure answer of each class lies: an equilateral triangle of side 1.
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])


def barycentric_coordinates(
    outputs: Float[Real, "patterns 3"],
) -> tuple[Float[np.ndarray, "patterns 2"], Float[np.ndarray, "patterns 3"]]:
    """Positions in the triangle `CORNERS`, and the shares of the three outputs (which sum to 1).

    A current below zero (a residue of the solver, or of a meter's offset) counts as zero. Where no current
    is left, or one is not finite, both are NaN: such a pattern has no answer.
    """
    currents = np.asarray(outputs, dtype=float)
    positive = np.where(np.isfinite(currents).all(-1, keepdims=True), np.maximum(currents, 0.0), np.nan)
    total = positive.sum(-1, keepdims=True)
    shares = np.divide(positive, total, out=np.full_like(positive, np.nan), where=total > 0)
    return shares @ CORNERS, shares


def barycentric(
    outputs: Float[Real, "patterns classes"], labels: Int[Real, " patterns"], class_names: Sequence[str]
) -> Figure:
    """Outputs normalised to 100 % in an equilateral triangle, one corner per class (Fig. 5e).

    Args:
        outputs: currents of the three output neurons, A.
        labels: true class of each pattern, 0 to 2.
        class_names: of the three classes, in the order of the outputs.

    Raises:
        BadInput: not three classes, or labels that do not match the patterns.
    """
    where = "figure 'barycentric'"
    currents, true = np.asarray(outputs, dtype=float), np.asarray(labels)
    if currents.ndim != 2 or currents.shape[1] != 3:
        raise BadInput("barycentric coordinates need three outputs", where=where, got=str(currents.shape))
    check_length("class names", where, 3, class_names)
    check_length("labels", where, len(currents), true)
    position, shares = barycentric_coordinates(currents)
    answered = np.isfinite(position[:, 0])
    answer = np.where(answered, np.nan_to_num(currents, nan=-np.inf).argmax(-1), -1)
    names = [plain(name) for name in class_names]
    plot = new_plot(x_title="", y_title="", height=440)
    plot.update_layout(
        xaxis=hidden_axis(range=[-0.14, 1.14]),
        yaxis=hidden_axis(range=[-0.12, 0.98], scaleanchor="x"),
        margin={"l": 8, "r": 8, "t": 62, "b": 8},
    )
    _triangle(plot, names)
    hover = _hover(currents, shares, true, answer, names)
    for index, name in enumerate(names):
        for wrong in (False, True):
            chosen = answered & (true == index) & ((answer != true) == wrong)
            if chosen.any() or not wrong:
                plot.add_trace(_points(position, hover, chosen, index, name, wrong))
    return Figure(plot, _caption(answer, true, answered))


def _triangle(plot: go.Figure, names: list[str]) -> None:
    """The outline, the lines where two outputs are equal and largest, and a name at each corner."""
    x, y = np.append(CORNERS, CORNERS[:1], axis=0).T
    outline = {"color": NEUTRAL, "width": 1.5}
    plot.add_trace(go.Scatter(x=x, y=y, mode="lines", line=outline, hoverinfo="skip", showlegend=False))
    centre = CORNERS.mean(0)
    for first, second in ((0, 1), (1, 2), (2, 0)):
        middle = (CORNERS[first] + CORNERS[second]) / 2
        x, y = np.stack([centre, middle]).T
        dotted = {"color": NEUTRAL, "width": 1, "dash": "dot"}
        plot.add_trace(go.Scatter(x=x, y=y, mode="lines", line=dotted, hoverinfo="skip", showlegend=False))
    for index, (name, below) in enumerate(zip(names, (True, True, False), strict=True)):
        plot.add_annotation(
            x=CORNERS[index, 0],
            y=CORNERS[index, 1],
            text=f"<b>{name}</b>",
            showarrow=False,
            yshift=-16 if below else 16,
            font={"color": colour(index)},
        )


def _points(
    position: np.ndarray, hover: list[str], chosen: np.ndarray, index: int, name: str, wrong: bool
) -> go.Scatter:
    marker = {"color": colour(index), "size": 9, "opacity": 0.85, "symbol": "circle"}
    if wrong:
        marker |= {"size": 13, "opacity": 1.0, "symbol": "x", "line": {"color": NEUTRAL, "width": 1}}
    return go.Scatter(
        name=f"{name}, wrong answer" if wrong else name,
        x=position[chosen, 0],
        y=position[chosen, 1],
        mode="markers",
        marker=marker,
        text=[text for text, keep in zip(hover, chosen, strict=True) if keep],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(
    currents: np.ndarray, shares: np.ndarray, true: np.ndarray, answer: np.ndarray, names: list[str]
) -> list[str]:
    scale, unit = prefixed("A", currents)
    texts = []
    for index, row in enumerate(currents):
        outputs = [
            f"{name}: {value * scale:.4g} {unit} ({share:.1%})"
            for name, value, share in zip(names, row, shares[index], strict=True)
        ]
        answered = names[answer[index]] if answer[index] >= 0 else "none"
        head = f"<b>pattern {index + 1}</b>: {names[true[index]]}, answer: {answered}"
        texts.append("<br>".join([head, *outputs]))
    return texts


def _caption(answer: np.ndarray, true: np.ndarray, answered: np.ndarray) -> str:
    n_right = int(((answer == true) & answered).sum())
    caption = (
        "Currents of the three output neurons for each test pattern, normalised to 100\u00a0% and shown in "
        "barycentric coordinates: a corner is a current from that output alone, the dotted lines separate "
        f"the answers. Colour is the true class. {n_right} of {len(true)} are classified correctly"
    )
    wrong, missing = int((answered & (answer != true)).sum()), int((~answered).sum())
    caption += f", wrong answers are crosses ({wrong})." if wrong else "."
    return caption + (f" {missing} without an answer are not drawn." if missing else "")
