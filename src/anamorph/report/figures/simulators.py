"""Two simulators on the same netlist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from anamorph.errors import BadInput
from anamorph.report.figures.style import (
    BLUE,
    NEUTRAL,
    VERMILION,
    Real,
    check_length,
    log_axis,
    new_plot,
    plain,
)
from anamorph.report.page import Figure
from anamorph.report.quantity import percent, quantity

#: Equal to the last digit has no place on a logarithmic axis; it is drawn here.
SMALLEST = 1e-12


def spice_agreement(
    ours: Float[Real, " currents"],
    ngspice: Float[Real, " currents"],
    names: Sequence[str],
    tolerance: float = 1e-3,
    current_min: float = 1e-11,
) -> Figure:
    """Relative difference of each current between this solver and ngspice, against the current.

    Args:
        ours: A.
        ngspice: A.
        names: of the currents, shown on hover.
        tolerance: allowed relative difference.
        current_min: magnitude below which the tolerance does not apply, A.
    """
    where = "figure 'spice_agreement'"
    mine, theirs = np.asarray(ours, dtype=float), np.asarray(ngspice, dtype=float)
    check_length("currents of ngspice", where, len(mine), theirs)
    check_length("names", where, len(mine), names)
    if not len(mine):
        raise BadInput("no current to compare", where=where)
    magnitude = np.abs(theirs)
    drawn = (magnitude > 0) & np.isfinite(mine) & np.isfinite(magnitude)
    difference = np.full_like(mine, np.nan)
    np.divide(np.abs(mine - theirs), magnitude, out=difference, where=drawn)
    judged = drawn & (magnitude >= current_min)
    # A value that cannot be compared has not agreed.
    outside = (judged & (difference > tolerance)) | ~np.isfinite(mine) | ~np.isfinite(theirs)
    plot = new_plot(x_title="", y_title="", height=400)
    plot.update_layout(xaxis=log_axis("Current in ngspice (A)"), yaxis=log_axis("Relative difference"))
    for name, chosen, fill, symbol in (
        ("within the tolerance", judged & ~outside, BLUE, "circle"),
        ("outside the tolerance", judged & outside, VERMILION, "x"),
        (f"below {quantity(current_min, 'A')}, not judged", drawn & ~judged, NEUTRAL, "circle-open"),
    ):
        if chosen.any():
            plot.add_trace(_points(name, chosen, mine, theirs, difference, names, fill, symbol))
    plot.add_hline(
        y=tolerance,
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
    )
    # Annotations, unlike shapes, are placed on a logarithmic axis by the exponent.
    plot.add_annotation(
        text=f"tolerance: {percent(tolerance)}",
        x=1,
        xref="paper",
        xanchor="right",
        y=float(np.log10(tolerance)),
        yanchor="bottom",
        showarrow=False,
    )
    return Figure(plot, _caption(difference, judged, outside, drawn, tolerance, current_min))


def _points(
    name: str,
    chosen: np.ndarray,
    ours: np.ndarray,
    ngspice: np.ndarray,
    difference: np.ndarray,
    names: Sequence[str],
    fill: str,
    symbol: str,
) -> go.Scatter:
    text = [
        f"<b>{plain(names[i])}</b><br>here {quantity(float(ours[i]), 'A', 6)}<br>"
        f"ngspice {quantity(float(ngspice[i]), 'A', 6)}<br>relative difference {difference[i]:.2g}"
        for i in np.flatnonzero(chosen).tolist()
    ]
    return go.Scatter(
        name=name,
        x=np.abs(ngspice[chosen]),
        y=np.maximum(difference[chosen], SMALLEST),
        mode="markers",
        marker={"color": fill, "size": 8, "symbol": symbol},
        text=text,
        hovertemplate="%{text}<extra></extra>",
    )


def _caption(
    difference: np.ndarray,
    judged: np.ndarray,
    outside: np.ndarray,
    drawn: np.ndarray,
    tolerance: float,
    current_min: float,
) -> str:
    worst = percent(float(difference[judged].max()), 2) if judged.any() else "not available"
    caption = (
        "The same netlist in this solver and in ngspice: relative difference of each current. Largest "
        f"difference above {quantity(current_min, 'A')}: {worst}; {int(outside.sum())} of "
        f"{int((judged | outside).sum())} currents are outside {percent(tolerance)}."
    )
    missing = int((~drawn).sum())
    return caption + (f" {missing} that are zero or not finite cannot be drawn." if missing else "")
