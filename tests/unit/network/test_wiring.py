from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate2d

from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution, Pooling
from anamorph.network.wiring import Dense
from anamorph.network.wiring_plan import WiringPlan, wirings


def test_a_shared_kernel_unrolls_to_a_correlation():
    wiring = Convolution((2, 7, 6), (3, 2), (2, 1), 4)
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(2, 7, 6)), rng.normal(size=wiring.shape)
    got = image.ravel() @ np.asarray(wiring.matrix(jnp.asarray(kernel)))
    for channel, one in enumerate(kernel.T.reshape(4, 2, 3, 2)):
        parts = [correlate2d(image[c], one[c], mode="valid")[::2, ::1] for c in range(2)]
        # rounding of sums of twelve products
        np.testing.assert_allclose(got.reshape(wiring.image_out)[channel], sum(parts), atol=1e-12)


def test_a_locally_connected_layer_has_a_weight_per_synapse_and_contains_the_shared_one():
    shared = Convolution((1, 28, 28), (4, 4), (4, 4), 1)
    own = Convolution((1, 28, 28), (4, 4), (4, 4), 1, shared=False)
    assert own.image_out == (1, 7, 7) and own.n_synapses == np.prod(own.shape) == 49 * 16
    kernel = np.random.default_rng(1).normal(size=shared.shape)
    repeated = jnp.asarray(np.repeat(kernel, 49, axis=1))
    np.testing.assert_array_equal(own.matrix(repeated), shared.matrix(jnp.asarray(kernel)))
    assert wirings((784, 49, 27, 10), [
        WiringPlan("convolution", (4, 4), (4, 4), 1, shared=False),
        WiringPlan("convolution", (2, 2), (2, 2), 3, shared=False),
        WiringPlan(),
    ])[1].n_synapses == 9 * 3 * 4  # fmt: skip


def test_the_gradient_of_a_shared_weight_is_the_sum_of_its_synapses():
    wiring = Convolution((1, 4, 4), (2, 2), (1, 1), 2)
    slope = jax.grad(lambda p: jnp.sum(wiring.matrix(p) * jnp.arange(16.0)[:, None]))(jnp.zeros(wiring.shape))
    np.testing.assert_allclose(slope[:, 0], [wiring.sources[tap, :9].sum() for tap in range(4)])


def test_an_average_is_over_its_own_channel():
    wiring = Pooling((2, 4, 4), (2, 2), (2, 2))
    image = np.arange(32.0).reshape(2, 4, 4)
    got = image.ravel() @ np.asarray(wiring.matrix(jnp.full((1, 1), 0.25)))
    np.testing.assert_allclose(got, image.reshape(2, 2, 2, 2, 2).mean((2, 4)).ravel())
    assert wiring.n_synapses == 32 and wiring.positive


def test_matrices_are_zero_exactly_where_no_synapse_exists():
    for wiring in (Convolution((1, 5, 5), (2, 3), (2, 2), 3), Pooling((1, 5, 5), (2, 2), (2, 2)), Dense(4, 3)):
        found = np.asarray(wiring.matrix(jnp.ones((2, *wiring.shape))))
        assert found.shape == (2, wiring.n_in, wiring.n_out)
        np.testing.assert_array_equal(found[1] != 0, wiring.exists)


@pytest.mark.parametrize(
    ("layers", "plan", "message"),
    [
        ((16, 4), WiringPlan("convolutoin", (2, 2), (2, 2), 1), "convolution"),
        ((16, 4), WiringPlan("convolution", (5, 2), (2, 2), 1), "larger than the image"),
        ((16, 5), WiringPlan("convolution", (2, 2), (2, 2), 1), "another size"),
        ((15, 4), WiringPlan("convolution", (2, 2), (2, 2), 1), "square"),
        ((16, 4), WiringPlan("convolution", (2, 2)), "channels"),
        ((16, 4), WiringPlan("pooling"), "kernel"),
        ((16, 4), WiringPlan("pooling", (0, 1)), "below 1"),
    ],
)
def test_a_wiring_that_cannot_be_is_refused(layers: tuple[int, int], plan: WiringPlan, message: str):
    with pytest.raises(BadInput, match=message):
        wirings(layers, [plan])


def test_an_image_that_is_not_square_has_to_be_said():
    plan = WiringPlan("convolution", (2, 12), (1, 1), 2)
    assert wirings((132, 20), [plan], (1, 11, 12))[0].n_out == 20
    with pytest.raises(BadInput, match="another size"):
        wirings((130, 20), [plan], (1, 11, 12))
    with pytest.raises(BadInput, match="one wiring per"):
        wirings((132, 20, 10), [plan], (1, 11, 12))
