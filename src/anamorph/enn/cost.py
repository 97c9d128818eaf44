"""Area and power of a synthesised network: what its geometries and its images make of the characterised figures."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from anamorph.characterise.spiking import FrequencyCurve
from anamorph.cost.sheet import CostLine
from anamorph.enn.flow import Synthesis, lookups
from anamorph.network.spiking import Weights

#: Layout area of one neuron, m², by the word its name begins with (Soupizet et al. 2023, section IV.A).
AREAS = {"lif": 28.4e-12, "simplified_ml": 61.7e-12, "biomimetic_ml": 98.6e-12}
#: Images whose excitations the power is the mean of.
IMAGES = 1000


def cost_lines(found: Synthesis, neuron: str, through: str, images: np.ndarray, v_dd: float) -> tuple[CostLine, ...]:
    """Area of neurons and mirror legs; power of the neurons, and of the currents that the legs carry."""
    legs_area = sum(leg.area(found.rules.spacing) for leg in found.legs)
    count = sum(leg.count for leg in found.legs)
    lines = [
        CostLine("legs_area", legs_area, "m^2", legs_area, legs_area, "assumed",
                 f"{count} mirror legs, {found.rules.spacing * 1e6:g} um added to both sides of each"),
    ]  # fmt: skip
    own = next((area for name, area in AREAS.items() if neuron.startswith(name)), None)
    if own is not None:
        total = own * found.structure.n_neurons
        lines.append(CostLine("neurons_area", total, "m^2", total, total, "published", "layouts of the paper"))
    excitations = _excitations(found, through, images)
    current = found.curves.activation.unit * sum(float(x.sum(axis=1).mean()) for x in excitations)
    lines.append(CostLine("legs_power", v_dd * current, "W", v_dd * current, v_dd * current, "simulated",
                          "mean current into all neurons, from the supply; synapses' front ends left out"))  # fmt: skip
    active, idle = (_neurons_power(found.curves.neuron, x, found.curves.activation.unit)
                    for x in (excitations, [np.zeros_like(x[:1]) for x in excitations]))  # fmt: skip
    for name, value in (("neurons_power", active), ("neurons_idle_power", idle)):
        if np.isfinite(value):
            lines.append(CostLine(name, value, "W", value, value, "simulated", "mean power at each one's excitation"))
    return tuple(lines)


def _excitations(found: Synthesis, through: str, images: np.ndarray) -> list[np.ndarray]:
    answers = lookups(found.curves, through)[1]
    layers = len(found.structure.wirings)
    weights = Weights(*(tuple(jnp.asarray(w) for w in part) for part in found.realised))
    taps = jnp.asarray(found.structure.taps(images[:IMAGES]))
    return [np.asarray(x) for x in found.structure.forward(weights, (answers,) * layers, taps)[0]]


def _neurons_power(neuron: FrequencyCurve, excitations: list[np.ndarray], unit: float) -> float:
    """Sum over the neurons of the mean power, averaged over images, W; NaN where the curve has no power."""
    total = 0.0
    for x in excitations:
        power = np.interp(np.clip(x, 0, None) * unit, neuron.i_ex, neuron.power_mean[0])
        total += float(power.sum(axis=1).mean())
    return total
