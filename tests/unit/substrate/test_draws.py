"""Deviations drawn together are those that each array's own key gives."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph.substrate.current_mirror.draws import normals


def test_each_array_is_the_one_of_its_own_key() -> None:
    shapes = [(3, 5), (4, 3, 11), (2, 11)]
    keys = jax.random.split(jax.random.key(7), len(shapes))
    found = jax.jit(lambda k: normals(k, shapes))(keys)
    for key, shape, values in zip(keys, shapes, found, strict=True):
        assert values.shape == shape
        np.testing.assert_allclose(values, jax.random.normal(key, shape, float), rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_one_number_is_drawn_too(shape: tuple[int, ...]) -> None:
    (found,) = normals(jax.random.key(1)[None], [shape])
    assert found.shape == shape and np.isfinite(found).all()
