"""Networks on dies that deviate transistor by transistor."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph import technology
from anamorph.errors import BadInput
from anamorph.mixed_signal.dies import cell_spreads, made, mismatched
from anamorph.mixed_signal.layers import dense
from anamorph.mixed_signal.network import MacNetwork, Weights

CARD = technology.load("cmos65")
NETWORK = MacNetwork((dense((2, 2, 1), 4),))


def _weights() -> tuple[Weights, ...]:
    """Every output looks at one input."""
    zeros = np.zeros(4, np.float32)
    return (Weights(jax.numpy.eye(4, dtype=jax.numpy.float32), jax.numpy.asarray(zeros), jax.numpy.zeros(())),)


def test_larger_transistors_match_better_and_make_fewer_errors() -> None:
    x = np.random.default_rng(0).uniform(0, 1, (40, 4))
    labels, errors, off = x.argmax(1), [], []
    for area in (1.0, 1e4):
        cell = cell_spreads(CARD, 8, 2e-10, area)
        errors.append(mismatched(NETWORK, _weights(), x, labels, cell, 5, jax.random.key(0)).mean[0])
        die = made(_weights(), *cell, jax.random.key(0), 3.0)[0].synapses
        off.append(float(np.abs(np.diag(np.asarray(die)) - 1).max()))
        assert np.all(np.asarray(die)[~np.eye(4, dtype=bool)] == 0)  # no code, no current
    assert off[0] > 20 * off[1] > 0
    assert errors[0] > errors[1]


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadInput, match="area"):
        cell_spreads(CARD, 8, 2e-10, 0.0)
    with pytest.raises(BadInput, match="dies"):
        mismatched(NETWORK, _weights(), np.ones((1, 4)), np.array([0]), cell_spreads(CARD, 3, 2e-10), 0,
                   jax.random.key(0))  # fmt: skip
