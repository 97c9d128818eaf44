"""Cepstral coefficients against what can be said without computing them."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.data.mfcc import N_BANDS, RANGE, mfcc

RATE = 8000


def _coefficients(recording: np.ndarray, **changed) -> np.ndarray:
    return mfcc(recording, **({"sample_rate": RATE, "window": 0.1, "skip": 0.05, "f_max": 4000.0} | changed))


def _tone(frequency: float, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def _bands_of(coefficients: np.ndarray) -> np.ndarray:
    """Loudness by band, less its mean: what all coefficients but the first say. The inverse of a DCT-II."""
    b, k = np.arange(N_BANDS), np.arange(1, N_BANDS)
    return coefficients @ (np.sqrt(2 / N_BANDS) * np.cos(np.pi * k[:, None] * (b + 0.5) / N_BANDS))


def test_there_is_one_slice_at_the_begin_and_one_per_skip() -> None:
    recording = np.random.default_rng(0).normal(size=4000)
    assert _coefficients(recording).shape == (11, 12)
    assert _coefficients(recording[:3999]).shape == (10, 12)
    assert _coefficients(recording[:1]).shape == (1, 12)
    np.testing.assert_array_equal(_coefficients(recording, n_slices=4), _coefficients(recording)[:4])


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 2500.0])
def test_a_tone_is_loudest_in_its_band(frequency: float) -> None:
    middle = _bands_of(_coefficients(_tone(frequency), n_coefficients=N_BANDS - 1))[5]
    edges = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), N_BANDS + 2)
    nearest = np.argmin(np.abs(edges[1:-1] - 2595 * np.log10(1 + frequency / 700)))
    assert abs(int(np.argmax(middle)) - int(nearest)) <= 1  # bands differ in width, so a neighbour may win
    assert 40 < np.ptp(middle) <= RANGE + 1e-9


def test_loudness_is_left_out() -> None:
    recording = np.random.default_rng(1).normal(size=4000)
    # a factor adds the same decibels to every band; what is left is the rounding of logarithms of about 100 dB
    np.testing.assert_allclose(_coefficients(0.01 * recording), _coefficients(recording), atol=1e-11)


def test_silence_has_no_colour_and_a_click_has_the_same_wherever_it_is() -> None:
    np.testing.assert_allclose(_coefficients(np.zeros(2000)), 0.0, atol=1e-12)
    clicks = np.zeros(4000)
    clicks[[800, 2400]] = 1.0  # in the middle of slices 2 and 6
    found = _coefficients(clicks)
    np.testing.assert_allclose(found[2], found[6], atol=1e-12)


def test_a_longer_skip_gives_fewer_slices_of_the_same_sound() -> None:
    recording = np.random.default_rng(2).normal(size=4000)
    np.testing.assert_allclose(_coefficients(recording, skip=0.1), _coefficients(recording)[::2], rtol=0, atol=0)
