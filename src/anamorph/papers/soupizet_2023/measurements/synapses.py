"""Transients of the compact synapse behind each neuron."""

from __future__ import annotations

import numpy as np

from anamorph.characterise.activation_fits import fit_line
from anamorph.characterise.spiking import SynapseCurve
from anamorph.enn.curves import CIRCUITS, neuron_curve, synapse_curve
from anamorph.papers.measure import Context, Findings, Measured

#: Range of the line, Hz: from where the paper's begins to the end of its sweep.
LOW, HIGH = 160e3, 450e3
#: Synapses of the network, and the end of the paper's range of currents, A.
SYNAPSES, END = 1238, 1e-9
#: The neuron whose range of rates the paper's sweep had.
SWEPT = "biomimetic_ml"
ASSUMED = "Connections of the circuit are partly assumed; a leg of 324 by 60 nm."


def measure(context: Context) -> Findings:
    """The line above 160 kHz; power at rest and at 1 nA of 1238 whole circuits, none of which shares a filter."""
    context.tell(SWEPT)
    found = synapse_curve("compact", SWEPT)
    idle = Measured(
        SYNAPSES * float(found.power[0, 0]), note="1238 whole circuits; fewer if a neuron's share a filter."
    )
    return Findings(
        _line(found) | {"synapse_idle": idle} | {f"{n}_synapse_power": _power(context, n) for n in CIRCUITS}
    )


def _line(found: SynapseCurve) -> dict[str, Measured]:
    f = np.linspace(LOW, min(HIGH, found.f_spike[-1]), 401)
    line = fit_line(f, np.interp(f, found.f_spike, found.i_out[0]), LOW)
    note = f"{ASSUMED} Up to {f[-1] / 1e3:.0f} kHz."
    return {
        "synapse_slope": Measured(line.slope, note=note),
        "synapse_intercept": Measured(line.intercept, note=ASSUMED),
        "synapse_r_squared": Measured(line.r_squared, note=ASSUMED),
        "synapse_deviation": Measured(line.mean_deviation, note=ASSUMED),
    }


def _power(context: Context, neuron: str) -> Measured:
    """Of all synapses while every neuron is driven with 1 nA."""
    if context.quick:
        return Measured(None, note="Left out of the quick ledger: minutes of transients.")
    context.tell(neuron)
    own, found = neuron_curve(neuron), synapse_curve("compact", neuron)
    rate = np.interp(END, own.i_ex, own.f_spike[0])
    power = SYNAPSES * float(np.interp(rate, found.f_spike, found.power[0]))
    return Measured(power, note="Mean power behind neurons driven with 1 nA, where the paper's may be RMS.")
