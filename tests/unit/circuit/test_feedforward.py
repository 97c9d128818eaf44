from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.feedforward import (
    SCALAR_TOLERANCE,
    Region,
    bracketed_newton,
    solve_states,
    summed_series,
)
from anamorph.circuit.interpolation import Axis, CurrentMap, series

EDGES = jnp.zeros(5), jnp.full(5, 0.5)


@pytest.mark.parametrize("start", [1e-3, 0.25, 0.499])
def test_a_root_is_found_from_anywhere_in_the_bracket(start: float):
    """Diodes over five decades: Newton alone would leave the bracket at once."""
    wanted = jnp.logspace(-12, -7, 5)
    v, found = bracketed_newton(lambda v: 1e-15 * jnp.expm1(v / 0.026) + 1e-9 * v - wanted, *EDGES, jnp.full(5, start))
    assert bool(found.all())
    exact = _bisected(np.asarray(wanted))
    np.testing.assert_allclose(v, exact, atol=2 * SCALAR_TOLERANCE)


def _bisected(wanted: np.ndarray) -> np.ndarray:
    low, high = np.zeros(5), np.full(5, 0.5)
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = 1e-15 * np.expm1(middle / 0.026) + 1e-9 * middle > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)


def test_a_root_outside_the_bracket_is_not_an_answer():
    roots = jnp.array([-0.1, 0.1, 0.4, 0.6, 0.2])
    v, found = bracketed_newton(lambda v: v - roots, *EDGES, jnp.full(5, 0.3))
    assert found.tolist() == [False, True, True, False, True]
    np.testing.assert_allclose(v[np.array([1, 2, 4])], [0.1, 0.4, 0.2], atol=SCALAR_TOLERANCE)


def test_a_sample_without_numbers_spoils_no_other():
    bad = jnp.array([0.0, jnp.nan, 0.0, 0.0, 0.0])
    v, found = bracketed_newton(lambda v: v - 0.2 + bad, *EDGES, jnp.full(5, 0.3))
    assert found.tolist() == [True, False, True, True, True]
    np.testing.assert_allclose(v[np.array([0, 2, 3, 4])], 0.2, atol=SCALAR_TOLERANCE)


def current_map(low: float, high: float) -> CurrentMap:
    """Plain polynomials: phi_m and psi_n are the first three Chebyshev polynomials of either coordinate."""
    x, v = Axis.make(0.0, 1.0, 3), Axis.make(low, high, 3)
    nothing = jnp.zeros((1, 1, 2), int), jnp.zeros((1, 1, 3, 3))
    return CurrentMap(x, v, jnp.eye(3), jnp.eye(3), *nothing, envelope=(-1e3, 1.0, 0.0))


def region(low: float, high: float) -> Region:
    one = current_map(low, high)
    # an envelope of 1 would need a threshold at minus infinity: the features are divided by what it is instead
    return Region((one, one))


@pytest.mark.parametrize("programs", [1, 3])
def test_the_sum_is_over_sources_and_families(programs: int):
    draw = np.random.default_rng(programs)
    own = region(0.0, 0.5)
    c = tuple(jnp.asarray(draw.normal(size=(programs, 4, 3, 2, 3))) for _ in range(2))
    drives = tuple(jnp.asarray(draw.uniform(0, 1, (3, 6, 4))) for _ in range(2))
    found = summed_series(own, c, drives)
    features = [np.asarray(own.maps[0].source_features(d)) for d in drives]
    expected = sum(
        np.einsum("pbjm,pjmkn->npbk", f, np.broadcast_to(a, (3, *a.shape[1:])))
        for f, a in zip(features, c, strict=True)
    )
    # four times three products in float64
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_one_program_for_all_is_each_program_alone():
    draw = np.random.default_rng(5)
    own = region(0.0, 0.5)
    c = tuple(jnp.asarray(draw.normal(size=(1, 4, 3, 2, 3))) for _ in range(2))
    drives = tuple(jnp.asarray(draw.uniform(0, 1, (3, 6, 4))) for _ in range(2))
    repeated = tuple(jnp.broadcast_to(a, (3, *a.shape[1:])) for a in c)
    together, apart = summed_series(own, c, drives), summed_series(own, repeated, drives)
    np.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-12 * float(jnp.abs(apart).max()))


REGIONS = region(-0.01, 0.1), region(0.08, 0.52)
SPLIT = 0.09


def diode(v: jax.Array) -> jax.Array:
    return 1e-13 * jnp.expm1(v / 0.037)


def inverse(i: jax.Array) -> jax.Array:
    return 0.037 * jnp.log1p(i / 1e-13)


def _constant(currents: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A current that does not depend on v, in both regions."""
    one = jnp.zeros((3, *currents.shape)).at[0].set(currents)
    return one, one


def test_states_are_found_in_the_region_that_they_lie_in():
    currents = jnp.array([[[1e-14, 3e-13, 5e-12, 1e-9, 80e-9]]])
    v, found, on = solve_states(REGIONS, _constant(currents), diode, inverse)
    assert bool(found.all())
    np.testing.assert_allclose(diode(v), currents, rtol=1e-8)  # the last step, 1e-11 V, over 37 mV
    np.testing.assert_array_equal(on, v > SPLIT)
    assert on.any() and not on.all()


def test_a_current_that_falls_with_the_voltage_balances():
    draw = np.random.default_rng(1)
    strength = jnp.asarray(draw.uniform(1e-9, 1e-7, (2, 3, 4)))
    # i(v) = s (1 - v) in each region's own coordinate
    coefficients = []
    for own in REGIONS:
        middle, half = 0.5 * (own.low + own.high), 0.5 * (own.high - own.low)
        coefficients.append(jnp.stack([strength * (1 - middle), -strength * half, 0 * strength]))
    v, found, _ = solve_states(REGIONS, (coefficients[0], coefficients[1]), diode, inverse)
    assert bool(found.all())
    np.testing.assert_allclose(diode(v), strength * (1 - v), rtol=1e-8)
    at = REGIONS[1].maps[0].v.coordinate(v)
    np.testing.assert_allclose(series(coefficients[1], at), strength * (1 - v), rtol=1e-12)


def test_a_neuron_out_of_range_is_marked_and_alone():
    currents = jnp.array([[[1e-9, 1.0, -1.0, 2e-9]]])
    v, found, _ = solve_states(REGIONS, _constant(currents), diode, inverse)
    assert found.tolist() == [[[True, False, False, True]]]
    np.testing.assert_allclose(diode(v)[0, 0, ::3], [1e-9, 2e-9], rtol=1e-8)
