"""The page of a spiking network's run: curves and their fits, training, dies, geometries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from anamorph.enn.experiment import SpikingExperiment
from anamorph.enn.flow import Synthesis
from anamorph.enn.variation import Curves
from anamorph.report.figures.style import BLUE, GREEN, NEUTRAL, ORANGE, VERMILION, layout
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.units import show

HEADLINE = ("accuracy", "accuracy_mismatch", "synapses", "legs_area")


def write_page(path: Path, experiment: SpikingExperiment, found: Synthesis, result: dict[str, Any]) -> None:
    """Write ``report.html``."""
    page = Page(
        experiment.title or experiment.name,
        summary=_summary(experiment, result["metrics"]),
        metrics=result["metrics"],
        sections=(
            Section(
                "Neuron and synapse",
                f"Neuron: {found.curves.neuron.source}. Synapse: {found.curves.synapse.source}. Together they are "
                "the activation: the current that a neuron gives, against the current that it is given.",
                figures=(rate_figure(found.curves), activation_figure(found.curves)),
                table=linearity_table(found.curves),
            ),
            Section("Training", figures=(_training(found),)),
            Section(
                "Dies",
                "Each die is all test images through a network whose weights deviate: by a fixed share of each, as "
                "the paper assumes, and as the area law has it for mirrors of the synthesised sizes.",
                figures=(_dies(found),),
            ),
            Section("Mirrors", figures=(_geometries(found),)),
        ),
        warnings=tuple(result["warnings"]),
        provenance=result["provenance"],
        headline=HEADLINE,
    )
    write_report(path, page)


def _summary(experiment: SpikingExperiment, metrics: dict[str, Any]) -> str:
    value = {name: show(entry["value"], entry["unit"]) for name, entry in metrics.items()}
    return (
        f"{value['neurons']} spiking neurons and {value['synapses']} synapses, trained through the "
        f"{'measured curve' if experiment.through == 'curve' else 'logistic function (algorithm 1)'}, get "
        f"{value['accuracy']} of the test images right on dies whose weights deviate by "
        f"{show(experiment.weight_spread, '%')}, and {value['accuracy_mismatch']} where the mirrors' transistors "
        "deviate by the area law."
    )


def rate_figure(curves: Curves) -> Figure:
    """f_spike against i_ex."""
    neuron = curves.neuron
    plot = go.Figure(layout=layout("excitation current (pA)", "spikes (kHz)"))
    plot.add_scatter(
        x=neuron.i_ex * 1e12, y=neuron.f_spike[0] / 1e3, mode="lines", line={"color": BLUE}, name="f_spike"
    )
    plot.update_xaxes(range=[0, curves.activation.unit * 1e12])
    return Figure(plot, "Rate of the neuron's spikes against the current into it.")


def activation_figure(curves: Curves) -> Figure:
    """The activation and what stands in for it."""
    x = np.linspace(0, 1, 501)
    plot = go.Figure(layout=layout("x = excitation / full scale", "y = current passed on / largest"))
    named = (
        ("spline", curves.activation(x), BLUE),
        ("polynomial, order 12", curves.polynomial(x), VERMILION),
        ("generalised logistic", curves.logistic(x), ORANGE),
    )
    for name, y, colour in named:
        plot.add_scatter(x=x, y=y, mode="lines", line={"color": colour}, name=name)
    return Figure(
        plot,
        f"The activation, and two functions fitted to it: r² {curves.polynomial.r_squared:.4f} (polynomial) and "
        f"{curves.logistic.r_squared:.4f} (logistic).",
    )


def linearity_table(curves: Curves) -> Table:
    """Over which range a cascade collapses into one layer."""
    rows = tuple(
        (
            f"{r.x_min:g} to 1", f"{r.line.r_squared:.4f}", f"{100 * r.line.mean_deviation:.2g} %",
            f"{100 * r.nonlinear_share:.2g} %", "yes" if r.collapses else "no",
            show(r.energy_mean, "J") if np.isfinite(r.energy_mean) else "unknown",
        )
        for r in curves.feasibility.ranges
    )  # fmt: skip
    columns = ("range of x", "r² of a line", "mean deviation", "beyond a single layer", "linear", "energy per spike")
    caption = "Beyond a single layer: variance of a three-layer cascade's outputs that no single layer reproduces."
    return Table(columns, rows, f"{caption} Linear: r² of at least 0.99.")


def _training(found: Synthesis) -> Figure:
    accuracy = found.trained.train_accuracy
    plot = go.Figure(layout=layout("epoch", "accuracy on the training images (%)"))
    plot.add_scatter(x=np.arange(1, len(accuracy) + 1), y=100 * accuracy, mode="lines", line={"color": BLUE}, name="")
    return Figure(plot, "Accuracy on the training images with nominal weights.")


def _dies(found: Synthesis) -> Figure:
    plot = go.Figure(layout=layout("accuracy on the test images (%)", "dies", barmode="overlay"))
    named = (("stated share of each weight", found.normal, GREEN), ("area law", found.mismatched, VERMILION))
    if found.transistors is not None:
        named = (*named, ("area law, neurons as well", found.transistors, BLUE))
    for name, dies, colour in named:
        plot.add_histogram(x=100 * dies.accuracy, name=name, marker={"color": colour}, opacity=0.7)
    plot.add_vline(x=100 * float(found.nominal.accuracy[0]), line={"color": NEUTRAL, "dash": "dot"})
    return Figure(plot, "Accuracy of each die; the dotted line is the die without deviation.")


def _geometries(found: Synthesis) -> Figure:
    plot = go.Figure(layout=layout("width (nm)", "length (nm)"))
    layers = len(found.structure.wirings)
    for index, leg in enumerate(found.legs[:layers]):
        on = leg.w > 0
        plot.add_scatter(x=leg.w[on] * 1e9, y=leg.l[on] * 1e9, mode="markers", name=f"layer {index + 1}")
    plot.update_xaxes(type="log")
    plot.update_yaxes(type="log")
    return Figure(plot, "Width and length of every mirror leg.")
