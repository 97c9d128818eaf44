"""The generator against published values and JAX's own, and its normal numbers against the distribution."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from anamorph.mixed_signal.random_numbers import normal, threefry, words

ONES = np.uint32(0xFFFFFFFF)


def of(key: tuple[int, int], counter: tuple[int, int], rounds: int) -> tuple[int, int]:
    found = threefry(jnp.asarray(key, jnp.uint32), jnp.asarray(counter[0], jnp.uint32), np.uint32(counter[1]), rounds)
    return int(found[0]), int(found[1])


def test_words_are_the_published_ones() -> None:
    """Known answers of the authors' Random123 library (kat_vectors)."""
    assert of((0, 0), (0, 0), 13) == (0x9D1C5EC6, 0x8BD50731)
    assert of((0, 0), (0, 0), 20) == (0x6B200159, 0x99BA4EFE)
    assert of((int(ONES), int(ONES)), (int(ONES), int(ONES)), 20) == (0x1CB996FC, 0xBB002BE7)


def test_normal_numbers_are_normal() -> None:
    """A million of each word: Kolmogorov-Smirnov at one in ten thousand, and tails beyond four."""
    low, key = jax.lax.iota(jnp.uint32, 10**6), words(jax.random.key(11))
    for bits in threefry(key, low, np.uint32(3)):
        found = np.asarray(normal(bits), float)
        assert stats.kstest(found, "norm").pvalue > 1e-4
        due = 2 * stats.norm.sf(4) * len(found)
        assert abs(np.sum(np.abs(found) > 4) - due) < 5 * np.sqrt(due)
        neighbours = np.corrcoef(found[:-1], found[1:])[0, 1]
        assert abs(neighbours) < 5 / np.sqrt(len(found))


def test_the_ends_are_finite_and_opposite() -> None:
    ends = np.asarray(normal(jnp.asarray([0, int(ONES)], jnp.uint32)))
    assert np.isfinite(ends).all() and ends[0] == pytest.approx(-ends[1]) and ends[1] > 5
