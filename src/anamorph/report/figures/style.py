"""What all figures share: palette, layout, prefixes, and making names safe.

Colours are those of Okabe and Ito (2008), told apart with any of the common colour vision deficiencies and
readable on light and on dark paper. Text, grid and paper have no colour here: the page sets them for both.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jax import Array

from anamorph.errors import BadInput

#: Arrays that figures accept.
Real = Array | np.ndarray

BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
)
#: One colour per class, layer or output, in order. Neighbours differ in lightness too.
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
#: For lines that are not data (fits, limits, outlines); between the light page's ink and the dark page's.
NEUTRAL = "#7d8794"

#: The page's own, so that plots and text match.
FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"

_PREFIXES = {4: "T", 3: "G", 2: "M", 1: "k", 0: "", -1: "m", -2: "µ", -3: "n", -4: "p", -5: "f", -6: "a"}


def colour(index: int) -> str:
    """The palette's colour of item `index`; repeats after six."""
    return PALETTE[index % len(PALETTE)]


def prefixed(unit: str, *values: Real) -> tuple[float, str]:
    """The factor and unit in which `values` are best shown together: ``(1e9, "nA")`` for 0 to 325 nA."""
    largest = max((float(np.nanmax(np.abs(v), initial=0.0)) for v in values), default=0.0)
    if not np.isfinite(largest) or largest == 0.0:
        return 1.0, unit
    step = int(np.clip(np.floor(np.log10(largest * 1.0005) / 3), -6, 4))
    return 10.0 ** (-3 * step), f"{_PREFIXES[step]}{unit}"


def plain(text: str) -> str:
    """A user's name as plotly shows it literally: its labels would read ``<b>`` and ``<a>`` as markup."""
    return html.escape(str(text), quote=False)


def layout(x_title: str, y_title: str, *, height: int = 400, scale_choice: str = "", **more: Any) -> dict[str, Any]:
    """The layout that all plots share.

    Args:
        x_title: with its unit in parentheses.
        y_title: the same.
        height: in pixels; the width follows the page.
        scale_choice: axes (``"x"``, ``"y"``, ``"xy"``) for which the page offers linear and logarithmic.
        more: any other plotly layout attribute.
    """
    return {
        "template": {},
        "height": height,
        "margin": {"l": 66, "r": 18, "t": 62, "b": 58},
        "font": {"family": FONT, "size": 13},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "meta": {"scale_choice": scale_choice},
        "xaxis": axis(x_title),
        "yaxis": axis(y_title),
        **more,
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a line, outside ticks and a faint grid."""
    return {
        "title": {"text": title, "standoff": 8},
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
        "automargin": True,
        "exponentformat": "power",
        **more,
    }


def log_axis(title: str, **more: Any) -> dict[str, Any]:
    """A logarithmic axis with one label per decade."""
    return axis(title, type="log", dtick=1, **more)


def hidden_axis(**more: Any) -> dict[str, Any]:
    """An axis of a drawing, where positions are not quantities."""
    return {"visible": False, "fixedrange": True, **more}


def new_plot(**arguments: Any) -> go.Figure:
    """An empty plot with `layout(**arguments)`."""
    return go.Figure(layout=layout(**arguments))


def check_length(what: str, where: str, expected: int, got: Sequence[Any] | Real) -> None:
    """Raises `BadInput` unless `got` has `expected` entries."""
    if len(got) != expected:
        raise BadInput(f"the number of {what} does not match", where=where, expected=str(expected), got=str(len(got)))
