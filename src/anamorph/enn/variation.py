"""What differs from the nominal neuron: mismatch of its transistors, temperature, supply.

The synapse is the nominal one throughout: what its own transistors add is in the mirrors' spread, and what temperature
and supply do to it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from anamorph.characterise.activation import INTERVALS, Activation, combine
from anamorph.characterise.activation_fits import LogisticFit, PolynomialFit
from anamorph.characterise.linearity import Feasibility
from anamorph.characterise.neuron import characterise_neuron, mismatch
from anamorph.characterise.spiking import FrequencyCurve, SynapseCurve
from anamorph.enn.curves import circuit
from anamorph.enn.experiment import SpikingExperiment
from anamorph.errors import BadInput
from anamorph.kept_stages import Stages
from anamorph.network.spiking import Structure
from anamorph.network.spiking_monte_carlo import Neurons
from anamorph.provenance import named_key
from anamorph.technology import load

#: Fewer currents than of the nominal curve: of each of many samples.
CURRENTS = np.concatenate([np.geomspace(2e-12, 1e-10, 16)[:-1], np.linspace(1e-10, 1e-9, 13)])
#: Temperature in degrees Celsius, and supply over the nominal one.
CORNERS = {"-40 degC": (-40.0, 1.0), "125 degC": (125.0, 1.0), "supply -10 %": (27.0, 0.9), "supply +10 %": (27.0, 1.1)}
KELVIN = 273.15
#: What a corner's neuron may need to be given: at 125 degrees it only begins to spike at a fifth of the nominal range.
CORNER_END = 20.0
CORNER_CURRENTS = np.concatenate([CURRENTS, np.geomspace(1e-9, CORNER_END * 1e-9, 8)[1:]])
#: Fields of a curve that have an axis of samples.
GRIDS = ("f_spike", "state", "power_rms", "power_mean", "converged")


@dataclass(frozen=True)
class Curves:
    """The characteristics that everything else rests on."""

    neuron: FrequencyCurve
    synapse: SynapseCurve
    activation: Activation
    polynomial: PolynomialFit
    logistic: LogisticFit
    feasibility: Feasibility


def neuron_pool(
    experiment: SpikingExperiment, curves: Curves, structure: Structure, stages: Stages | None = None
) -> Neurons:
    """Every neuron of every die drawn from a pool of characterised mismatch samples.

    With fewer samples than neurons some neurons of different dies are alike; each die still holds a random draw.
    `SpikingExperiment.neuron_scale` divides deviations, as the area law has it for transistors that are so many times
    as wide and as long. That such a neuron keeps its curve is assumed: its capacitances would have to stay.
    """
    card, neuron = load(experiment.technology), circuit(experiment.neuron)
    shifts = mismatch(neuron, card, named_key(experiment.seed, "neurons"), experiment.neuron_samples)
    shifts = shifts / experiment.neuron_scale
    inputs = {"neuron": experiment.neuron, "technology": card.digest, "shifts": shifts, **_scale(curves)}
    make = lambda: {"pool": _normalised(characterise_neuron(neuron, card, CURRENTS, shifts).curve, curves)}  # noqa: E731
    pool = (stages or Stages()).arrays("neuron_pool", inputs, make)["pool"]
    rng = np.random.default_rng([experiment.seed, structure.n_neurons])
    chosen = tuple(
        rng.integers(0, len(pool), (experiment.mismatch_dies, w.n_out)).astype(np.int32) for w in structure.wirings
    )
    return Neurons(pool, chosen)


def corner_tables(
    experiment: SpikingExperiment, curves: Curves, stages: Stages | None = None
) -> dict[str, Float[np.ndarray, " knots"]]:
    """The activation at each of `CORNERS` for x from 0 to `CORNER_END`, in the units of the nominal one."""
    card, neuron = load(experiment.technology), circuit(experiment.neuron)

    def make() -> dict[str, np.ndarray]:
        found = {}
        for name, (celsius, supply) in CORNERS.items():
            kelvin, v_dd = celsius + KELVIN, supply * card.v_dd
            found[name] = _normalised(
                characterise_neuron(neuron, card, CORNER_CURRENTS, v_dd=v_dd, temperature=kelvin).curve,
                curves,
                CORNER_END,
            )[0]
        return found

    inputs = {"neuron": experiment.neuron, "technology": card.digest, **_scale(curves), "to": CORNER_CURRENTS}
    return (stages or Stages()).arrays("corners", inputs, make)


def _scale(curves: Curves) -> dict[str, object]:
    """What tables in units of the nominal peak depend on beside the neuron."""
    synapse = {"f_spike": curves.synapse.f_spike, "i_out": curves.synapse.i_out}
    return {**synapse, "peak": curves.activation.peak, "currents": CURRENTS}


def _normalised(curve: FrequencyCurve, curves: Curves, x_max: float = 1.0) -> Float[np.ndarray, "samples knots"]:
    """Tables in units of the nominal peak, each sample by itself: one that never spikes passes nothing on."""
    knots = int(INTERVALS * x_max) + 1
    tables = np.zeros((len(curve.f_spike), knots))
    for sample, table in enumerate(tables):
        own = {name: getattr(curve, name)[sample : sample + 1] for name in GRIDS}
        # beyond the rates at which the synapse is known, its current is taken as at the last of them
        own["f_spike"] = np.minimum(own["f_spike"], curves.synapse.f_spike[-1])
        try:
            found = combine(replace(curve, **own), curves.synapse, x_max=x_max)
        except BadInput:
            continue
        table[:] = found.table(x_max, knots - 1)[0] * found.peak / curves.activation.peak
    return tables
