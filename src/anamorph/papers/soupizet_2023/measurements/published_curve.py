"""Reading the authors' post-layout curve of the biomimetic neuron."""

from __future__ import annotations

import numpy as np

from anamorph.papers.measure import Context, Findings, Measured
from anamorph.papers.soupizet_2023.measurements._curves import curve


def measure(context: Context) -> Findings:
    """f_spike at 1 nA."""
    found = curve("biomimetic_ml")
    return Findings(
        {"biomimetic_ml_frequency": Measured(float(np.interp(1e-9, found.i_ex, found.f_spike[0])), basis="published")}
    )
