"""Transients of the three neurons at every current."""

from __future__ import annotations

import numpy as np

from anamorph.characterise.spiking import FrequencyCurve
from anamorph.enn.curves import CIRCUITS, neuron_curve
from anamorph.papers.measure import Context, Findings, Measured

NEURONS = 86
#: End of the paper's range, A.
END = 1e-9


def measure(context: Context) -> Findings:
    """Largest rate, smallest energy of a spike, idle and active power."""
    claims = {}
    for name in CIRCUITS:
        context.tell(name)
        claims |= {f"{name}_{key}": found for key, found in _figures(neuron_curve(name)).items()}
    return Findings(claims)


def _figures(found: FrequencyCurve) -> dict[str, Measured]:
    inside = found.i_ex <= END * (1 + 1e-9)
    spiking = inside & found.spiking[0]
    best = np.nanargmin(np.where(spiking, found.energy_per_spike_rms[0], np.nan))
    mean = found.energy_per_spike_mean[0][best]
    return {
        "frequency": Measured(float(found.f_spike[0][inside].max()), basis="simulated"),
        "energy": Measured(
            float(found.energy_per_spike_rms[0][best]),
            note=f"At {found.i_ex[best] * 1e12:.0f} pA; by mean power {mean * 1e15:.2f} fJ.",
        ),
        "idle": Measured(NEURONS * float(found.power_mean[0][0]), note=f"At {found.i_ex[0] * 1e12:g} pA."),
        "active": Measured(NEURONS * float(found.power_rms[0][inside][-1]), note="RMS power at 1 nA."),
    }
