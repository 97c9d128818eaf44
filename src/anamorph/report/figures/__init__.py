"""Figures of a run: pure functions from arrays to a plot and its caption.

Currents and times come in SI units and are shown with an engineering prefix. Each function returns a
`anamorph.report.page.Figure`; its ``plot`` is an ordinary plotly figure, for notebooks.

What follows Fig. 5 of Binas et al. 2016: `single_neuron` (5b), `slopes` (5c), `network_diagram` (5d),
`barycentric` (5e).
"""

from anamorph.report.figures.chip import single_neuron, slopes, transient
from anamorph.report.figures.classes import barycentric
from anamorph.report.figures.diagram import network_diagram
from anamorph.report.figures.dies import accuracy_histogram, yield_bars
from anamorph.report.figures.simulators import spice_agreement

__all__ = [
    "accuracy_histogram",
    "barycentric",
    "network_diagram",
    "single_neuron",
    "slopes",
    "spice_agreement",
    "transient",
    "yield_bars",
]
