"""From errors to what a noise budget allows; and the whole flow on a few images."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.mixed_signal.monte_carlo import Errors
from anamorph.mixed_signal.run import metrics
from anamorph.mixed_signal.study import Case, Judged, Study, allowed_power, network_of

POWERS = np.array([1e-8, 1e-7, 1e-6, 1e-5])


def errors(*means: float) -> Errors:
    return Errors(np.array(means)[:, None], np.zeros(len(means)))


def test_the_allowed_power_lies_where_the_error_is_one_per_cent_above() -> None:
    """Half way between two powers in the logarithm, as the error is half way."""
    assert allowed_power(errors(0.02, 0.02, 0.025, 0.035), POWERS, 0.02) == pytest.approx(1e-6 * 10**0.5)


def test_a_network_that_bears_all_powers_has_no_limit() -> None:
    assert allowed_power(errors(0.02, 0.02, 0.02, 0.029), POWERS, 0.02) is None


def test_the_smallest_power_is_the_limit_where_that_is_too_much() -> None:
    assert allowed_power(errors(0.09, 0.1, 0.2, 0.3), POWERS, 0.02) == POWERS[0]


@pytest.mark.parametrize(("name", "features"), [("mnist_fcn", 784), ("mnist_cnn", 784), ("cifar_cnn", 3072)])
def test_networks_fit_their_data(name: str, features: int) -> None:
    network = network_of(name)
    assert np.prod(network.image) == features
    assert network.layers[-1].image_out == (1, 1, 10)


def test_shares_are_of_the_images_that_were_tested() -> None:
    """Of one network fewer images may be here than were asked for: its interval is that much wider."""
    judged = Judged(0.1, Errors(np.full((4, 2), 0.12), np.zeros(4)))
    cases = tuple(Case(name, 3, judged, None) for name in ("mnist_cnn", "cifar_cnn"))
    found = metrics(Study(POWERS, POWERS, 0.07, cases, {}, {"mnist_cnn": 2000, "cifar_cnn": 1000}, ()))
    assert found["cifar_cnn 3 bits: error"]["n"] == 1000
    widths = [found[f"{name} 3 bits: error"]["high"] - 0.1 for name in ("mnist_cnn", "cifar_cnn")]
    assert widths[1] > 1.3 * widths[0]
    assert found["mnist_cnn 3 bits: added at 1e-06 V^2"]["value"] == pytest.approx(0.02)
