"""Curves that several measurements need, characterised once."""

from __future__ import annotations

import functools

from anamorph.characterise.activation import Activation, combine
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.enn.curves import neuron_curve, synapse_curve

#: Name in the claims -> neuron here: of the biomimetic one its authors' own curve, since our circuit's connections are
#: assumed.
NEURONS = {"lif": "lif", "simplified_ml": "simplified_ml", "biomimetic_ml": "biomimetic_ml_published"}


@functools.cache
def curve(name: str) -> FrequencyCurve:
    """f_spike against i_ex of a neuron in the claims."""
    return neuron_curve(NEURONS[name])


#: Synapses behind them: the paper's line, whose beginning is not published, and the circuit, whose connections are not.
PUBLISHED, CIRCUIT = "published", "compact"


@functools.cache
def activation(name: str, synapse: str = PUBLISHED) -> Activation:
    """With the compact synapse: its published line, or its circuit behind the neuron."""
    return combine(curve(name), synapse_curve(synapse, NEURONS[name]))
