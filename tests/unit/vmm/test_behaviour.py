"""The multiplier: without errors the product of rounded numbers; dies, batches, gradients, refusals."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from anamorph.errors import BadInput
from anamorph.vmm.behaviour import Vmm
from anamorph.vmm.design import CELLS, ENCODINGS, EXP, Design
from anamorph.vmm.sources import SOURCES, Errors, sources_of

ROWS, COLUMNS = 8, 4
COMBINATIONS = [(c, e) for c in CELLS for e in ENCODINGS if (c, e) not in {("1t1r_active", "ins"), ("3d_nand", "ins")}]
#: A sum of 8 products of numbers up to 1, and its bits, in float64.
ROUNDING = 1e-12


@pytest.mark.parametrize(("cell", "encoding"), COMBINATIONS)
def test_without_errors_it_is_the_product_of_rounded_numbers(cell, encoding, data, die, multiplier, answers) -> None:
    w, x = data
    made = multiplier(cell, encoding)
    x_steps, w_steps = np.round(np.asarray(x) * 63) / 63, np.round(np.asarray(w) * 31) / 31
    np.testing.assert_allclose(made.reference(w, x), x_steps @ w_steps, atol=ROUNDING)
    np.testing.assert_allclose(answers(made, w, x, die=die), x_steps @ w_steps, atol=ROUNDING)
    rounded = multiplier(cell, encoding, Errors.only("resolution"))
    np.testing.assert_allclose(
        answers(rounded, w, x, die=die), rounded.quantise_outputs(rounded.reference(w, x)), atol=ROUNDING
    )


values = st.floats(0, 1, width=32)


@settings(max_examples=20)
@given(arrays(float, (ROWS, COLUMNS), elements=st.floats(-1, 1, width=32)), arrays(float, (16, ROWS), elements=values))
def test_outputs_are_within_a_step_of_the_product_and_the_span(multiplier, answers, w, x) -> None:
    made = replace(multiplier("2d_nor", "exp", Errors.only("resolution")), full_scale=2.0)
    found, exact = answers(made, jnp.asarray(w), jnp.asarray(x)), np.asarray(made.reference(w, x))
    step = 2.0 / 31
    assert np.abs(found).max() <= 2.0 + ROUNDING
    assert np.abs(np.asarray(found) / step - np.round(np.asarray(found) / step)).max() < 1e-9
    # half a step, and where ties go
    assert np.abs(np.asarray(found) - np.clip(exact, -2, 2)).max() <= step * (0.5 + 2e-6)


def test_dies_are_batched_and_each_follows_from_its_number(data, multiplier, answers) -> None:
    w, x = data
    made = multiplier("2d_nor", "exp", Errors())
    two, three = made.fabricate(jax.random.key(0), 2), made.fabricate(jax.random.key(0), 3)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[:2]), two, three)
    each = jnp.stack([w, -w]), jnp.stack([x, x / 2])
    together = made.run(two, *each)
    for i in range(2):
        own = jax.tree.map(lambda part, i=i: part[i], two)
        # outputs on steps: the same but for the order of sums
        np.testing.assert_allclose(together[i], answers(made, each[0][i], each[1][i], die=own), atol=1e-9)
    assert np.abs(together[0] - together[1]).max() > 0


def test_noise_comes_with_a_key_alone(data, multiplier, answers) -> None:
    w, x = data
    made = multiplier("2d_nor", "exp", Errors.only("noise"))
    silent = answers(made, w, x)
    np.testing.assert_allclose(silent, made.reference(w, x), atol=ROUNDING)
    first, again, other = (answers(made, w, x, jax.random.key(k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.asarray(first) - np.asarray(silent)).max() > 0
    assert np.abs(np.asarray(first) - np.asarray(other)).max() > 0


@pytest.mark.parametrize("encoding", ["exp", "lin"])
def test_gradients_pass_straight_through_all_rounding(encoding, data, multiplier) -> None:
    w, x = data
    made = replace(multiplier("2d_nor", encoding, Errors.only("resolution")), full_scale=float(ROWS))
    slope_w, slope_x = jax.jit(jax.grad(lambda w, x: jnp.sum(made.forward(w, x)), argnums=(0, 1)))(w, x)
    x_steps, w_steps = made.quantise_inputs(x), made.quantise_weights(w)
    np.testing.assert_allclose(slope_w, jnp.broadcast_to(x_steps.sum(0)[:, None], w.shape), rtol=1e-9)
    np.testing.assert_allclose(slope_x, jnp.broadcast_to(w_steps.sum(1), x.shape), rtol=1e-9, atol=1e-12)


def test_gradients_with_all_errors_are_finite(data, die, multiplier) -> None:
    w, x = data
    made = multiplier("2d_nor", "ins", Errors())
    slopes = jax.jit(jax.grad(lambda w, x: jnp.sum(made.forward(w, x, jax.random.key(0), die) ** 2), argnums=(0, 1)))
    # inputs and weights of zero, where logarithms and roots have no derivative
    for slope in slopes(w.at[0].set(0.0), x.at[:, 0].set(0.0)):
        assert np.isfinite(slope).all() and np.abs(slope).max() > 0


def test_outside_the_range_nothing_passes(multiplier) -> None:
    made = multiplier("2d_nor", "exp")
    slope = jax.grad(lambda v: jnp.sum(made.quantise_inputs(v)))(jnp.array([-0.1, 0.0, 0.5, 1.0, 1.1]))
    np.testing.assert_array_equal(slope, [0, 1, 1, 1, 0])


def test_one_bit_weights_have_a_sign_alone() -> None:
    made = Vmm(Design(CELLS["2d_nor"], EXP, 1, 1, 4, 2, 1))
    np.testing.assert_array_equal(made.quantise_weights(jnp.array([-0.2, 0.0, 0.7])), [-1, 1, 1])
    np.testing.assert_array_equal(made.quantise_inputs(jnp.array([0.2, 0.8])), [0, 1])


def test_rectifying_converters_use_all_steps_for_positive_sums(data, multiplier, answers) -> None:
    w, x = data
    made = replace(multiplier("2d_nor", "exp", Errors.only("resolution")), full_scale=2.0, rectify=True)
    found = np.asarray(answers(made, w, x))
    assert found.min() == 0 and (np.asarray(made.reference(w, x)) < 0).any()
    np.testing.assert_allclose(found / (2 / 63), np.round(found / (2 / 63)), atol=1e-9)


def test_trimming_sets_the_scale(data, multiplier) -> None:
    made = multiplier("1t1r_passive", "exp", Errors.only("sense"), sense=3e4)
    trimmed = made.trimmed(jax.random.key(0))
    assert trimmed.scale > 1.05
    w, x = data
    wanted, before, after = made.reference(w, x), *(np.asarray(v.run(v.nominal(), w, x)[0]) for v in (made, trimmed))
    assert np.abs(after - wanted).mean() < 0.3 * np.abs(before - wanted).mean()


def test_sources_by_name(multiplier) -> None:
    assert not any(getattr(Errors.none(), name) for name in SOURCES)
    assert Errors.only("drain", "wires") == replace(Errors.none(), drain=True, wires=True)
    assert Errors().without("noise") == Errors(noise=False)
    with pytest.raises(BadInput, match="drain"):
        Errors.only("drane")
    active, passive = (sources_of(multiplier(c, "lin").design) for c in ("2d_nor", "0t1r"))
    assert "drain" in active and "sense" not in active and "input" not in active
    assert "sense" in passive and "drain" not in passive and "capacitor" in passive


def test_what_does_not_fit_is_refused(data, multiplier) -> None:
    w, x = data
    made = multiplier("2d_nor", "exp")
    die = made.nominal()
    for weights, inputs, what in ((w[:-1], x, "weights do not fit"), (w, x[:, :-1], "inputs do not fit"),
                                  (w, x[0], "inputs do not fit"), (2 * w, x, "weights out of range"),
                                  (w, -x, "inputs out of range"), (w.at[0, 0].set(jnp.nan), x, "NaN")):  # fmt: skip
        with pytest.raises(BadInput, match=what):
            made.run(die, weights, inputs)
    with pytest.raises(BadInput, match="a die of another size"):
        made.run(Vmm(Design(CELLS["2d_nor"], EXP, 4, 4, 4, 3, 2)).nominal(), w, x)
    with pytest.raises(BadInput, match="mirror"):
        multiplier("3d_nand", "ins")
    with pytest.raises(BadInput, match="another kind"):
        replace(made, physics=multiplier("0t1r", "exp").physics)
    with pytest.raises(BadInput, match="full scale"):
        replace(made, full_scale=0.0)
