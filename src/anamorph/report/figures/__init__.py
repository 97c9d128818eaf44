"""Figures of a run: pure functions from arrays to a plot and its caption.

Currents and times come in SI units and are shown with an engineering prefix. Each function returns a
`anamorph.report.page.Figure`; its ``plot`` is an ordinary plotly figure, for notebooks.

What follows Figs. 3 to 5 of Binas et al. 2016: `activity` (3), `time_against_power` (4a),
`energy_against_run_time` (4b), `energy_histogram` (4c), `single_neuron` (5b), `slopes` (5c), `network_diagram` (5d),
`barycentric` (5e).
"""

from anamorph.report.figures.activity import activity
from anamorph.report.figures.chip import single_neuron, slopes, transient
from anamorph.report.figures.classes import barycentric
from anamorph.report.figures.diagram import network_diagram
from anamorph.report.figures.dies import accuracy_histogram, yield_bars
from anamorph.report.figures.efficiency import (
    Course,
    Decided,
    energy_against_run_time,
    energy_histogram,
    time_against_power,
)
from anamorph.report.figures.matrices import weight_matrices
from anamorph.report.figures.simulators import spice_agreement

__all__ = [
    "Course",
    "Decided",
    "accuracy_histogram",
    "activity",
    "barycentric",
    "energy_against_run_time",
    "energy_histogram",
    "network_diagram",
    "single_neuron",
    "slopes",
    "spice_agreement",
    "time_against_power",
    "transient",
    "weight_matrices",
    "yield_bars",
]
