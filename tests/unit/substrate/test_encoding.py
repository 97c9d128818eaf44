from __future__ import annotations

import numpy as np
import pytest

from anamorph.errors import DoesNotFit
from anamorph.substrate.encoding import WeightGrid, decode, encode

RNG = np.random.default_rng(2)
SETTINGS = np.arange(-3, 4)


def _own_grids() -> WeightGrid:
    """Two dies of 3 x 2 synapses, each with levels of its own; a larger setting may give a smaller weight."""
    magnitudes = RNG.uniform(0.2, 1.0, (2, 3, 2, 7)) * np.abs(SETTINGS)
    levels = np.sign(SETTINGS) * magnitudes
    order = np.argsort(levels, axis=-1)
    return WeightGrid(np.take_along_axis(levels, order, -1), SETTINGS[order])


def test_every_synapse_is_looked_up_in_its_own_levels():
    grid = _own_grids()
    for number in range(7):
        index = np.full((2, 3, 2), number)
        weights = grid.at(index)
        settings = encode(weights, grid, (3, 2), 0)
        np.testing.assert_array_equal(settings[:, 0], grid.settings[..., number])
        np.testing.assert_array_equal(decode(settings, grid)[:, 0], weights)


def test_a_smaller_network_uses_the_first_synapses():
    grid = _own_grids()
    weights = grid.cut(2, 1).at(np.full((2, 2, 1), 5))
    settings = encode(weights, grid, (3, 2), 0)
    assert settings.shape == (2, 1, 3, 2) and not settings[..., 1].any() and not settings[:, :, 2].any()
    np.testing.assert_array_equal(decode(settings, grid)[:, 0, :2, :1], weights)


def test_another_synapses_level_is_refused():
    grid = _own_grids()
    weights = grid.at(np.full((2, 3, 2), 6))
    with pytest.raises(DoesNotFit, match="between two levels"):
        encode(weights[:, ::-1], grid, (3, 2), 0)


def test_one_program_stands_for_other_weights_on_each_die():
    grid = _own_grids()
    found = decode(np.full((3, 2), 2), grid)
    assert found.shape == (2, 3, 2) and len(np.unique(found)) == found.size
