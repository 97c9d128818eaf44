"""Networks of spiking neurons: structure, forward pass, training through a curve, many dies at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.data.task import Task
from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.spiking import Lookup, Structure, Weights, mnist_structure
from anamorph.network.spiking_monte_carlo import Neurons, infer, normal_weights
from anamorph.network.spiking_start import random_states
from anamorph.network.spiking_train import SpikingTraining, train_spiking
from anamorph.network.wiring import Dense

SMALL = Structure((Convolution((1, 4, 4), (2, 2), (2, 2), 1, False, True), Dense(4, 2, True)), (True, False))
KNOTS = np.linspace(0, 1, 257)
#: Steep at a threshold and flat after it, as a spiking neuron's.
CURVE = np.where(KNOTS > 0.02, np.maximum(KNOTS - 0.02, 0) ** 0.4, 0.0) / 0.98**0.4
F = Lookup(CURVE)


def _weights(seed: int = 0, high: float = 0.3) -> Weights:
    rng = np.random.default_rng(seed)
    return Weights(tuple(rng.uniform(0, high, s) for s in SMALL.shapes), (rng.uniform(0, 0.1, 4), np.zeros(2)))


def _images(n: int = 40) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (n, 16))


def _halves(n: int = 600) -> Task:
    """Is the left or the right half of the image brighter?"""
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, (n, 4, 4))
    y = rng.integers(0, 2, n)
    x[np.arange(n)[:, None], :, (2 * y)[:, None] + np.arange(2)] *= 0.4
    return Task("halves", x[100:].reshape(-1, 16), y[100:], x[:100].reshape(-1, 16), y[:100], ("r", "l"), "made up")


def test_the_paper_s_network_has_its_neurons_and_synapses():
    found = mnist_structure()
    assert found.layers == (784, 49, 27, 10)
    assert (found.n_neurons, found.n_weights, found.n_synapses) == (86, 1162, 1238)


def test_the_forward_pass_is_the_unrolled_matrices():
    weights, x = _weights(), _images()
    y = x
    for wiring, w, b in zip(SMALL.wirings, weights.synapses, weights.biases, strict=True):
        y = np.interp(y @ np.asarray(wiring.matrix(jnp.asarray(w))) + b, KNOTS, CURVE)
    found = SMALL.forward(weights, (F, F), jnp.asarray(SMALL.taps(x)))[1]
    np.testing.assert_allclose(found, y, atol=1e-9)  # rounding of sums in another order, on slopes of up to 20


def test_a_lookup_is_linear_between_knots_and_constant_outside():
    found = Lookup(np.array([0.0, 1.0, 1.5]), 2.0)
    x = jnp.array([-1.0, 0.5, 1.5, 2.0, 9.0])
    np.testing.assert_allclose(found(x), [0, 0.5, 1.25, 1.5, 1.5], rtol=1e-12)
    slopes = jax.vmap(jax.grad(found))(x[:3])
    np.testing.assert_allclose(slopes, [0, 1, 0.5], rtol=1e-12)


def test_layers_that_do_not_chain_and_shared_weights_are_refused():
    with pytest.raises(BadInput, match="do not chain"):
        Structure((Dense(4, 3), Dense(2, 2)), (True, True))
    with pytest.raises(BadInput, match="weight of its own"):
        Structure((Convolution((1, 4, 4), (2, 2), (2, 2), 1, True),), (True,))
    with pytest.raises(BadInput, match="one statement about biases"):
        Structure((Dense(4, 3),), (True, True))


def test_dies_together_answer_as_each_alone():
    x, y = _images(), np.random.default_rng(3).integers(0, 2, 40)
    dies = normal_weights(_weights(), 0.2, 25, jax.random.key(0))  # more than one piece
    found = infer(SMALL, dies, (F, F), x, y)
    taps = jnp.asarray(SMALL.taps(x))
    for die in (0, 7, 24):
        own = jax.tree.map(lambda w, die=die: w[die], dies)
        outputs = np.asarray(SMALL.forward(own, (F, F), taps)[1])
        assert found.accuracy[die] == pytest.approx(np.mean(outputs.argmax(1) == y))
    assert found.yield_above(0.0) == 1.0


def test_a_die_does_not_depend_on_how_many_there_are():
    few, many = (normal_weights(_weights(), 0.01, n, jax.random.key(4)) for n in (2, 5))
    np.testing.assert_array_equal(few.synapses[0], many.synapses[0][:2])
    assert not np.array_equal(many.synapses[0][0], many.synapses[0][1])


def test_deviations_have_the_spread_that_was_asked_for():
    weights = Weights((np.full((16, 4), 2.0),), (np.zeros(4),))
    drawn = normal_weights(weights, 0.01, 200, jax.random.key(5)).synapses[0]
    # 12,800 draws know a standard deviation to 0.6 %
    assert drawn.std() == pytest.approx(0.02, rel=0.03)


def test_inhibitory_weights_of_a_neuron_share_the_deviation_of_its_second_mirror():
    weights = Weights((np.concatenate([np.full((40, 2), -1.0), np.ones((40, 2))]),), (np.zeros(2),))
    drawn = normal_weights(weights, 0.01, 400, jax.random.key(6)).synapses[0]
    inhibitory, excitatory = drawn[:, :40].mean(axis=1), drawn[:, 40:].mean(axis=1)
    assert inhibitory.std() == pytest.approx(np.hypot(0.01, 0.01 / np.sqrt(40)), rel=0.1)
    assert excitatory.std() == pytest.approx(0.01 / np.sqrt(40), rel=0.1)


def test_neurons_of_their_own_follow_their_own_tables():
    x, y = _images(), np.random.default_rng(3).integers(0, 2, 40)
    dies = normal_weights(_weights(), 0.0, 2, jax.random.key(0))
    pool = np.stack([CURVE, 0.7 * CURVE])
    chosen = (np.array([[0, 0, 0, 0], [1, 0, 1, 0]]), np.array([[0, 0], [0, 1]]))
    found = infer(SMALL, dies, Neurons(pool, chosen), x, y)
    taps = jnp.asarray(SMALL.taps(x))
    same = np.asarray(SMALL.forward(_weights(), (F, F), taps)[1])
    assert found.accuracy[0] == pytest.approx(np.mean(same.argmax(1) == y))
    hidden = np.asarray(F(jnp.asarray(SMALL.forward(_weights(), (F, F), taps)[0][0]))) * [0.7, 1, 0.7, 1]
    last = np.interp(hidden @ _weights().synapses[1], KNOTS, CURVE) * [1, 0.7]
    assert found.accuracy[1] == pytest.approx(np.mean(last.argmax(1) == y))


def test_silent_outputs_decide_nothing():
    weights = Weights(tuple(np.zeros((1, *s)) for s in SMALL.shapes), (np.zeros((1, 4)), np.zeros((1, 2))))
    found = infer(SMALL, weights, (F, F), _images(), np.zeros(40, int))
    assert found.undecided[0] == 1
    assert found.accuracy[0] == 0


def test_weights_of_another_size_are_refused():
    wrong = Weights((np.zeros((1, 4, 4)), np.zeros((1, 3, 2))), (np.zeros((1, 4)), np.zeros((1, 2))))
    with pytest.raises(BadInput, match="weights do not fit"):
        infer(SMALL, wrong, (F, F), _images(), np.zeros(40, int))


@pytest.mark.parametrize("signed", [False, True])
def test_training_through_a_curve_learns(signed: bool):
    starts = 3 if signed else 1
    settings = SpikingTraining(epochs=40, learning_rate=0.05, batch_size=50, signed=signed, starts=starts)
    task = _halves()
    found = train_spiking(SMALL, (F, F), task, settings, jax.random.key(0))
    dies = normal_weights(found.weights, 0.01, 5, jax.random.key(1))
    accuracy = infer(SMALL, dies, (F, F), task.x_test, task.y_test).accuracy
    assert accuracy.min() > 0.9  # chance is 0.5
    # of several starts, the weights are those of the one whose accuracy is told
    nominal = Weights(*(tuple(w[None] for w in part) for part in found.weights))
    again = infer(SMALL, nominal, (F, F), task.x_train, task.y_train).accuracy[0]
    assert again == pytest.approx(found.train_accuracy[-1], abs=0.005)  # float32 of other sums: two of 500 images
    if not signed:
        assert all((w >= 0).all() for w in found.weights.synapses)


def test_the_first_of_several_starts_is_the_one_of_one():
    several, one = (random_states(SMALL, True, jax.random.key(3), n) for n in (3, 1))
    for found, expected in zip(jax.tree.leaves(several), jax.tree.leaves(one), strict=True):
        assert len(found) == 3
        np.testing.assert_array_equal(found[:1], expected)
    assert not np.array_equal(several.synapses[0][0], several.synapses[0][1])


def test_training_may_stop_early_and_keeps_biases_fixed():
    settings = SpikingTraining(epochs=40, learning_rate=0.05, batch_size=50, x_min=0.2, stop_at=0.6, train_biases=False)
    found = train_spiking(SMALL, (F, F), _halves(), settings, jax.random.key(0))
    assert len(found.train_accuracy) < 40
    assert found.train_accuracy[-1] >= 0.6
    for b in found.weights.biases:
        np.testing.assert_allclose(b, 0.2, rtol=1e-6)


@pytest.mark.parametrize("signed", [False, True])
def test_no_excitation_is_below_the_range(signed: bool):
    settings = SpikingTraining(epochs=5, batch_size=50, x_min=0.2, signed=signed, focus=0.5)
    found = train_spiking(SMALL, (F, F), _halves(), settings, jax.random.key(0))
    assert found.under_range == 0
    black = jnp.asarray(SMALL.taps(np.zeros((1, 16))))
    for x in SMALL.forward(found.weights, (F, F), black)[0]:
        assert float(x.min()) >= 0.2 - 1e-5


def test_settings_out_of_range_are_refused():
    with pytest.raises(BadInput, match="x_min"):
        SpikingTraining(x_min=1.5)
    with pytest.raises(BadInput, match="stop_at"):
        SpikingTraining(stop_at=0.0)
