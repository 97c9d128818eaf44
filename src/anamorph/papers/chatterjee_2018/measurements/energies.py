"""Energies of both neurons over frequency."""

from __future__ import annotations

import numpy as np

from anamorph.cost.neuron_comparison import Comparison, compare
from anamorph.mixed_signal.energy import FREQUENCIES, LOW, energy_figure, power_figure
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.technology import load

BITS = (8, 3)
#: Frequencies of a quick ledger, Hz.
FEW = tuple(float(f) for f in np.geomspace(1e4, 1e9, 11))


def measure(context: Context) -> Findings:
    """Digital over analog energy at the paper's limit of low frequencies, a decade below, and the smallest."""
    card, claims, compared = load("cmos65"), {}, {}
    grid = FEW if context.quick else FREQUENCIES
    for bits in BITS:
        context.tell(f"{bits} bits")
        found = compare(card, bits, grid)
        compared[bits] = found
        claims |= _figures(bits, found)
        if bits == max(BITS):
            claims |= {name: _smallest(found) for name in ("everywhere_short", "everywhere_extended")}
    return Findings(claims, {"Figure 2(b), (c)": (power_figure(compared), energy_figure(compared))})


def _figures(bits: int, found: Comparison) -> dict[str, Measured]:
    below = found.frequency <= LOW / 10 * (1 + 1e-9)
    note = f"At 1 MHz, multiplier alone, whole synapse; {float(found.ratio[below][-1]):.0f} at 100 kHz."
    return {f"low_frequency_{bits}": Measured(float(np.interp(LOW, found.frequency, found.ratio)), note=note)}


def _smallest(found: Comparison) -> Measured:
    finite = np.isfinite(found.ratio)
    at = int(np.argmin(np.where(finite, found.ratio, np.inf)))
    high = float(found.frequency[finite][-1])
    note = (
        f"8 bits; at {found.frequency[at] / 1e6:.3g} MHz, the analog synapse with both of its branches; up to "
        f"{high / 1e6:.3g} MHz, beyond which one of the two is too slow. Per branch twice that."
    )
    return Measured(float(found.ratio[at]), note=note)
