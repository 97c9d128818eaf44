from __future__ import annotations

import math

import pytest

from anamorph.errors import BadInput
from anamorph.verify.interval import wilson


@pytest.mark.parametrize(("n_passed", "n"), [(0, 10), (3, 10), (97, 100), (100, 100)])
def test_it_is_wilsons_formula(n_passed: int, n: int):
    z = 1.959963984540054  # the normal quantile of 97.5 %
    p = n_passed / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = wilson(n_passed, n)
    # closed form in float64
    assert low == pytest.approx(max(centre - half, 0), abs=1e-12)
    assert high == pytest.approx(min(centre + half, 1), abs=1e-12)


def test_all_passing_still_leaves_doubt():
    low, high = wilson(100, 100)
    assert high == 1.0 and 0.95 < low < 0.97


def test_more_confidence_is_a_wider_interval():
    narrow, wide = wilson(60, 100, 0.8), wilson(60, 100, 0.99)
    assert wide[0] < narrow[0] < 0.6 < narrow[1] < wide[1]


@pytest.mark.parametrize(("n_passed", "n", "confidence"), [(0, 0, 0.95), (5, 4, 0.95), (-1, 4, 0.95), (1, 4, 1.0)])
def test_impossible_counts_are_refused(n_passed: int, n: int, confidence: float):
    with pytest.raises(BadInput):
        wilson(n_passed, n, confidence)
