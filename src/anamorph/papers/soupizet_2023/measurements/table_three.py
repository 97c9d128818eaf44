"""Adding up the paper's own table III."""

from __future__ import annotations

from anamorph.papers.measure import Context, Findings, Measured

#: Sides of the layouts, m (section IV.A), and power of neurons and synapses, W (table III).
SIDES = {"lif": (6.56e-6, 4.33e-6), "simplified_ml": (8.21e-6, 7.52e-6), "biomimetic_ml": (5.69e-6, 17.33e-6)}
POWER = {"lif": (4.10e-9, 251.8e-9), "simplified_ml": (11.63e-9, 313.3e-9), "biomimetic_ml": (77.10e-9, 510.0e-9)}
NEURONS = 86


def measure(context: Context) -> Findings:
    """Areas from the layouts' sides, totals from the rows."""
    areas = {f"{name}_area": NEURONS * a * b for name, (a, b) in SIDES.items()}
    totals = {f"{name}_total_power": a + b for name, (a, b) in POWER.items()}
    return Findings({name: Measured(value, basis="published") for name, value in (areas | totals).items()})
