from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.forward import check_layers, decide, forward
from anamorph.substrate.ideal import Ideal

SHAPE = (4, 5, 3)


def _transfer(key: jax.Array, dies: int, shape: tuple[int, ...] = SHAPE) -> Transfer:
    slopes = [
        jax.random.uniform(k, (dies, n), minval=0.5, maxval=1.5)
        for k, n in zip(jax.random.split(key, len(shape)), shape, strict=True)
    ]
    return Transfer(
        tuple(Rectifier(a, 0 * a, 0 * a, (0.0, 1e-7)) for a in slopes), jnp.ones(dies), jnp.ones((dies, 2)), "measured"
    )


def _weights(key: jax.Array, dies: int) -> tuple[jax.Array, ...]:
    first, second = jax.random.split(key)
    return (
        jax.random.normal(first, (dies, *SHAPE[:2])),
        jax.random.normal(second, (dies, *SHAPE[1:])),
    )


def test_it_is_the_papers_formula_for_every_die():
    transfer, weights = _transfer(jax.random.key(0), 3), _weights(jax.random.key(1), 3)
    x = jax.random.uniform(jax.random.key(2), (6, 4))
    outputs = forward(Ideal(SHAPE), transfer, weights, x)
    assert outputs.shape == (3, 6, 3)
    for die in range(3):
        y = np.asarray(x) * np.asarray(transfer.activations[0].slope[die])
        for matrix, activation in zip(weights, transfer.activations[1:], strict=True):
            y = np.maximum(0, y @ np.asarray(matrix[die])) * np.asarray(activation.slope[die])
        # two orders of summation of five products in float64
        np.testing.assert_allclose(outputs[die], y, rtol=1e-12, atol=1e-14)


def test_the_first_stage_rectifies_its_inputs():
    transfer, weights = _transfer(jax.random.key(0), 1), _weights(jax.random.key(1), 1)
    x = jnp.array([[0.3, -0.7, 0.2, -0.1]])
    np.testing.assert_array_equal(
        forward(Ideal(SHAPE), transfer, weights, x),
        forward(Ideal(SHAPE), transfer, weights, jnp.maximum(x, 0)),
    )


def test_a_smaller_network_uses_the_chips_first_neurons():
    chip = Ideal((7, 7, 7))
    transfer = _transfer(jax.random.key(0), 2, chip.shape)
    weights = _weights(jax.random.key(1), 2)
    x = jax.random.uniform(jax.random.key(2), (6, 4))
    padded = (
        jnp.pad(weights[0], ((0, 0), (0, 3), (0, 2))),
        jnp.pad(weights[1], ((0, 0), (0, 2), (0, 4))),
    )
    small = forward(chip, transfer, weights, x)
    large = forward(chip, transfer, padded, jnp.pad(x, ((0, 0), (0, 3))))
    # the padded sums add exact zeros, in another order of summation
    np.testing.assert_allclose(small, large[..., :3], rtol=1e-12, atol=1e-14)


def test_decide_never_lets_nan_infinity_or_a_tie_win():
    nan, inf = np.nan, np.inf
    outputs = np.array(
        [
            [1.0, 3.0, 2.0],
            [nan, 1.0, 2.0],
            [2.0, nan, 1.0],
            [inf, 0.0, 1.0],
            [nan, nan, nan],
            [nan, nan, 0.5],
            [0.0, 0.0, 0.0],
            [2.0, 1.0, 2.0],
        ]
    )
    assert decide(outputs).tolist() == [1, 2, 0, 2, -1, 2, -1, -1]


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ((4,), BadInput, "two or more"),
        ((4, 0, 3), BadInput, "above 0"),
        ((4, 3), DoesNotFit, r"expected 3 layers \(7, 7, 7\); got 2 layers \(4, 3\)"),
        ((4, 7, 7, 3), DoesNotFit, "got 4 layers"),
        ((4, 9, 3), DoesNotFit, r"layer 1.*at most 7 neurons; got 9 \(2 too many\)"),
    ],
)
def test_layers_that_the_chip_lacks_are_refused_with_numbers(
    layers: tuple[int, ...], error: type[Exception], message: str
):
    with pytest.raises(error, match=message):
        check_layers(layers, (7, 7, 7))
