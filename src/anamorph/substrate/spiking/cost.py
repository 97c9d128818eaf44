"""Area and power of a programmed spiking chip."""

from __future__ import annotations

import numpy as np

from anamorph.cost.sheet import CostLine, CostSheet

#: Layout area of one neuron, m², by the word its name begins with (Soupizet et al. 2023, section IV.A).
AREAS = {"lif": 28.4e-12, "simplified_ml": 61.7e-12, "biomimetic_ml": 98.6e-12}


def cost_sheet(
    neuron: str, neurons: int, legs_area: float, scale: float, power: np.ndarray, powers_known: bool
) -> CostSheet:
    """Lines of area and power.

    Args:
        neuron: its name; without a published layout, its area has no line.
        neurons: how many spike.
        legs_area: of all legs that were made, m².
        scale: of all widths and lengths.
        power: from the supply, of each answer, W.
        powers_known: whether the neuron's own power is in `power`.
    """
    legs = CostLine("legs_area", legs_area, "m^2", legs_area, legs_area, "assumed",
                    "unit legs of both signs in parallel, spacing added to both sides of each")  # fmt: skip
    lines = [legs]
    own = next((area for name, area in AREAS.items() if neuron.startswith(name)), None)
    if own is not None:
        area = own * neurons * scale**2
        source = f"layouts of Soupizet et al. 2023, times the square of {scale:g}"
        lines.append(CostLine("neurons_area", area, "m^2", area, area, "assumed", source))
    power = power[np.isfinite(power)]
    if power.size:
        source = "currents of connected legs and mean power of the neurons' curve" if powers_known else (
            "currents of connected legs alone: the neuron's curve has no power")  # fmt: skip
        source += "; synapses' front ends left out"
        low, mean, high = float(power.min()), float(power.mean()), float(power.max())
        mean = min(max(mean, low), high)  # a mean of equal figures may be off by a rounding
        lines.append(CostLine("power", mean, "W", low, high, "simulated", source, int(power.size)))
    return CostSheet(tuple(lines))
