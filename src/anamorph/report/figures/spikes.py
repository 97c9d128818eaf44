"""Spikes of a network that was shown images: who spiked when, and how long one has to listen."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Int

from anamorph.errors import BadInput
from anamorph.network.spike_record import READOUTS, UNDECIDED, SpikeRecord
from anamorph.report.figures.style import NEUTRAL, axis, check_length, colour, new_plot
from anamorph.report.page import Figure
from anamorph.report.quantity import percent

#: A page with more marks than this is slow.
MARKS = 12_000
#: Moments of a curve over the listening time.
MOMENTS = 120


def raster(record: SpikeRecord, image: int, name: str = "") -> Figure:
    """Every spike of one image as a mark, neurons in the order of their layers.

    Args:
        record: what was simulated.
        image: which of its images.
        name: what the image shows, for the caption.

    Raises:
        BadInput: no such image.
    """
    if not 0 <= image < record.n_images:
        raise BadInput("no such image", where="figure 'raster'", expected=f"0 to {record.n_images - 1}", got=str(image))
    times, whose = record.raster(image)
    cut = f" The first {MARKS} are shown." if len(times) > MARKS else ""
    end = float(times[MARKS]) if cut else record.duration
    times, whose = times[:MARKS], whose[:MARKS]
    factor, unit = (1e3, "ms") if end >= 1e-3 else (1e6, "µs")
    plot = new_plot(x_title=f"Time ({unit})", y_title="Neuron", height=460)
    bounds = np.concatenate([[0], np.cumsum(record.layers)])
    for layer, (low, high) in enumerate(zip(bounds, bounds[1:], strict=False)):
        mine = (whose >= low) & (whose < high)
        plot.add_trace(
            go.Scatter(
                name=f"layer {layer + 1}", x=factor * times[mine], y=whose[mine], mode="markers",
                marker={"color": colour(layer), "size": 4, "symbol": "line-ns-open"},
                hovertemplate=f"neuron %{{y}}<br>%{{x:.4g}} {unit}<extra></extra>",
            )
        )  # fmt: skip
    said = f" of {name}" if name else ""
    caption = f"Every spike{said}, neurons in the order of their layers, the outputs at the top.{cut}"
    return Figure(plot, caption)


def listening(
    record: SpikeRecord, labels: Int[np.ndarray, " images"], reference: Int[np.ndarray, " images"] | None = None
) -> Figure:
    """Share of the images that come out right, against how long the outputs are listened to.

    Args:
        record: what was simulated.
        labels: of its images.
        reference: answers of the rate model, drawn as the line that listening for ever would reach.

    Raises:
        BadInput: labels or answers for another number of images.
    """
    check_length("labels", "figure 'listening'", record.n_images, labels)
    moments = np.linspace(0.0, record.duration, MOMENTS + 1)
    factor, unit = (1e3, "ms") if record.duration >= 1e-3 else (1e6, "µs")
    plot = new_plot(x_title="", y_title="", height=400)
    plot.update_xaxes(axis(f"Listening time ({unit})"))
    plot.update_yaxes(axis("Images (%)", range=[0, 101]))
    for index, readout in enumerate(READOUTS):
        answers = record.answers(moments, readout)
        shares = (
            (f"right, by {readout}", answers == labels[:, None], "solid"),
            (f"undecided, by {readout}", answers == UNDECIDED, "dot"),
        )
        for name, found, dash in shares:
            line = {"color": colour(index), "dash": dash, "width": 2 if dash == "solid" else 1.3}
            y = 100 * found.mean(axis=0)
            plot.add_trace(go.Scatter(name=name, x=factor * moments, y=y, mode="lines", line=line))
    if reference is not None:
        check_length("answers", "figure 'listening'", record.n_images, reference)
        share = 100 * float((reference == labels).mean())
        line = {"color": NEUTRAL, "dash": "dash", "width": 1.5}
        x = [0.0, factor * record.duration]
        plot.add_trace(go.Scatter(name="rate model", x=x, y=[share, share], mode="lines", line=line))
    last = record.answers(moments[-1:], READOUTS[-1])[:, 0]
    right = percent(float((last == labels).mean()), 3)
    caption = (
        "Images that come out right and images without an answer, against how long the outputs were listened to: by "
        "counting their spikes, and by the interval from the first to the last. "
        f"By intervals, {right} of {record.n_images} images are right in the end."
    )
    return Figure(plot, caption)
