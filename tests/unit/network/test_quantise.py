from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.network.quantise import nearest_index, quantise

#: As a mirror synapse with a negative unit of 2.4 positive ones.
GRID = jnp.array([-1.8, -1.2, -0.6, 0.0, 0.25, 0.5, 0.75])


def test_the_nearest_level_is_taken_exactly():
    weights = jnp.linspace(-3, 2, 1001)
    rounded = quantise(weights, GRID)
    brute = GRID[jnp.abs(weights[:, None] - GRID).argmin(-1)]
    # at a midpoint two levels are equally near, and rounding decides; elsewhere they agree exactly
    tie = jnp.min(jnp.abs(weights[:, None] - (GRID[1:] + GRID[:-1]) / 2), axis=-1) < 1e-9
    assert int(tie.sum()) <= 6
    np.testing.assert_array_equal(rounded[~tie], brute[~tie])
    np.testing.assert_array_equal(GRID[nearest_index(weights, GRID)], rounded)


def test_a_level_is_its_own_rounding():
    np.testing.assert_array_equal(quantise(GRID, GRID), GRID)
    np.testing.assert_array_equal(nearest_index(GRID, GRID), jnp.arange(7))


def test_the_gradient_passes_inside_the_range_and_stops_outside():
    weights = jnp.array([-2.0, -1.8, -0.31, 0.1, 0.75, 0.76])
    gradient = jax.grad(lambda w: jnp.sum(3.0 * quantise(w, GRID)))(weights)
    np.testing.assert_array_equal(gradient, [0.0, 3.0, 3.0, 3.0, 3.0, 0.0])


def test_the_gradient_of_a_loss_is_the_losss_own_at_the_rounded_weights():
    weights = jnp.array([0.2, -0.5, 0.6])

    def loss(rounded: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(rounded) ** 2)

    through = jax.grad(lambda w: loss(quantise(w, GRID)))(weights)
    np.testing.assert_array_equal(through, jax.grad(loss)(quantise(weights, GRID)))


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 4, 3)])
def test_every_die_has_its_own_grid(shape: tuple[int, ...]):
    grids = jnp.stack([GRID, 2 * GRID, GRID + 0.1])
    weights = jax.random.uniform(jax.random.key(0), (3, *shape), minval=-2, maxval=2)
    together = quantise(weights, grids)
    one_by_one = jnp.stack([quantise(w, g) for w, g in zip(weights, grids, strict=True)])
    np.testing.assert_array_equal(together, one_by_one)
    np.testing.assert_array_equal(together, jax.vmap(quantise)(weights, grids))
    gradient = jax.grad(lambda w: quantise(w, grids).sum())(weights)
    low, high = (grids[:, k].reshape(3, *(1 for _ in shape)) for k in (0, -1))
    np.testing.assert_array_equal(gradient, ((weights >= low) & (weights <= high)).astype(float))


def test_float32_weights_stay_float32():
    assert quantise(jnp.ones(3, jnp.float32), GRID.astype(jnp.float32)).dtype == jnp.float32
