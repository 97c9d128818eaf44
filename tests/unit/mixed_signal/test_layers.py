"""Sums over windows, against loops that say what they are."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.mixed_signal.layers import Average, Convolution, dense

RNG = np.random.default_rng(3)


def test_sums_are_those_of_a_loop_over_places() -> None:
    layer = Convolution((5, 6, 2), (3, 2), 4)
    x = RNG.normal(size=(2, 5, 6, 2))
    w = RNG.normal(size=layer.shape)
    found = np.asarray(layer.sums(jnp.asarray(w), jnp.asarray(x)))
    kernel = w.reshape(3, 2, 2, 4)
    assert found.shape == (2, *layer.image_out)
    for y in range(3):
        for z in range(5):
            due = np.einsum("nijc,ijck->nk", x[:, y : y + 3, z : z + 2], kernel)
            np.testing.assert_allclose(found[:, y, z], due, rtol=1e-12)  # double precision, ten terms


def test_energies_are_the_squares_of_what_each_place_sees() -> None:
    layer = Convolution((4, 4, 3), (2, 2), 1)
    x = RNG.normal(size=(1, 4, 4, 3))
    found = np.asarray(layer.energies(jnp.asarray(x)))
    due = [[np.sum(x[0, y : y + 2, z : z + 2] ** 2) for z in range(3)] for y in range(3)]
    np.testing.assert_allclose(found[0, :, :, 0], due, rtol=1e-12)


def test_a_dense_layer_sees_everything() -> None:
    layer = dense((2, 3, 2), 5)
    x = RNG.normal(size=(7, 2, 3, 2))
    w = RNG.normal(size=layer.shape)
    assert layer.image_out == (1, 1, 5)
    np.testing.assert_allclose(
        np.asarray(layer.sums(jnp.asarray(w), jnp.asarray(x)))[:, 0, 0], x.reshape(7, -1) @ w, rtol=1e-12
    )


def test_multiplications_are_counted() -> None:
    assert Convolution((28, 28, 1), (5, 5), 6).macs == 25 * 24 * 24 * 6
    assert dense((4, 4, 12), 10).macs == 1920


def test_averages() -> None:
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(
        np.asarray(Average((4, 4, 1)).means(jnp.asarray(x)))[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]]
    )


@pytest.mark.parametrize("kernel", [(6, 1), (0, 1)])
def test_a_window_that_does_not_fit_is_refused(kernel: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match="kernel"):
        Convolution((5, 5, 1), kernel, 1)


def test_squares_that_do_not_tile_are_refused() -> None:
    with pytest.raises(BadInput, match="tile"):
        Average((5, 4, 1))
