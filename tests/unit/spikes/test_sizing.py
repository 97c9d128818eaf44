"""Legs that carry the wanted currents, and the netlist that they are in."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.characterise.activation import Activation
from anamorph.circuit.netlist import Fet
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.spiking import Weights
from anamorph.spikes.in_circuit import input_worth
from anamorph.spikes.netlist import BIAS, SUPPLY, drives, used_inputs, whole_network
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.sizing import currents, gate_voltage, passed_on, size_legs
from anamorph.substrate.spiking.mirrors import MirrorRules
from anamorph.technology import Technology

RULES = MirrorRules(w_max=2e-6, l_max=8e-6)
#: A synapse whose reference leg carries 0.3 nA at y = 1.
ACTIVATION = Activation(np.array([0.0, 1.0]), np.array([[0.0, 1.0]]), 1e-9, 0.3e-9, "a line")


def test_legs_carry_their_weights(cmos55: Technology) -> None:
    wanted = np.array([[1e-3, 0.02, 0.11], [0.4, 1.0, 2.7]])
    weights = Weights((wanted, wanted), (np.array([0.0, 0.1, 1e-9]), np.zeros(3)))
    synapses, biases, diode = size_legs(weights, ACTIVATION, RULES, cmos55)
    full = currents(cmos55, *(np.array([size]) for size in diode))[0]
    full /= passed_on(cmos55, diode, 1e-9, np.ones(1))[0]
    reference = currents(cmos55, np.array([RULES.w_reference]), np.array([RULES.l_reference]))[0]
    for sizes, unit in ((synapses[0], full), (synapses[1], reference / 0.3)):
        carried = currents(cmos55, sizes.w.ravel(), sizes.l.ravel()) / unit
        np.testing.assert_allclose(carried, wanted.ravel(), rtol=0.02)
        assert (sizes.w >= RULES.w_min - 1e-15).all() and (sizes.l >= RULES.l_min - 1e-15).all()
    # a bias of zero, and one weaker than the longest leg, have none
    assert (biases[0].w > 0).tolist() == [False, True, False]
    # eq. 16 would have made the smallest leg of the second layer by its W/L alone, and that carries far less
    w = RULES.w_min
    by_geometry = currents(cmos55, np.array([w]), np.array([w / (1e-3 * RULES.w_reference / RULES.l_reference / 0.3)]))
    assert by_geometry[0] / (reference / 0.3) < 0.3e-3


def test_what_no_leg_can_be_is_refused(cmos55: Technology) -> None:
    for weight, match in ((-0.1, "second mirror"), (1e4, "wider")):
        with pytest.raises(DoesNotFit, match=match):
            size_legs(Weights((np.array([[weight]]),), (np.zeros(1),)), ACTIVATION, RULES, cmos55)


def test_a_gate_voltage_gives_back_its_current(cmos55: Technology) -> None:
    size, wanted = (135e-9, 60e-9), np.array([1e-12, 1e-10, 1e-9])
    low = gate_voltage(cmos55, size, wanted)
    assert (np.diff(low) < 0).all()
    # one decade in weak inversion is n U_T ln 10
    assert low[1] - low[2] == pytest.approx(1.45 * 0.025865 * np.log(10), rel=0.02)


def test_an_input_is_worth_itself_unless_it_is_dark(cmos55: Technology, small: SpikingCircuit) -> None:
    found = input_worth(small, cmos55, np.array([0.0, 1e-3, 0.3, 1.0]))
    assert found[3] == pytest.approx(1.0)
    assert 0.3 < found[2] < 0.4
    assert 0.005 < found[0] < found[1] < 0.03


def test_the_whole_network_has_a_transistor_for_every_synapse(small: SpikingCircuit) -> None:
    circuit = small
    cell = whole_network(circuit)
    fets = dict(cell.fets())
    legs = [name for name in fets if name.startswith(("MPl", "MPb"))]
    assert len(legs) == circuit.legs
    per_neuron = sum(1 for _ in circuit.neuron.cell.fets()) * circuit.structure.n_neurons
    fronts = sum(1 for _ in circuit.front.cell.fets()) * circuit.structure.layers[1]
    assert len(fets) == len(legs) + per_neuron + fronts + len(used_inputs(circuit)) + 1
    one = fets["MPl1_1_0"]
    assert isinstance(one, Fet) and (one.gate, one.drain, one.source) == ("g0_0", "vm1_1", "vdd")
    given = drives(circuit, np.array([0.5, 0.0, 1.0]), 0.2, 1e-7)
    assert set(given) == {SUPPLY, BIAS, "i_in0", "i_in1", "i_in2"}
    assert given["i_in0"] == ([0.0, 1e-7], [0.0, -0.5e-9])
    with pytest.raises(BadInput, match="not an input"):
        drives(circuit, np.array([0.5, 0.0, 1.5]), 0.2, 1e-7)
