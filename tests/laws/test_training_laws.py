"""Laws of quantising, of the forward pass and of training through measured slopes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.data.iris import iris
from anamorph.network.forward import decide, forward
from anamorph.network.quantise import nearest_index, quantise
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import train
from anamorph.substrate.contract import WeightGrid
from anamorph.substrate.ideal import Ideal

LAYERS = (4, 7, 3)
seeds = st.integers(0, 2**31 - 1)


class Lopsided(Ideal):
    """Ideal, but a negative unit is as strong as the measurement says (a mirror synapse's is 2.3 to 2.5)."""

    name = "lopsided"

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        steps = self.allowed_settings()
        strength = jnp.where(steps < 0, transfer.negative_unit[:, None], 1.0)
        return WeightGrid(strength * (self.unit * steps), steps)


CHIP = Lopsided((7, 7, 7))


def _transfer(seed: int, dies: int, spread: float, shape: tuple[int, ...] = CHIP.shape) -> Transfer:
    keys = jax.random.split(jax.random.key(seed), len(shape) + 1)
    slopes = [jnp.exp(spread * jax.random.normal(k, (dies, n))) for k, n in zip(keys[1:], shape, strict=True)]
    slopes = [a / a.mean(axis=1, keepdims=True) for a in slopes]
    negative = 2.4 * jnp.exp(0.1 * jax.random.normal(keys[0], (dies,)))
    return Transfer(
        tuple(Rectifier(a, 0 * a, 0 * a, (0.0, 1e-7)) for a in slopes), negative, jnp.ones((dies, 2)), "measured"
    )


def _random_weights(seed: int, transfer: Transfer) -> tuple[jax.Array, ...]:
    levels = np.asarray(CHIP.weight_grid(transfer).levels)
    generator = np.random.default_rng(seed)
    rows = np.arange(len(levels)).reshape(-1, 1, 1)
    return tuple(
        jnp.asarray(levels[rows, generator.integers(0, 15, (len(levels), *size))]) for size in ((4, 7), (7, 3))
    )


@given(
    st.lists(st.integers(-400, 400), min_size=9, max_size=9, unique=True),
    st.lists(st.floats(-5, 5), min_size=6, max_size=6),
)
def test_no_level_is_nearer_than_the_one_taken(levels: list[int], weights: list[float]):
    grid, w = 0.01 * jnp.asarray(sorted(levels)), jnp.asarray(weights)
    taken = quantise(w, grid)
    assert bool(jnp.isin(taken, grid).all())
    nearest = jnp.min(jnp.abs(w[:, None] - grid), axis=-1)
    # midpoints are rounded to float64, and so are distances of numbers up to 5
    assert bool(jnp.all(jnp.abs(w - taken) <= nearest + 4e-15))
    np.testing.assert_array_equal(quantise(taken, grid), taken)
    np.testing.assert_array_equal(grid[nearest_index(w, grid)], taken)


@given(st.lists(st.floats(-3, 3), min_size=20, max_size=20))
def test_rounding_keeps_order(weights: list[float]):
    grid = CHIP.weight_grid(_transfer(0, 1, 0.0)).levels[0]
    rounded = np.asarray(quantise(jnp.asarray(sorted(weights)), grid))
    assert (np.diff(rounded) >= 0).all()


@given(seeds)
@settings(max_examples=20)
def test_decoding_a_program_gives_every_representable_weight_back(seed: int):
    transfer = _transfer(seed, 3, 0.15)
    weights = _random_weights(seed, transfer)
    decoded = CHIP.decode(CHIP.program(weights, transfer), transfer)
    for back, matrix in zip(decoded, weights, strict=True):
        inside = back[:, 0, : matrix.shape[1], : matrix.shape[2]]
        np.testing.assert_array_equal(inside, matrix)
        assert np.count_nonzero(back) == np.count_nonzero(inside)


@given(seeds, st.permutations(range(7)))
@settings(max_examples=20)
def test_renaming_hidden_neurons_changes_no_output(seed: int, order: list[int]):
    transfer = _transfer(seed, 2, 0.15, LAYERS)
    chip = Ideal(LAYERS)
    first, second = _random_weights(seed, transfer)
    x = jax.random.uniform(jax.random.key(seed), (5, 4))
    chosen = jnp.asarray(order)
    hidden = transfer.activations[1].slope[:, chosen]
    renamed = Transfer(
        (
            transfer.activations[0],
            Rectifier(hidden, 0 * hidden, 0 * hidden, (0.0, 1e-7)),
            transfer.activations[2],
        ),
        transfer.negative_unit,
        transfer.exponents,
        "measured",
    )
    before = forward(chip, transfer, (first, second), x)
    after = forward(chip, renamed, (first[:, :, chosen], second[:, chosen]), x)
    # seven products up to about 50 are summed in another order in float64
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12)


