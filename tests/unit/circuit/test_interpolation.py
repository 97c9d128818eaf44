from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import chebyshev

from anamorph.circuit.interpolation import Axis, CurrentMap, Sizes, build, envelope, series

#: Threshold, slope and floor: about those of a mirror device.
SHAPE = (0.45, 0.038, 1e-6)


@pytest.mark.parametrize("bend", [float("inf"), 0.1])
def test_an_axis_spans_its_range(bend: float):
    axis = Axis.make(-0.01, 0.5, 12, bend)
    nodes = np.asarray(axis.nodes)
    assert (np.diff(nodes) > 0).all() and nodes[0] > -0.01 and nodes[-1] < 0.5
    ends = axis.coordinate(jnp.array([-0.01, 0.5]))
    np.testing.assert_allclose(ends, [-1, 1], atol=1e-14)
    np.testing.assert_allclose(axis.coordinate(axis.nodes), np.sort(chebyshev.chebpts1(12)), atol=1e-13)


def test_a_bend_crowds_nodes_at_the_lower_end():
    plain, bent = (np.asarray(Axis.make(0.0, 0.5, 11, bend).nodes) for bend in (float("inf"), 0.1))
    assert (bent < 0.1).sum() > (plain < 0.1).sum() + 1


def test_a_series_reproduces_a_polynomial_between_its_nodes():
    axis = Axis.make(0.0, 2.0, 6)
    power = np.array([0.3, -1.0, 2.0, 0.5, -0.7, 0.1])  # as many coefficients as nodes
    coefficients = axis.to_series @ np.polynomial.polynomial.polyval(np.asarray(axis.nodes), power)
    x = np.linspace(0, 2, 17)
    found = series(coefficients[:, None], axis.coordinate(jnp.asarray(x)))
    # float64 through a 6 x 6 inverse
    np.testing.assert_allclose(found, np.polynomial.polynomial.polyval(x, power), rtol=1e-11)
    np.testing.assert_allclose(axis.basis(jnp.asarray(x)) @ coefficients, found, rtol=1e-11)


@pytest.mark.parametrize("length", [1, 2, 3, 9])
def test_clenshaw_sums_as_numpy_does(length: int):
    draw = np.random.default_rng(length)
    coefficients, t = draw.normal(size=length), draw.uniform(-1, 1, 7)
    found = series(jnp.asarray(coefficients)[:, None], jnp.asarray(t))
    np.testing.assert_allclose(found, chebyshev.chebval(t, coefficients), rtol=1e-12, atol=1e-13)


def test_the_envelope_is_exponential_then_linear_then_a_floor():
    v_t, slope, floor = SHAPE
    far = jnp.array([v_t - 10 * slope, v_t - 9 * slope])
    ratio = float((envelope(far, SHAPE)[1] - floor) / (envelope(far, SHAPE)[0] - floor))
    # e^(x / nU_T) up to the first correction, e^-4.5
    assert ratio == pytest.approx(np.e, rel=0.02)
    assert float(envelope(jnp.array(-1.0), SHAPE)) == pytest.approx(floor, rel=1e-6)
    assert np.all(np.diff(np.log(envelope(jnp.linspace(0, 1, 50), SHAPE))) > 0)


AXES = Axis.make(0.005, 0.6, 24), Axis.make(-0.01, 0.5, 11, 0.1)


def mirror(x: np.ndarray, v: np.ndarray, shift: np.ndarray, gain: float) -> np.ndarray:
    """A mirror with a threshold of its own, and an output that collapses near zero: ``[samples, nx, nv]``."""
    drive = np.asarray(envelope(jnp.asarray(x[None, :] - shift[:, None]), SHAPE))
    out = (1 - np.exp(-(v[None, :] + 0.02) / 0.026)) * (1 + 0.1 * v[None, :])
    return gain * 1e-9 * drive[:, :, None] * out[:, None, :] * (1 + shift[:, None, None] * v / 0.3)


@pytest.fixture(scope="module")
def current_map() -> CurrentMap:
    x, v = AXES
    shift = np.random.default_rng(0).normal(size=30) * 0.015
    samples = np.stack([mirror(np.asarray(x.nodes), np.asarray(v.nodes), shift, g) for g in (1.0, 2.0)])
    return build(samples, x, v, SHAPE, Sizes())


def evaluate(current_map: CurrentMap, c: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """sum_mn phi_m(x) C_mn psi_n(v), ``[nx, nv]``."""
    left = np.asarray(current_map.source_features(jnp.asarray(x)))
    right = np.asarray(current_map.v.basis(jnp.asarray(v)) @ current_map.psi)
    return left @ c @ right.T


def test_a_few_points_give_the_current_everywhere(current_map: CurrentMap):
    """Members it was not built from, at places that are no nodes, in every setting."""
    x, v = np.linspace(0.02, 0.58, 40), np.linspace(-0.005, 0.49, 30)
    nodes_x, nodes_v = (np.asarray(a.nodes) for a in AXES)
    for setting, gain in enumerate((1.0, 2.0)):
        shift = np.array([-0.025, 0.011, 0.03])
        points = np.asarray(current_map.points)[setting]
        exact = mirror(nodes_x, nodes_v, shift, gain)[:, points[:, 0], points[:, 1]]
        c = current_map.coefficients(exact, np.full(3, setting))
        expected = mirror(x, v, shift, gain)
        scale = gain * 1e-9 * np.asarray(envelope(jnp.asarray(x), SHAPE))
        for one in range(3):
            error = np.abs(evaluate(current_map, c[one], x, v) - expected[one]) / scale[:, None]
            # twelve modes of a one-parameter family; what is left is the interpolation in x and v
            assert error.max() < 1e-4


def test_points_are_distinct_places_on_the_grid(current_map: CurrentMap):
    for points in np.asarray(current_map.points):
        assert len({tuple(p) for p in points.tolist()}) == len(points) == Sizes().modes
        assert (points >= 0).all() and (points < [24, 11]).all()


def test_the_series_in_v_is_the_sum_over_sources(current_map: CurrentMap):
    draw = np.random.default_rng(4)
    shift, x, v = draw.normal(size=5) * 0.01, draw.uniform(0.2, 0.5, 5), np.array([0.05, 0.2, 0.4])
    points = np.asarray(current_map.points)[0]
    nodes_x, nodes_v = (np.asarray(a.nodes) for a in AXES)
    exact = mirror(nodes_x, nodes_v, shift, 1.0)[:, points[:, 0], points[:, 1]]
    c = current_map.coefficients(exact, np.zeros(5, int))
    sums = np.einsum("jm,jmn->n", np.asarray(current_map.source_features(jnp.asarray(x))), c)
    in_v = current_map.voltage_series(jnp.asarray(sums)[None])
    found = [float(series(in_v, current_map.v.coordinate(jnp.array([at])))[0]) for at in v]
    expected = [sum(mirror(x[j : j + 1], np.array([at]), shift[j : j + 1], 1.0).item() for j in range(5)) for at in v]
    # as above
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_drives_beyond_the_range_are_those_at_its_end(current_map: CurrentMap):
    ends = current_map.source_features(jnp.array([0.005, 0.6]))
    np.testing.assert_array_equal(current_map.source_features(jnp.array([-1.0, 2.0])), ends)
