"""Transient characterisation of a synapse behind a neuron."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.lif import lif
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.cell.synapse_compact import compact_synapse
from anamorph.characterise.neuron import Neuron
from anamorph.characterise.spiking_synapse import Synapse, SynapseMeasurement, characterise_synapse
from anamorph.errors import BadInput


def measurement(f: list[float], i: list[float], converged: list[bool] | None = None) -> SynapseMeasurement:
    grid = np.array([f])
    return SynapseMeasurement(
        1e-10 * np.arange(len(f)), grid, np.array([i]), np.zeros_like(grid), np.full(grid.shape, 2e-12),
        np.array([converged or [True] * len(f)]), 0.2, 0.1, 300.15, "made up",
    )  # fmt: skip


def test_the_curve_begins_idle_and_follows_the_rising_rate() -> None:
    """A neuron near its end spikes slower again: those points belong to another branch."""
    found = measurement([0, 0, 1e5, 2e5, 1.9e5, 0], [1e-11, 1e-11, 1e-10, 2e-10, 3e-10, 1e-11]).curve
    assert found.f_spike.tolist() == [0, 1e5, 2e5]
    assert found.i_out.tolist() == [[1e-11, 1e-10, 2e-10]]


def test_what_did_not_settle_is_left_out_of_the_curve() -> None:
    found = measurement([0, 1e5, 2e5, 3e5], [0, 1e-10, 2e-10, 3e-10], [True, False, True, True]).curve
    assert found.f_spike.tolist() == [0, 2e5, 3e5]
    with pytest.raises(BadInput, match="less than two of these currents"):
        _ = measurement([0, 1e5, 2e5], [0, 1e-10, 2e-10], [True, False, True]).curve


def test_energy_of_a_spike_is_power_over_rate() -> None:
    found = measurement([0, 1e5], [0, 1e-10]).energy_per_spike
    assert np.isnan(found[0, 0])
    assert found[0, 1] == pytest.approx(2e-17)


def test_ports_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="no port 'pre'.*Did you mean 'v_pre'"):
        Synapse(compact_synapse(), "pre")
    with pytest.raises(BadInput, match="ports without a purpose"):
        Synapse(compact_synapse(((324, 60), (135, 60))), output="i_out_0")


def test_what_cannot_be_measured_is_refused() -> None:
    synapse, neuron, card = Synapse(compact_synapse()), Neuron(lif()), technology.load("cmos55")
    with pytest.raises(BadInput, match="not positive and increasing"):
        characterise_synapse(synapse, neuron, card, np.array([0.0, 1e-9]))
    with pytest.raises(BadInput, match=r"not deviations of this synapse.*\[samples, 4\]"):
        characterise_synapse(synapse, neuron, card, np.array([1e-9]), np.zeros((1, 3)))


@pytest.mark.slow
def test_current_ripple_and_power_of_the_compact_synapse() -> None:
    card, neuron, i_ex = technology.load("cmos55"), Neuron(simplified_ml()), np.array([1e-10, 1e-9])
    found = characterise_synapse(Synapse(compact_synapse()), neuron, card, i_ex)
    assert found.converged.all()
    # leakage of the diode alone; then the current rises with the rate, and the filter hides the spikes
    assert 0.05 < found.i_out[0, 0] / found.i_out[0, -1] < 0.2
    assert (np.diff(found.i_out[0]) > 0).all() and (found.ripple < 0.05).all()
    # supply: what leaves through the leg, and what the transconductor takes through the diode
    assert (found.power[0] > found.v_dd * found.i_out[0]).all()
    assert (found.power[0] < 2.2 * found.v_dd * found.i_out[0]).all()
