"""Networks of spikes: what must hold for any neuron, synapse and weight."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.characterise.activation import combine
from anamorph.characterise.spiking_cell import SpikingCell, spiking_cell
from anamorph.network.convolution import Convolution
from anamorph.network.spike_events import run_events
from anamorph.network.spiking import Structure, Weights
from anamorph.network.wiring import Dense

_FILE = Path(__file__).parents[1] / "unit" / "characterise" / "spiking_curves.py"
_spec = importlib.util.spec_from_file_location("spiking_curves", _FILE)
assert _spec is not None and _spec.loader is not None
spiking_curves = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(spiking_curves)

PAIR = Structure((Dense(2, 3, True), Dense(3, 2, True)), (True, True))


def cell(tau: float = 20e-6, **more) -> SpikingCell:
    neuron, synapse = spiking_curves.neuron(**more), spiking_curves.synapse()
    return spiking_cell(neuron, synapse, combine(neuron, synapse), tau)


def pair(scale: float = 0.3) -> Weights:
    rng = np.random.default_rng(3)
    synapses = (rng.uniform(0.2, 1, (2, 3)) * scale, rng.uniform(0.2, 1, (3, 2)) * scale)
    return Weights(synapses, (np.full(3, 0.02), np.array([0.0, 0.03])))


@settings(max_examples=30, deadline=None)
@given(x=st.floats(0, 1.5), duration=st.floats(1e-6, 2e-3), seed=st.integers(0, 100))
def test_a_constant_current_gives_its_frequency_within_one_spike(x, duration, seed):
    one = Structure((Dense(1, 1, True),), (False,))
    weights = Weights((np.ones((1, 1)),), (np.zeros(1),))
    known = cell()
    found = run_events(one, weights, known, np.array([[x]]), duration, jax.random.key(seed))
    rate = np.interp(x, np.linspace(0, 1, len(known.rate)), known.rate)
    assert abs(found.counts()[0, 0] - rate * duration) < 1 + 1e-9
    np.testing.assert_allclose(np.diff(found.of(0, 0)), 1 / max(rate, 1), rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(500, 400e3), tau=st.floats(2e-6, 1e-4))
def test_steady_spikes_bring_the_mean_current_of_the_synapses_curve(rate, tau):
    known = cell(tau)
    spikes = 5 + int(25 * tau * rate)  # the trace forgets as exp(-t / tau)
    charge = known.charges(np.arange(1, spikes + 1)[:, None] / rate)[-1, 0]
    peak = combine(spiking_curves.neuron(), spiking_curves.synapse()).peak
    mean = (known.rest + charge * rate) * peak
    # the curve is a table of this formula at every 1 kHz
    np.testing.assert_allclose(mean, 2e-9 * rate / (rate + 200e3), rtol=1e-4)


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(0.05, 0.6), x=st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_rates_are_those_of_the_rate_model_where_the_ripple_is_small(scale, x):
    known, weights = cell(200e-6), pair(scale)
    listen, settle = 3e-3, 2e-3
    found = run_events(PAIR, weights, known, np.array([x]), settle + listen, jax.random.key(0)).rates(settle)[0]
    y, expected = np.array(x), []
    grid = np.linspace(0, 1, len(known.rate))
    curve = spiking_curves.synapse()
    peak = combine(spiking_curves.neuron(), curve).peak
    for w, b in zip(weights.synapses, weights.biases, strict=True):
        rate = np.interp(y @ w + b, grid, known.rate)
        expected.append(rate)
        y = np.interp(rate, curve.f_spike, curve.i_out[0]) / peak
    # one spike of the listening time; the ripple of slow spikes, whose mean rate is not that of the mean current
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0.02, atol=1.01 / listen)


def test_spikes_are_those_of_small_time_steps():
    known, weights = cell(15e-6), pair(0.5)
    images, duration, step = np.array([[0.3, 0.8]]), 150e-6, 5e-9
    found = run_events(PAIR, weights, known, images, duration)
    expected = _stepped(known, weights, images[0], duration, step)
    for neuron, times in enumerate(expected):
        ours = found.of(0, neuron)
        assert len(ours) == len(times) > 5
        # a step of the reference begins with the charges of the one before: half a step late on average
        np.testing.assert_allclose(ours, times, atol=3 * step)


def _stepped(
    known: SpikingCell, weights: Weights, image: np.ndarray, duration: float, step: float
) -> list[list[float]]:
    """The same equations, clock-driven and neuron by neuron, written without the module under test."""
    grid = np.linspace(0, known.x_max, len(known.rate))
    rates = np.linspace(0, known.f_max, len(known.charge))
    steady = image @ weights.synapses[0] + weights.biases[0]
    phase, trace = np.full(5, known.rest_phase), np.zeros(3)
    current, spikes = np.zeros(2), [[] for _ in range(5)]
    decay = np.exp(-step / known.tau)
    for now in np.arange(0, duration, step):
        middle = current * np.sqrt(decay)
        rate = np.interp(np.concatenate([steady, middle + weights.biases[1]]), grid, known.rate)
        before, phase = phase, phase + rate * step
        current, trace = current * decay, trace * decay
        for n in np.flatnonzero(np.floor(phase) > np.floor(before)):
            time = now + (np.floor(phase[n]) - before[n]) / rate[n]
            if time <= duration:
                spikes[n].append(time)
            if n < 3:
                estimate = 1 / (known.tau * np.log1p(1 / trace[n])) if trace[n] > 0 else 0.0
                current = current + weights.synapses[1][n] * np.interp(estimate, rates, known.charge) / known.tau
                trace[n] += 1
    return spikes


def test_windows_are_a_dense_layer_with_zeros():
    wirings = Convolution((1, 4, 4), (2, 2), (2, 2), 1, False, True), Convolution((1, 2, 2), (2, 1), (1, 1), 2, False)
    local = Structure((*wirings, Dense(4, 2, True)), (False, True, False))
    rng = np.random.default_rng(0)
    synapses = tuple(rng.uniform(0, 0.5, shape) for shape in local.shapes)
    synapses[1][0, 1] = -0.2
    biases = tuple(np.full(n, 0.01) for _, n in local.shapes)
    images = rng.uniform(0, 1, (2, 16))
    dense = Structure(tuple(Dense(w.n_in, w.n_out) for w in local.wirings), local.biased)
    full = tuple(np.zeros((w.n_in, w.n_out)) for w in local.wirings)
    for matrix, w, sources in zip(full, synapses, local.sources, strict=True):
        behind = np.arange(len(w))[:, None] if sources is None else sources
        np.add.at(matrix, (np.broadcast_to(behind, w.shape), np.arange(w.shape[1])), w)
    ours = run_events(local, Weights(synapses, biases), cell(), images, 2e-4)
    theirs = run_events(dense, Weights(full, biases), cell(), images, 2e-4)
    np.testing.assert_array_equal(ours.starts, theirs.starts)
    np.testing.assert_allclose(ours.times, theirs.times, atol=1e-9)  # other places where intervals are divided
    assert ours.counts().min() >= 0 and ours.counts()[:, -2:].min() > 3
    for name, energy in ours.energy.items():
        np.testing.assert_allclose(energy, theirs.energy[name], rtol=1e-3)


def test_each_image_is_shown_by_itself():
    images = np.random.default_rng(1).uniform(0, 1, (3, 2))
    together = run_events(PAIR, pair(), cell(), images, 1e-4)
    for p in range(3):
        alone = run_events(PAIR, pair(), cell(), images[p : p + 1], 1e-4)
        for n in range(5):
            np.testing.assert_array_equal(alone.of(0, n), together.of(p, n))


def test_longer_listening_goes_on_as_it_began():
    short, long = (run_events(PAIR, pair(), cell(), np.array([[0.5, 0.2]]), t) for t in (1e-4, 2e-4))
    for n in range(5):
        began = long.of(0, n)
        np.testing.assert_allclose(short.of(0, n), began[began <= 1e-4], atol=1e-10)


def test_a_neuron_beyond_its_range_is_silent():
    one = Structure((Dense(1, 1, True),), (False,))
    weights = Weights((np.ones((1, 1)),), (np.zeros(1),))
    found = run_events(one, weights, cell(stops=5e-10), np.array([[0.002], [0.4], [0.8]]), 1e-3, jax.random.key(0))
    silent, spiking, stopped = found.counts()[:, 0]
    assert silent == stopped == 0 and spiking > 100


def test_energy_is_that_of_the_spikes():
    weights = Weights((np.eye(2), pair().synapses[1][:2]), (np.zeros(2), np.zeros(2)))
    structure = Structure((Dense(2, 2, True), Dense(2, 2, True)), (False, False))
    known, duration = cell(), 2e-3
    found = run_events(structure, weights, known, np.array([[0.3, 0.7]]), duration)
    # 20 pW at rest and 1 fJ per spike, as the curve was made
    expected = 4 * 20e-12 * duration + 1e-15 * found.counts().sum()
    np.testing.assert_allclose(found.energy["neurons"][0, -1], expected, rtol=2e-3)
    rates = found.rates()[0, :2]
    # 0.2 V, 1 nA at x = 1: legs of the inputs, and those that the first layer's spikes feed
    y = np.interp(rates, spiking_curves.synapse().f_spike, spiking_curves.synapse().i_out[0])
    y = y / combine(spiking_curves.neuron(), spiking_curves.synapse()).peak
    legs = 0.2e-9 * duration * (1.0 + y @ weights.synapses[1].sum(axis=1))
    np.testing.assert_allclose(found.energy["legs"][0, -1], legs, rtol=0.02)
    assert not run_events(
        structure, weights, replace(known, power=None, v_dd=np.nan), np.array([[0.3, 0.7]]), 1e-4
    ).energy


def test_a_synapse_that_gives_without_spikes():
    known = replace(cell(), rest=0.5)
    weights = Weights((np.zeros((2, 3)), np.full((3, 2), 0.2)), (np.zeros(3), np.zeros(2)))
    found = run_events(PAIR, weights, known, np.zeros((1, 2)), 1e-3, jax.random.key(0)).counts()[0]
    assert (found[:3] == 0).all()
    expected = 1e-3 * np.interp(0.3, np.linspace(0, 1, len(known.rate)), known.rate)
    assert abs(found[3:] - expected).max() < 1


@pytest.mark.parametrize(
    ("images", "duration", "said"),
    [
        (np.zeros((1, 3)), 1e-4, "inputs of this network"),
        (np.full((1, 2), np.nan), 1e-4, "inputs of this network"),
        (np.zeros((1, 2)), 0.0, "duration"),
        (np.zeros((1, 2)), 1e6, "duration"),
    ],
)
def test_what_cannot_be_shown_is_refused(images, duration, said):
    with pytest.raises(Exception, match=said):
        run_events(PAIR, pair(), cell(), images, duration)
