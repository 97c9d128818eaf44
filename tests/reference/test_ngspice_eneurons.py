"""ngspice as judge of spiking neurons: f_spike within 1 %, power within 2 %, of the same equations."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.biomimetic_ml import biomimetic_ml
from anamorph.cell.lif import lif
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.characterise.neuron import DRIVE, SUPPLY, Neuron, characterise_neuron
from anamorph.circuit import ngspice
from anamorph.circuit.netlist import Cell

pytestmark = pytest.mark.ngspice

V_DD = 0.2


@pytest.mark.parametrize(
    ("cell", "current", "t_stop"),
    [(simplified_ml(), 1e-9, 22e-6), (lif(), 3e-10, 45e-6), (biomimetic_ml(), 5e-10, 25e-6)],
    ids=["simplified_ml", "lif", "biomimetic_ml"],
)
def test_frequency_and_power(cell: Cell, current: float, t_stop: float) -> None:
    card, neuron = technology.load("cmos55"), Neuron(cell)
    shifts = 0.01 * np.random.default_rng(4).normal(size=sum(1 for _ in cell.fets()))
    drive = ([0.0, 1e-9, 2e-9], [0.0, 0.0, current])
    theirs = ngspice.transient(
        neuron.bench(), card, {DRIVE: drive, SUPPLY: V_DD}, t_stop, shifts, max_step=30e-9
    )  # fmt: skip
    time, out, supplied = theirs.time, theirs.voltage("out"), theirs.source_current(SUPPLY)
    up = np.flatnonzero((out[:-1] < V_DD / 2) & (out[1:] >= V_DD / 2))
    assert len(up) >= 4
    spikes = time[up] + (V_DD / 2 - out[up]) / (out[up + 1] - out[up]) * np.diff(time)[up]
    first = 1
    period = (spikes[-1] - spikes[first]) / (len(spikes) - 1 - first)
    inside = (time > spikes[first]) & (time < spikes[-1])
    ends = np.concatenate([[spikes[first]], time[inside], [spikes[-1]]])
    flow = np.interp(ends, time, supplied)
    mean = np.trapezoid(flow, ends) / (ends[-1] - ends[0])
    rms = np.sqrt(np.trapezoid(flow**2, ends) / (ends[-1] - ends[0]))

    ours = characterise_neuron(neuron, card, np.array([current, 2 * current]), shifts[None]).curve
    assert ours.spiking[0, 0]
    assert ours.f_spike[0, 0] == pytest.approx(1 / period, rel=0.01)
    assert ours.power_mean[0, 0] == pytest.approx(V_DD * mean, rel=0.02)
    assert ours.power_rms[0, 0] == pytest.approx(V_DD * rms, rel=0.02)
