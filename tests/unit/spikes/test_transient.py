"""A network of spiking circuits in time: what it is shown shows, and it goes on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.circuit.driven import Trace
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.transient import NetworkTransient, Show, simulate, spike_times
from anamorph.technology import Technology

STOP = 40e-6
#: The second image is brighter, the third is dark.
IMAGES = np.array([[0.3, 0.1, 0.2], [0.6, 0.2, 0.4], [0.0, 0.0, 0.0]])


@pytest.fixture(scope="module")
def shown(small: SpikingCircuit, cmos55: Technology) -> NetworkTransient:
    return simulate(small, cmos55, IMAGES, Show(STOP))


def test_brighter_is_faster_and_takes_more(shown: NetworkTransient) -> None:
    record = shown.record((2, 2))
    counts = record.counts()[:, :2]
    assert (counts[1] > counts[0]).all() and (counts[0] > counts[2]).all()
    # the outputs follow, if by less: filters in front of them have not settled yet
    intervals = [np.diff(record.of(image, 2))[-1] for image in range(3)]
    assert intervals[1] < intervals[0] < intervals[2]
    total = np.sum(list(record.energy.values()), axis=0)
    assert (np.diff(total, axis=1) > 0).all()
    assert total[1, -1] > total[0, -1] > total[2, -1] > 0
    # what an input's current takes from the supply is known: the charge of all of them, and of the biases
    expected = 0.2 * 1e-9 * (IMAGES.sum(1) + 1) * STOP
    np.testing.assert_allclose(record.energy["inputs"][:2, -1], expected[:2], rtol=0.02)


def test_it_goes_on_where_it_stopped(shown: NetworkTransient, small: SpikingCircuit, cmos55: Technology) -> None:
    after = simulate(small, cmos55, IMAGES, Show(STOP), start=shown)
    for before, later in zip(shown.layers[0].spikes[1], after.layers[0].spikes[1], strict=True):
        across = later[0] + STOP - before[-1]
        assert across == pytest.approx(np.diff(later).mean(), rel=0.02)
    # nothing is switched on once more: the first microsecond takes no more than any other
    assert shown.layers[0].energy[2, 5] > 1.2 * after.layers[0].energy[2, 5]


def test_spikes_are_rises_after_rest() -> None:
    v = np.array([0.0, 0.12, 0.09, 0.12, 0.0, 0.2])  # the second rise was not below the lower level before
    trace = Trace(np.arange(6.0), v[None], np.zeros(6), v[-1:])
    np.testing.assert_allclose(spike_times(trace, 0.06, 0.1), [0.1 / 0.12, 4.5])
    assert not len(spike_times(Trace(np.arange(2.0), np.zeros((1, 2)), np.zeros(2), np.zeros(1)), 0.06, 0.1))
