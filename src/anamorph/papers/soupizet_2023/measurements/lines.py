"""Lines through the curves, and the two functions fitted to the activations."""

from __future__ import annotations

import numpy as np

from anamorph.characterise.activation_fits import fit_line, fit_logistic, fit_polynomial
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.papers.soupizet_2023.measurements._curves import CIRCUIT, NEURONS, PUBLISHED, activation, curve

#: The paper's range of the lines, A.
LOW, HIGH = 200e-12, 1e-9

LEFT_OUT = "Left out of the quick ledger: a minute of transients."
FITS = {"polynomial": fit_polynomial, "logistic": fit_logistic}
#: Synapse, end of a claim's name, what to know.
SYNAPSES = (
    (PUBLISHED, "", "the synapse is the paper's line, and its beginning below 160 kHz is assumed"),
    (CIRCUIT, "_circuit", "the synapse is its circuit, whose connections are partly assumed"),
)


def measure(context: Context) -> Findings:
    """Least squares over evenly spaced currents; the paper does not say how its points are spread."""
    claims = {}
    for name in ("simplified_ml", "biomimetic_ml"):
        found = curve(name)
        i = np.linspace(LOW, HIGH, 401)
        line = fit_line(i, np.interp(i, found.i_ex, found.f_spike[0]), LOW)
        claims[f"{name}_slope"] = Measured(line.slope, basis=_basis(name), note=f"r^2 {line.r_squared:.4f}.")
        claims[f"{name}_intercept"] = Measured(line.intercept, basis=_basis(name))
        claims[f"{name}_deviation"] = Measured(line.mean_deviation, basis=_basis(name))
    x = np.linspace(0.0, 1.0, 1001)
    for name in NEURONS:
        context.tell(name)
        for synapse, way, said in SYNAPSES:
            if context.quick and synapse == CIRCUIT:
                found = dict.fromkeys(FITS, Measured(None, note=LEFT_OUT))
            else:
                y, note = activation(name, synapse)(x), f"Over 1001 evenly spaced points; {said}."
                found = {kind: Measured(fit(x, y).r_squared, note=note) for kind, fit in FITS.items()}
            claims |= {f"{name}_{kind}{way}": ours for kind, ours in found.items()}
    return Findings(claims)


def _basis(name: str) -> str:
    return "published" if NEURONS[name].endswith("published") else "simulated"
