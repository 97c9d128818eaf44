"""ngspice as judge of a network of spiking circuits: the same netlist, switched on in the same way."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.circuit import ngspice
from anamorph.circuit.driven import Trace
from anamorph.spikes.netlist import drives, output, with_supplies
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.transient import LEVELS, Show, simulate, spike_times
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

#: The same images and time as in the transients' own tests, for one compilation.
IMAGES, STOP = np.array([[0.3, 0.1, 0.2], [0.6, 0.2, 0.4], [0.0, 0.0, 0.0]]), 40e-6


def test_spikes_and_energy_are_those_of_ngspice(small: SpikingCircuit, cmos55: Technology) -> None:
    found = simulate(small, cmos55, IMAGES, Show(STOP))
    cell, supplies = with_supplies(small)
    values = drives(small, IMAGES[1], cmos55.v_dd, Show(STOP).rise)
    rails = {name: values["v_supply"] for name in supplies}
    theirs = ngspice.transient(cell, cmos55, values | rails, STOP, tolerance=1e-5, max_step=100e-9)
    time, (low, high) = theirs.time, (level * cmos55.v_dd for level in LEVELS)
    for layer, within in enumerate((0.02, 0.05)):
        for neuron in range(2):
            v = theirs.voltage(output(layer, neuron))
            judged = spike_times(Trace(time, v[None], np.zeros_like(time), v[-1:]), low, high)
            ours = found.layers[layer].spikes[1][neuron]
            assert abs(len(ours) - len(judged)) <= 1 and len(judged) >= 4
            count = min(len(ours), len(judged))
            # what is left out, membranes on their gates, is within this
            assert np.diff(ours[:count]).mean() == pytest.approx(np.diff(judged[:count]).mean(), rel=within)
    given = np.interp(time, *values["v_supply"]) * sum(theirs.source_current(name) for name in supplies)
    ours = found.inputs.energy[1, -1] + sum(layer.energy[1, -1] for layer in found.layers)
    assert ours == pytest.approx(np.trapezoid(given, time), rel=0.05)
