"""ngspice as judge of a network of spiking circuits: the same netlist, switched on in the same way."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.cell.synapse_compact import compact_front
from anamorph.characterise.activation import Activation
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.driven import Trace
from anamorph.network.spiking import Weights, mnist_structure
from anamorph.spikes.handover import node_voltages
from anamorph.spikes.judged import judge
from anamorph.spikes.netlist import drives, output, whole_network, with_supplies
from anamorph.spikes.parts import FrontEnd, SpikingCircuit
from anamorph.spikes.sizing import size_legs
from anamorph.spikes.transient import LEVELS, Show, simulate, spike_times
from anamorph.substrate.spiking.mirrors import MirrorRules
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


@pytest.mark.slow
def test_ngspice_goes_on_where_a_transient_ended(small: SpikingCircuit, cmos55: Technology) -> None:
    found = simulate(small, cmos55, IMAGES, Show(STOP))
    named = node_voltages(small, found, 1)
    assert set(named) == set(compile_cell(whole_network(small), cmos55).unknowns)
    judged = judge(small, cmos55, IMAGES[1], found, 1, 30e-6)
    assert judged.counts.min() >= 3
    assert np.abs(np.diff(judged.counts, axis=0)).max() <= 1
    for layer, within in enumerate((0.02, 0.05)):
        assert np.abs(judged.deviations(layer)).max() < within
    assert judged.energy[0] == pytest.approx(judged.energy[1], rel=0.05)


@pytest.mark.slow
def test_ngspice_agrees_about_the_whole_network(small: SpikingCircuit, cmos55: Technology) -> None:
    rng, structure = np.random.default_rng(0), mnist_structure()
    sizes = zip((0.3, 0.4, 0.05), structure.shapes, strict=True)
    weights = Weights(tuple(rng.uniform(0, high, shape) for high, shape in sizes),
                      tuple(np.zeros(n) for n in structure.layers[1:]))  # fmt: skip
    line = Activation(np.array([0.0, 1.0]), np.array([[0.1, 1.0]]), 1e-9, 0.3e-9, "a line")
    synapses, biases, diode = size_legs(weights, line, MirrorRules(), cmos55)
    circuit = SpikingCircuit(structure, small.neuron, FrontEnd(compact_front()), synapses, biases, diode, 1e-9)
    x = np.clip(rng.normal(0.1, 0.4, 784), 0, 1)
    judged = judge(circuit, cmos55, x, simulate(circuit, cmos55, x[None], Show(STOP)), 0, 25e-6)
    assert np.abs(np.diff(judged.counts, axis=0)).max() <= 1
    for layer in range(3):
        off = np.abs(judged.deviations(layer))
        # what is left out: membranes pull at the gates that drive them
        assert len(off) > 5 and np.median(off) < 0.02 and off.max() < 0.06
    assert judged.energy[0] == pytest.approx(judged.energy[1], rel=0.05)
