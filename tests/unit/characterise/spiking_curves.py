"""Curves of a made-up neuron and synapse with the shapes of real ones, and formulas to check against."""

from __future__ import annotations

import numpy as np

from anamorph.characterise.spiking import FrequencyCurve, SynapseCurve, states

#: Threshold of the made-up neuron, A; above it f = 400 kHz (i / 1 nA)^0.6.
THRESHOLD = 5e-12


def neuron(stops: float = np.inf, samples: int = 1) -> FrequencyCurve:
    """A power law above a threshold that falls silent above `stops`; sample k is 10 k % slower."""
    i = np.geomspace(1e-12, 1e-9, 200)
    i[-1] = 1e-9  # geomspace ends a rounding short of it
    slower = 1 - 0.1 * np.arange(samples)[:, None]
    f = np.where((i > THRESHOLD) & (i < stops), 400e3 * (i / 1e-9) ** 0.6, 0.0) * slower
    power = np.where(f > 0, 20e-12 + 1e-15 * f, 20e-12)
    return FrequencyCurve(
        i, f, states(f > 0), 1.5 * power, power, np.ones(f.shape, bool), 0.2, 300.15, "made-up neuron"
    )


def synapse() -> SynapseCurve:
    """A current that follows the rate and saturates: 2 nA f / (f + 200 kHz)."""
    f = np.linspace(0, 450e3, 451)
    i = 2e-9 * f / (f + 200e3)
    unknown = np.full((1, len(f)), np.nan)
    return SynapseCurve(f, i[None], unknown, np.ones((1, len(f)), bool), 0.2, 300.15, "made-up synapse")