@given(seeds, st.floats(1e-12, 1e3))
@settings(max_examples=20)
def test_the_network_has_no_scale_of_its_own(seed: int, scale: float):
    transfer = _transfer(seed, 2, 0.15)
    weights = _random_weights(seed, transfer)
    x = jax.random.uniform(jax.random.key(seed), (5, 4))
    # every operation scales exactly up to rounding in float64
    np.testing.assert_allclose(
        forward(CHIP, transfer, weights, scale * x),
        scale * forward(CHIP, transfer, weights, x),
        rtol=1e-10,
        atol=1e-13 * scale,
    )


def test_gradients_of_the_forward_pass_match_finite_differences():
    transfer = _transfer(3, 1, 0.15)
    x = jax.random.uniform(jax.random.key(1), (6, 4))
    first, second = (
        jax.random.uniform(jax.random.key(k), (1, *size), minval=-0.5, maxval=1.0)
        for k, size in ((4, (4, 7)), (5, (7, 3)))
    )

    def total(w: jax.Array) -> jax.Array:
        return jnp.sum(forward(CHIP, transfer, (w, second), x) ** 2)

    direction = jax.random.normal(jax.random.key(6), first.shape)
    exact = jnp.vdot(jax.grad(total)(first), direction)
    step = 1e-6
    difference = (total(first + step * direction) - total(first - step * direction)) / (2 * step)
    # central difference: step² from the third derivative, 1e-16 / step from rounding; no kink is that near
    np.testing.assert_allclose(exact, difference, rtol=1e-7)


def test_training_through_the_slopes_beats_training_blind():
    """What the paper claims, in the model alone: slopes that training knows cost nothing."""
    task = iris(jax.random.key(7))
    dies = _transfer(7, 24, 0.4)
    blind = Transfer.uniform(CHIP.shape, 2.4, (0.0, 1e-7))
    short = TrainingSettings(epochs=200, restarts=2)
    x = jnp.asarray(task.x_test)

    def accuracy(transfer: Transfer, weights: tuple[jax.Array, ...]) -> np.ndarray:
        return np.mean(decide(forward(CHIP, transfer, weights, x)) == task.y_test, axis=-1)

    through = train(CHIP, dies, task, LAYERS, short, jax.random.key(0))
    seen = accuracy(dies, through.weights)
    once = train(CHIP, blind, task, LAYERS, short, jax.random.key(0))
    # the same settings are written to every die, whose own negative unit then gives them another weight
    program = CHIP.program(once.weights, blind)
    written = CHIP.decode(program, dies)
    sizes = zip(written, LAYERS, LAYERS[1:], strict=False)
    unseen = accuracy(dies, tuple(jnp.asarray(w[:, 0, :n, :m]) for w, n, m in sizes))
    # measured: 0.92 against 0.64 on average over dies, with a standard error of 0.01 and 0.03
    assert seen.mean() > 0.88
    assert seen.mean() > unseen.mean() + 0.15
