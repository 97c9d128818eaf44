"""Layers of transistors for training: as the solver has them, with the derivative that finite differences have."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import chebyshev

from anamorph.characterise.transfer import Transfer
from anamorph.data.iris import iris
from anamorph.errors import BadInput
from anamorph.network.forward import chip_forward, decide, forward
from anamorph.network.settings import TrainingSettings
from anamorph.network.through_transistors import settled_target, train_through_transistors
from anamorph.network.train import train
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.current_mirror.cell_functions import polynomials
from anamorph.substrate.current_mirror.substrate import UNIT_WEIGHT
from anamorph.substrate.current_mirror.transistor_layer import CHUNK, TransistorTransfer
from anamorph.substrate.ideal import Ideal
from anamorph.technology import Technology

SHAPE = (4, 7, 3)
FULL_SCALE = 325e-9
LARGEST = 7


@pytest.fixture(scope="module")
def chip(cmos180: Technology) -> CurrentMirror:
    return CurrentMirror(cmos180, SHAPE)


class Case(NamedTuple):
    """A random network on the chip, and its answer, a random sum of it and the derivative of that, compiled once."""

    settings: tuple[np.ndarray, ...]
    weights: tuple[Any, ...]
    x: Any
    evaluate: Any


@pytest.fixture(scope="module")
def case(chip: CurrentMirror) -> Case:
    rng = np.random.default_rng(0)
    settings = [rng.integers(-LARGEST, LARGEST + 1, size) for size in zip(SHAPE, SHAPE[1:], strict=False)]
    settings[1] = np.abs(settings[1]) * np.where(rng.uniform(size=settings[1].shape) < 0.3, -1, 1)
    assumed = chip.assumed_transfer()
    levels = np.asarray(chip.weight_grid(assumed).levels)[0]
    through = jax.tree.map(lambda leaf: leaf[0], chip.through_transistors(assumed, FULL_SCALE))
    x, mix = jnp.asarray(rng.uniform(0, 1, (20, 4))), jnp.asarray(rng.normal(size=(20, 3)))

    def total(weights: tuple[Any, ...], x: Any) -> Any:
        y = chip_forward(chip, through, weights, x)
        return jnp.sum(mix * y), y

    evaluate = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
    return Case(tuple(settings), tuple(jnp.asarray(levels[s + LARGEST]) for s in settings), x, evaluate)


def test_it_answers_as_the_solver_does(chip: CurrentMirror, case: Case):
    """Within 1e-3 of the largest output: three times what `LEFT_OUT` allows a layer, for two layers."""
    (_, y), _ = case.evaluate(case.weights, case.x)
    solved = chip.run(chip.nominal(), Program(chip.name, case.settings), case.x * FULL_SCALE)
    expected = np.asarray(solved.outputs)[0, 0]
    layers = chip._transistors
    current = np.asarray(y) * FULL_SCALE * layers.step**2 * layers.readout_gain
    assert expected.max() > 100e-9
    np.testing.assert_allclose(current, expected, atol=1e-3 * expected.max(), rtol=0)


def test_its_derivative_is_that_of_finite_differences(case: Case):
    """By every weight, at levels (zero among them, where it is the mean of both sides), and by inputs."""
    _, (by_weights, by_x) = case.evaluate(case.weights, case.x)
    assert any((s == 0).any() for s in case.settings)
    step = 1e-4
    for matrix, slope in enumerate(by_weights):
        found = np.zeros(slope.shape)
        for place in np.ndindex(slope.shape):
            ends = []
            for change in (step, -step):
                moved = list(case.weights)
                moved[matrix] = moved[matrix].at[place].add(change)
                ends.append(float(case.evaluate(tuple(moved), case.x)[0][0]))
            found[place] = (ends[0] - ends[1]) / (2 * step)
        # central differences: the third derivative times step^2 / 6, and the solver's tolerance (1e-9 V) over the step
        np.testing.assert_allclose(slope, found, rtol=1e-4, atol=1e-5 * np.abs(found).max())
    along = jnp.asarray(np.random.default_rng(1).normal(size=case.x.shape))
    ends = [float(case.evaluate(case.weights, case.x + sign * step * along)[0][0]) for sign in (1, -1)]
    assert float(jnp.vdot(by_x, along)) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)


def test_polynomials_are_chebyshevs():
    t = np.linspace(-0.99, 0.99, 41)
    np.testing.assert_allclose(np.asarray(polynomials(jnp.asarray(t), 11)), chebyshev.chebvander(t, 10), atol=1e-13)


def test_a_measured_negative_unit_stands_for_the_nominal_one(chip: CurrentMirror):
    """Where synapses were measured, their mean in each matrix is a negative unit; otherwise it is the cells' own."""
    assumed = chip.assumed_transfer()
    settings = (1, 2, 4, -1, -2, -4)
    strength = np.array([1, 2, 4, 2.5, 5.1, 9.9])
    bits = tuple(jnp.asarray(np.ones((1, 6, a, b)) * strength[:, None, None]) for a, b in ((4, 7), (7, 3)))
    measured = dataclasses.replace(assumed, synapses=bits, synapse_settings=settings)
    found = chip.through_transistors(measured, FULL_SCALE)
    assert isinstance(found, TransistorTransfer)
    np.testing.assert_allclose(found.negative_units, UNIT_WEIGHT * 17.5 / 7)
    nominal = chip.through_transistors(assumed, FULL_SCALE)
    assert isinstance(nominal, TransistorTransfer)
    np.testing.assert_allclose(nominal.negative_units, UNIT_WEIGHT * float(assumed.negative_unit[0]))
    part = found.select((3, 5, 2))
    assert part.synapses is not None and part.synapses[0].shape == (1, 6, 3, 5)
    assert part.full_scale == FULL_SCALE


