import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.errors import BadInput
from anamorph.network.spike_record import UNDECIDED, SpikeRecord


def record(trains, duration=10.0, layers=None, **more):
    """One image, one list of times per neuron."""
    whose = np.repeat(np.arange(len(trains)), [len(t) for t in trains])
    times = np.array([t for train in trains for t in train], float)
    layers = layers or (len(trains),)
    return SpikeRecord.of_events(layers, 1, duration, np.zeros(len(times), int), whose, times, **more)


def test_spikes_are_kept_by_image_and_neuron_in_order():
    found = SpikeRecord.of_events(
        (1, 2), 2, 1.0, np.array([1, 0, 1, 1]), np.array([2, 0, 0, 2]), np.array([0.5, 0.1, 0.3, 0.2])
    )
    assert (found.n_images, found.n_neurons) == (2, 3)
    np.testing.assert_array_equal(found.of(1, 2), [0.2, 0.5])
    np.testing.assert_array_equal(found.counts(), [[1, 0, 0], [1, 0, 2]])
    np.testing.assert_array_equal(found.counts(0.25, 0.4), [[0, 0, 0], [1, 0, 0]])
    times, whose = found.raster(1)
    np.testing.assert_array_equal(times, [0.2, 0.3, 0.5])
    np.testing.assert_array_equal(whose, [2, 0, 2])
    np.testing.assert_allclose(found.rates(0.5), [[0, 0, 0], [0, 0, 2]])


def test_records_of_further_images_are_joined():
    clock, spent = np.array([5.0, 10.0]), {"neurons": np.array([[1.0, 2.0]])}
    one, other = (record([train, []], clock=clock, energy=spent) for train in ([1.0, 2.0], [3.0]))
    found = SpikeRecord.joined([one, other, one])
    assert found.n_images == 3
    np.testing.assert_array_equal(found.counts(), [[2, 0], [1, 0], [2, 0]])
    np.testing.assert_array_equal(found.of(1, 0), [3.0])
    assert found.energy["neurons"].shape == (3, 2)
    with pytest.raises(BadInput, match="belong together"):
        SpikeRecord.joined([one, record([[1.0]])])


def test_decision_by_counting():
    found = record([[1, 4, 5, 8], [2, 3]])
    decided = found.decide()
    assert (decided.answer[0], decided.first[0]) == (0, 1.0)
    assert decided.stable[0] == 5.0  # tied at 4, and 1 led from 3 on
    np.testing.assert_array_equal(found.answers(np.array([0.5, 1, 2, 3.5, 4, 9])), [[-1, 0, -1, 1, -1, 0]])


def test_intervals_tell_sooner_than_counts():
    slow, fast = np.arange(1.0, 9.0, 1.0), np.arange(1.2, 9.0, 0.98)
    found = record([slow, fast])
    assert found.decide("interval").answer[0] == 1
    assert found.decide("count").answer[0] == UNDECIDED
    assert np.isnan(found.decide("count").stable[0])


def test_only_the_last_layer_answers_and_begin_leaves_out():
    found = record([[1, 2, 3, 4], [1], [5, 6]], layers=(1, 2))
    assert found.decide().answer[0] == 1
    assert found.decide(begin=5.5).first[0] == 6.0


def test_nobody_spikes():
    decided = record([[], []]).decide("interval")
    assert decided.answer[0] == UNDECIDED and np.isnan(decided.first[0])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 20), max_size=8), min_size=2, max_size=4),
    st.lists(st.floats(0, 20), min_size=1, max_size=5),
    st.sampled_from(["count", "interval"]),
)
def test_answers_are_those_of_what_was_seen_so_far(trains, moments, readout):
    trains = [sorted(set(train)) for train in trains]
    found = record(trains, 20.0).answers(np.array(moments), readout)[0]
    for moment, answer in zip(moments, found, strict=True):
        seen = [[t for t in train if t <= moment] for train in trains]
        if readout == "count":
            read = [len(s) for s in seen]
        else:
            read = [(len(s) - 1) / (s[-1] - s[0]) if len(s) > 1 else 0 for s in seen]
        leaders = [n for n, r in enumerate(read) if r == max(read) > 0]
        assert answer == (leaders[0] if len(leaders) == 1 else UNDECIDED)


def test_energy_up_to_a_moment():
    energy = {"neurons": np.array([[1.0, 3.0]]), "synapses": np.array([[1.0, 1.0]])}
    found = record([[1]], clock=np.array([5.0, 10.0]), energy=energy)
    np.testing.assert_allclose(found.energy_at(np.array([2.5])), [1.0])
    np.testing.assert_allclose(found.energy_at(np.array([7.5])), [3.0])
    assert np.isnan(found.energy_at(np.array([np.nan]))).all()
    assert np.isnan(record([[1]]).energy_at(np.array([1.0]))).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"times": np.array([1.0, 11.0])}, "outside of the time"),
        ({"times": np.array([2.0, 1.0])}, "out of order"),
        ({"starts": np.array([0, 2, 3])}, "do not divide"),
        ({"starts": np.array([0, 2])}, "do not fit"),
        ({"energy": {"all": np.zeros((2, 0))}}, "moments of the clock"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, said):
    right = {"layers": (2,), "duration": 10.0, "times": np.array([1.0, 2.0]), "starts": np.array([0, 2, 2])}
    SpikeRecord(**right)
    with pytest.raises(BadInput, match=said):
        SpikeRecord(**(right | wrong))


def test_what_is_not_there_is_refused():
    with pytest.raises(BadInput, match="no such neuron"):
        SpikeRecord.of_events((1,), 1, 1.0, np.array([0]), np.array([1]), np.array([0.5]))
    with pytest.raises(BadInput, match="count"):
        record([[1]]).decide("counts")
    with pytest.raises(BadInput, match="no time"):
        record([[1]]).rates(10.0)
