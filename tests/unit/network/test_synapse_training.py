"""Training when every synapse is known by itself: each weight rounds to that synapse's own levels."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.transfer import Transfer
from anamorph.data.iris import iris
from anamorph.errors import BadInput
from anamorph.network.forward import decide, forward
from anamorph.network.quantise import quantise
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import train
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.technology import Technology

LAYERS = (4, 7, 3)
SHAPE = (5, 7, 3)
TASK = iris(jax.random.key(11))
SHORT = TrainingSettings(epochs=300, restarts=4)
SETTINGS = (1, 2, 4, -1, -2, -4)


@pytest.fixture(scope="module")
def chip(cmos180: Technology) -> CurrentMirror:
    return CurrentMirror(cmos180, SHAPE)


def _transfer(chip: CurrentMirror, spread: float, dies: int = 2) -> Transfer:
    """As `dies` chips would be measured whose bits deviate by `spread`."""
    assumed = jax.tree.map(lambda leaf: jnp.repeat(leaf, dies, 0), chip.assumed_transfer())
    rng = np.random.default_rng(3)
    mean = np.array([abs(s) * (1.0 if s > 0 else 2.3) for s in SETTINGS])[:, None, None]
    sizes = zip(SHAPE, SHAPE[1:], strict=False)
    bits = tuple(jnp.asarray(mean * np.exp(spread * rng.standard_normal((dies, 6, *size)))) for size in sizes)
    return dataclasses.replace(assumed, synapses=bits, synapse_settings=SETTINGS, source="measured")


def test_weights_are_each_synapses_own_levels_and_survive_programming(chip: CurrentMirror):
    transfer = _transfer(chip, 0.7)
    trained = train(chip, transfer, TASK, LAYERS, SHORT, jax.random.key(0))
    grids = chip.weight_grids(transfer)
    for weights, grid, sizes in zip(trained.weights, grids, ((4, 7), (7, 3)), strict=True):
        levels = np.asarray(grid.cut(*sizes).levels)
        assert (np.abs(np.asarray(weights)[..., None] - levels).min(-1) == 0).all()
    program = chip.program(trained.weights, transfer)
    for back, matrix in zip(chip.decode(program, transfer), trained.weights, strict=True):
        np.testing.assert_array_equal(back[:, 0, : matrix.shape[1], : matrix.shape[2]], matrix)
    outputs = forward(chip, transfer, trained.weights, jnp.asarray(TASK.x_train))
    np.testing.assert_array_equal(trained.train_accuracy, np.mean(decide(outputs) == TASK.y_train, -1))
    assert trained.train_accuracy.min() > 0.85


def test_knowing_the_synapses_pays(chip: CurrentMirror):
    transfer = _transfer(chip, 0.7, dies=6)
    x = jnp.asarray(TASK.x_test)
    through = train(chip, transfer, TASK, LAYERS, SHORT, jax.random.key(0))
    seen = np.mean(decide(forward(chip, transfer, through.weights, x)) == TASK.y_test)
    assumed = chip.assumed_transfer()
    common = train(chip, assumed, TASK, LAYERS, SHORT, jax.random.key(0))
    written = chip.decode(chip.program(tuple(w[0] for w in common.weights), assumed), transfer)
    sizes = zip(written, LAYERS, LAYERS[1:], strict=False)
    unseen = forward(chip, transfer, [jnp.asarray(w[:, :n, :m]) for w, n, m in sizes], x)
    # measured: 0.95 against 0.64
    assert seen > 0.85 and seen > np.mean(decide(unseen) == TASK.y_test) + 0.1


def test_levels_are_sums_of_bits_and_zero_is_one_of_them(chip: CurrentMirror):
    transfer = _transfer(chip, 0.2)
    assert transfer.synapses is not None
    for grid, bits in zip(chip.weight_grids(transfer), transfer.synapses, strict=True):
        levels, settings, each = np.asarray(grid.levels), grid.settings, 0.25 * np.asarray(bits)
        assert (np.diff(levels, axis=-1) >= 0).all()
        for setting, sign, parts in ((0, 1, []), (4, 1, [2]), (-2, -1, [4]), (5, 1, [0, 2]), (-7, -1, [3, 4, 5])):
            found = levels[settings == setting].reshape(each[:, 0].shape)
            total = sign * sum((each[:, i] for i in parts), np.zeros_like(found))
            # bits together give up to three per cent less, as they share a switch
            np.testing.assert_allclose(found, total, rtol=0.03 if len(parts) > 1 else 1e-12)


def test_a_bit_that_was_not_measured_is_named(chip: CurrentMirror):
    transfer = dataclasses.replace(_transfer(chip, 0.2), synapse_settings=(1, 2, 8, -1, -2, -8))
    with pytest.raises(BadInput, match="4"):
        chip.weight_grids(transfer)


def test_nothing_is_left_to_expect_of_measured_synapses(chip: CurrentMirror):
    one = jax.tree.map(lambda leaf: leaf[0], _transfer(chip, 0.2))
    weights = jnp.ones((5, 7))
    assert float(jnp.abs(chip.weight_spread(one, weights)).max()) == 0
    unknown = jax.tree.map(lambda leaf: leaf[0], chip.assumed_transfer())
    assert float(chip.weight_spread(unknown, weights).min()) > 0


def test_every_synapse_rounds_by_itself_and_its_gradient_passes():
    grids = jnp.sort(jax.random.normal(jax.random.key(0), (4, 3, 7)), axis=-1)
    weights = jax.random.normal(jax.random.key(1), (4, 3))
    one_by_one = [[quantise(w, g) for w, g in zip(*row, strict=True)] for row in zip(weights, grids, strict=True)]
    np.testing.assert_array_equal(quantise(weights, grids), np.array(one_by_one))
    inside = (weights >= grids[..., 0]) & (weights <= grids[..., -1])
    gradient = jax.grad(lambda w: quantise(w, grids).sum())(weights)
    np.testing.assert_array_equal(gradient, inside.astype(float))