def test_other_substrates_say_that_they_cannot():
    ideal = Ideal(SHAPE)
    with pytest.raises(BadInput, match="no layers of transistors"):
        ideal.through_transistors(ideal.assumed_transfer(), FULL_SCALE)


@pytest.mark.parametrize("current", [0.0, -1e-9, float("nan")])
def test_a_full_scale_is_a_current(chip: CurrentMirror, current: float):
    with pytest.raises(BadInput, match="not a full scale"):
        chip.through_transistors(chip.assumed_transfer(), current)


def test_the_target_suits_the_scale_of_the_start():
    """Scaling the outputs up or down from there raises the error."""
    ideal, task = Ideal(SHAPE), iris(jax.random.key(1))
    transfer = ideal.assumed_transfer()
    start = train(ideal, transfer, task, SHAPE, TrainingSettings(epochs=20, restarts=1), jax.random.key(0))
    from anamorph.network.model import Feedforward

    target = settled_target(ideal, transfer, task, start, Feedforward.dense(SHAPE))
    y = np.asarray(forward(ideal, transfer, start.weights, jnp.asarray(task.x_train)))[0]
    error = [np.mean((s * y - target * np.eye(3)[task.y_train]) ** 2) for s in (0.99, 1.0, 1.01)]
    assert error[1] < min(error[0], error[2])


@pytest.mark.slow
def test_training_through_transistors_goes_on_from_a_network(chip: CurrentMirror):
    """The error falls, the network stays representable, and more samples than a chunk give the same answers."""
    task, key = iris(jax.random.key(1)), jax.random.key(2)
    assumed: Transfer = chip.assumed_transfer()
    start = train(chip, assumed, task, SHAPE, TrainingSettings(epochs=100, restarts=2), key)
    settings = TrainingSettings(epochs=60, learning_rate=0.01, restarts=1)
    own = train_through_transistors(chip, assumed, task, start, settings, key, FULL_SCALE)
    still = train_through_transistors(
        chip, assumed, task, start, dataclasses.replace(settings, epochs=1, learning_rate=1e-9), key, FULL_SCALE
    )
    assert own.loss[0] < still.loss[0]
    program = chip.program(own.weights, assumed)
    found = chip.run(chip.nominal(), program, jnp.asarray(task.x_train) * FULL_SCALE)
    accuracy = np.mean(decide(np.asarray(found.outputs)[0, 0]) == task.y_train)
    assert accuracy == pytest.approx(own.train_accuracy[0], abs=0.01)  # one of 120 samples: 1e-3 may turn it
    through = jax.tree.map(lambda leaf: leaf[0], chip.through_transistors(assumed, FULL_SCALE))
    x = jnp.asarray(np.resize(task.x_train, (CHUNK + 3, 4)))
    weights = tuple(w[0] for w in own.weights)
    whole = chip_forward(chip, through, weights, x)
    part = chip_forward(chip, through, weights, x[: len(task.x_train)])
    np.testing.assert_allclose(whole[: len(part)], part, rtol=1e-9)
