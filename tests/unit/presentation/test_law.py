"""A law that is there is found, and a reserve holds on samples that nobody has seen."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.presentation.law import fit_law, reserve

NAMES = ("input current", "lead")


def synthetic(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Times that fall as I^-0.9 and lead^-0.3, deviating by a factor."""
    draw = np.random.default_rng(seed)
    features = np.stack([draw.uniform(-15, -13, n), draw.uniform(-3, 0, n)], axis=-1)
    return features, np.exp(-25 + features @ [-0.9, -0.3] + noise * draw.normal(size=n))


def test_a_law_without_noise_is_recovered() -> None:
    features, times = synthetic(40, 0.0, 0)
    law = fit_law(NAMES, features, times, 0.0)
    np.testing.assert_allclose(law.coefficients, [-0.9, -0.3], rtol=1e-9)
    np.testing.assert_allclose(np.exp(law.log_time(features)), times, rtol=1e-9)
    assert law.exponent == pytest.approx(0.9) and law.residual < 1e-9 and law.explained == pytest.approx(1)


def test_noise_is_reported_and_little_of_it_gets_into_the_exponents() -> None:
    features, times = synthetic(4000, 0.2, 1)
    law = fit_law(NAMES, features, times, 0.0)
    # standard errors are 0.2 / sqrt(4000) over the features' spreads of 0.58 and 0.87: five of them
    np.testing.assert_allclose(law.coefficients, [-0.9, -0.3], atol=5 * 0.2 / np.sqrt(4000) / 0.58)
    assert law.residual == pytest.approx(0.2, rel=0.06)


def test_undecided_and_unchanged_answers_do_not_enter_a_law() -> None:
    features, times = synthetic(60, 0.0, 2)
    times[:10], times[10:20] = np.nan, 0.0
    law = fit_law(NAMES, features, times, 1e-9)
    assert law.n == 40
    np.testing.assert_allclose(law.coefficients, [-0.9, -0.3], rtol=1e-9)


def test_a_feature_that_never_changes_gets_no_exponent() -> None:
    features, times = synthetic(60, 0.0, 3)
    features[:, 1] = -1.0
    law = fit_law(NAMES, features, times, 0.0)
    assert law.coefficients[1] == 0


def test_a_reserve_holds_for_new_samples() -> None:
    features, times = synthetic(3000, 0.3, 4)
    law = fit_law(NAMES, features[:500], times[:500], 0.0)
    left = np.log(times) - law.log_time(features)
    extra, supported = reserve(left[500:1000], 0.95)
    assert supported == 0.95
    # of 2000 new ones, by a reserve from 500: standard deviations 0.5 and 1 %
    assert np.mean(left[1000:] <= extra) == pytest.approx(0.95, abs=0.035)


def test_few_samples_give_the_largest_and_say_so() -> None:
    extra, supported = reserve(np.array([0.1, 0.7, 0.3]), 0.99)
    assert extra == 0.7 and supported == 0.75


@pytest.mark.parametrize(
    ("quantile", "left", "message"), [(1.0, [0.1], "not a quantile"), (0.9, [], "no decision to calibrate")]
)
def test_what_has_no_reserve(quantile: float, left: list[float], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        reserve(np.array(left), quantile)


def test_too_few_decisions_are_named() -> None:
    features, times = synthetic(11, 0.0, 5)
    with pytest.raises(BadInput, match="expected 12 or more; got 11 of 11"):
        fit_law(NAMES, features, times, 0.0)
    features[0, 0] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        fit_law(NAMES, features, times, 0.0)
