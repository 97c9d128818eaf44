"""Curves that several measurements need, characterised once."""

from __future__ import annotations

import functools

from anamorph.characterise.activation import combine
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.enn.curves import neuron_curve, synapse_curve

#: Name in the claims -> neuron here: of the biomimetic one its authors' own curve, since our circuit's connections are
#: assumed.
NEURONS = {"lif": "lif", "simplified_ml": "simplified_ml", "biomimetic_ml": "biomimetic_ml_published"}


@functools.cache
def curve(name: str) -> FrequencyCurve:
    """f_spike against i_ex of a neuron in the claims."""
    return neuron_curve(NEURONS[name])


@functools.cache
def activation(name: str):
    """With the published line of the compact synapse."""
    return combine(curve(name), synapse_curve("compact_published"))
