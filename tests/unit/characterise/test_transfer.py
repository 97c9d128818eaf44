from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from anamorph.characterise.transfer import Transfer

UNIFORM = Transfer.uniform((3, 4, 2), 2.3, (0.0, 1e-7))


def test_who_has_measured_nothing_takes_all_neurons_for_alike():
    assert UNIFORM.n_dies == 1 and UNIFORM.source == "assumed"
    assert [a.slope.shape for a in UNIFORM.activations] == [(1, 3), (1, 4), (1, 2)]
    for a in UNIFORM.activations:
        np.testing.assert_array_equal(a.slope, 1)
        np.testing.assert_array_equal(a.spread, 0)
        assert a.domain == (0.0, 1e-7)
    np.testing.assert_array_equal(UNIFORM.negative_unit, [2.3])


def test_a_smaller_network_sits_on_the_first_neurons():
    slopes = jnp.arange(9.0).reshape(1, 9)
    activations = tuple(
        dataclasses.replace(a, slope=slopes[:, low : low + n], spread=0.1 * slopes[:, low : low + n])
        for a, low, n in zip(UNIFORM.activations, (0, 3, 7), (3, 4, 2), strict=True)
    )
    chosen = dataclasses.replace(UNIFORM, activations=activations).select((2, 3, 1))
    assert [np.asarray(a.slope).tolist() for a in chosen.activations] == [[[0, 1]], [[3, 4, 5]], [[7]]]
    np.testing.assert_allclose(chosen.activations[1].spread, [[0.3, 0.4, 0.5]])
    assert chosen.source == "assumed" and chosen.n_dies == 1
