"""ngspice as judge of synapses: the same equations at rest, and behind a spiking neuron the mean current within 2 %."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.cell.synapse_compact import compact_synapse
from anamorph.characterise.neuron import DRIVE, SUPPLY, Neuron
from anamorph.characterise.spiking_synapse import Synapse, characterise_synapse
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, Element, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.enn.synapse_circuits import LEGS, synapse_circuit

pytestmark = pytest.mark.ngspice

V_DD, V_OUT = 0.2, 0.1


def held() -> tuple[Cell, dict[str, float]]:
    """All four synapses side by side, with v_pre held as in the middle of a spike."""
    elements: list[Element] = [VoltageSource("vdd", "vdd"), VoltageSource("v_pre", "v_pre")]
    drives = {"vdd": V_DD, "v_pre": 0.15}
    for name in LEGS:
        synapse = synapse_circuit(name)
        own = {port: f"{name}_{port}" for port in (synapse.output, *synapse.biases)}
        elements.append(Instance(name, synapse.cell, {synapse.input: "v_pre", synapse.supply: "vdd"} | own))
        elements += [VoltageSource(node, node) for node in own.values()]
        drives |= {own[port]: value for port, value in synapse.biases.items()} | {own[synapse.output]: V_OUT}
    return Cell("held", (), tuple(elements)), drives


def test_currents_of_all_four_with_their_input_held() -> None:
    cell, drives = held()
    card = technology.load("cmos55")
    circuit = compile_cell(cell, card)
    shifts = 0.01 * np.random.default_rng(2).normal(size=len(circuit.fets))
    ours = operating_point(circuit, {k: jnp.asarray(v) for k, v in drives.items()}, jnp.asarray(shifts))
    assert np.all(ours.converged)
    theirs = ngspice.operating_points(cell, card, drives, shifts, start=ours.voltages)
    for name in LEGS:
        out = -float(ours.source_current(f"{name}_i_out"))
        assert out > 5e-11  # each of them delivers
        # ngspice stops within 2 uV, 5e-5 of a current
        assert -float(theirs.source_current(f"{name}_i_out")) == pytest.approx(out, rel=2e-4)


@pytest.mark.slow
def test_mean_current_behind_a_neuron() -> None:
    """The filter charges for some 200 us at 1 nA; the last of 230 us are steady within 0.1 %."""
    card, neuron = technology.load("cmos55"), Neuron(simplified_ml())
    synapse, current = Synapse(compact_synapse()), 1e-9
    shifts = 0.01 * np.random.default_rng(3).normal(size=sum(1 for _ in synapse.cell.fets()))
    ours = characterise_synapse(synapse, neuron, card, np.array([current]), shifts[None], power=False)
    assert ours.converged.all()

    fixed = {"v_meter": V_OUT, "v_own": V_DD, SUPPLY: V_DD, DRIVE: ([0.0, 1e-9, 2e-9], [0.0, 0.0, current])}
    every = np.concatenate([np.zeros(sum(1 for _ in neuron.cell.fets())), shifts])
    theirs = ngspice.transient(synapse.bench(neuron), card, fixed, 230e-6, every, max_step=40e-9)
    time, spikes, out = theirs.time, theirs.voltage("out"), -theirs.source_current("v_meter")
    up = np.flatnonzero((spikes[:-1] < V_DD / 2) & (spikes[1:] >= V_DD / 2))[-7:]
    period = (time[up[-1]] - time[up[0]]) / 6
    inside = slice(up[0], up[-1] + 1)
    mean = np.trapezoid(out[inside], time[inside]) / (time[up[-1]] - time[up[0]])
    assert ours.f_spike[0, 1] == pytest.approx(1 / period, rel=0.01)
    assert ours.i_out[0, 1] == pytest.approx(mean, rel=0.02)
