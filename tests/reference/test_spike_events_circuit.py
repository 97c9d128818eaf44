"""The oscillator driven by its synapses' current against the neuron's transistors driven by the same current."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.cell.simplified_ml import simplified_ml
from anamorph.characterise.activation import combine
from anamorph.characterise.neuron import DRIVE, SUPPLY, Neuron, characterise_neuron
from anamorph.characterise.spiking_cell import spiking_cell
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.transient import transient
from anamorph.enn.curves import synapse_curve
from anamorph.network.spike_layer import Group, advance, constant
from anamorph.technology import load

#: For how long, s; moment at which currents begin; currents of the characterisation, A.
DURATION, BEGIN = 150e-6, 1e-9
CURRENTS = np.concatenate([np.geomspace(2e-12, 1e-10, 12)[:-1], np.linspace(1e-10, 1e-9, 19)])


@pytest.mark.slow  # 30 s of compilation
@pytest.mark.parametrize(
    ("tau", "drift"),
    # parts of a period after 27 spikes. The neuron's current moves by a sixth about its mean where tau is 25 us, and
    # fourfold where it is 4 us, less than a period: the oscillator is only as good as its rate is that of the moment
    [(25e-6, 0.15), (4e-6, 0.7)],
)
def test_spikes_are_those_of_the_transistors(tau: float, drift: float):
    card, neuron = load("cmos55"), Neuron(simplified_ml())
    curve = characterise_neuron(neuron, card, CURRENTS).curve
    synapse = synapse_curve("compact_published")
    cell = spiking_cell(curve, synapse, combine(curve, synapse), tau)
    rest = np.full(3, cell.rest_phase)
    before, _ = constant(cell, np.array([0.05, 0.2, 0.6]), rest, DURATION)
    listener = Group(None, np.array([0]), np.array([[0.1], [0.15], [0.1]]), np.array([0.02]))
    ours, _, _ = advance(cell, listener, rest[:1], before, DURATION, np.array([DURATION]))
    weights = listener.weights[before.whose, 0] * before.charges / tau
    # a spike's step takes 1 ns in the waveform
    corners = np.unique(np.concatenate([before.times, before.times + 1e-9, np.arange(0, DURATION, 0.5e-6), [DURATION]]))
    age = corners[:, None] - before.times - 1e-9
    current = 0.02 + (np.where(age > -1e-15, np.exp(-np.maximum(age, 0) / tau), 0.0) * weights).sum(axis=1)
    drive = np.concatenate([[0.0], corners + BEGIN]), cell.unit * np.concatenate([[0.0], current])
    found = transient(
        compile_cell(neuron.bench(), card), {DRIVE: drive, SUPPLY: card.v_dd}, DURATION, probes=("out",),
        max_steps=20_000, tolerance=3e-4,
    ).require_converged()  # fmt: skip
    theirs = _spikes(found.times, found.voltage("out"), card.v_dd / 2)
    assert abs(len(ours) - len(theirs)) <= 1 and len(theirs) > 20
    together = min(len(ours), len(theirs))
    period = np.median(np.diff(theirs))
    apart = np.abs(ours[:together] - theirs[:together]) / period
    assert apart[0] < 0.05  # from rest to the first spike
    assert apart.max() < drift


def _spikes(t: np.ndarray, v: np.ndarray, level: float) -> np.ndarray:
    up = np.flatnonzero((v[:-1] < level) & (v[1:] >= level))
    return t[up] + (level - v[up]) / (v[up + 1] - v[up]) * (t[up + 1] - t[up])
