"""Laws of substrates at transistor level: neurons have no order, batches are loops, currents follow their inputs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.substrate.contract import Die, Program, Response, Substrate
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.ideal import Ideal
from anamorph.technology import load

SHAPE = (2, 3, 2)
MIRROR = CurrentMirror(load("cmos180"), SHAPE)
IDEAL = Ideal(SHAPE)
BOTH = pytest.mark.parametrize("chip", [MIRROR, IDEAL], ids=["current_mirror", "ideal"])
seeds = st.integers(0, 2**31 - 1)
orders = st.permutations(range(3))
#: Every example at transistor level is a solve of its own.
few = settings(max_examples=5)
#: Layers' products are in single precision: in another order a sum differs by 6e-8 of what is summed, here up to
#: 7 synapses' worth of 200 nA; once per layer, and relative where currents are larger.
SAME: Any = {"rtol": 1e-6, "atol": 2e-13}


def random_program(chip: Substrate, seed: int, low: int = -7) -> Program:
    draw = np.random.default_rng(seed)
    return Program(chip.name, tuple(draw.integers(low, 8, s) for s in ((2, 3), (3, 2))))


def random_inputs(seed: int, patterns: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 2e-7, (patterns, 2))


def run(chip: Substrate, die: Die, program: Program, inputs: np.ndarray) -> Response:
    response = chip.run(die, program, jnp.asarray(inputs))
    assert np.asarray(response.converged).all()
    return response


@given(seeds)
@settings(max_examples=20)
@BOTH
def test_every_representable_weight_survives_programming(chip: Substrate, seed: int):
    transfer = chip.assumed_transfer()
    levels = np.asarray(chip.weight_grid(transfer).levels)[0]
    draw = np.random.default_rng(seed)
    weights = tuple(jnp.asarray(draw.choice(levels, (1, *s))) for s in ((2, 3), (3, 2)))
    back = chip.decode(chip.program(weights, transfer), transfer)
    for found, expected in zip(back, weights, strict=True):
        np.testing.assert_array_equal(found[:, 0], expected)


@given(seeds, st.integers(2, 5))
@settings(max_examples=20)
@BOTH
def test_a_die_is_the_same_in_every_lot(chip: Substrate, seed: int, dies: int):
    lot = chip.fabricate(jax.random.key(seed), dies)
    smaller = chip.fabricate(jax.random.key(seed), dies - 1)
    for a, b in zip(jax.tree.leaves(lot[: dies - 1].deviations), jax.tree.leaves(smaller.deviations), strict=True):
        np.testing.assert_array_equal(a, b)


@given(seeds, orders)
@few
def test_neurons_that_move_with_their_mismatch_move_their_currents(seed: int, order: list[int]):
    die, program = MIRROR.fabricate(jax.random.key(seed), 1), random_program(MIRROR, seed)
    x, chosen = random_inputs(seed), np.array(order)
    d = die.deviations
    moved = {
        "soma": [d["soma"][0], d["soma"][1][:, chosen], d["soma"][2]],
        "synapse": [d["synapse"][0][:, :, chosen], d["synapse"][1][:, chosen]],
        "readout": d["readout"],
    }
    first, second = program.settings
    renamed = Program(program.substrate, (first[:, chosen], second[chosen]))
    before, after = run(MIRROR, die, program, x), run(MIRROR, Die(MIRROR, moved), renamed, x)
    np.testing.assert_allclose(after.outputs, before.outputs, **SAME)
    np.testing.assert_allclose(after.supply_current, before.supply_current, **SAME)
    assert before.neuron_currents is not None and after.neuron_currents is not None
    expected = np.asarray(before.neuron_currents[1])[..., chosen]
    np.testing.assert_allclose(after.neuron_currents[1], expected, **SAME)


@given(seeds)
@few
@BOTH
def test_a_batch_is_its_loop(chip: Substrate, seed: int):
    dies, x, draw = chip.fabricate(jax.random.key(seed), 2), random_inputs(seed), np.random.default_rng(seed)
    # three programs with every setting among them: arrays of one size, and so one compilation for all examples
    spare = [np.r_[draw.permutation(15) - 7, draw.integers(-7, 8, 3)] for _ in range(2)]
    stacked = Program(chip.name, (spare[0].reshape(3, 2, 3), spare[1].reshape(3, 3, 2)))
    together = np.asarray(run(chip, dies, stacked, x).outputs)
    for d in range(2):
        for p in range(3):
            own = Program(chip.name, tuple(s[p] for s in stacked.settings))
            alone = run(chip, dies[d], own, x).outputs
            np.testing.assert_allclose(together[d, p], alone[0, 0], **SAME)


@given(seeds, st.integers(0, 1), st.floats(1.05, 3.0))
@few
@BOTH
def test_more_into_positive_weights_is_never_less_out(chip: Substrate, seed: int, source: int, factor: float):
    die, program = chip.fabricate(jax.random.key(seed), 1), random_program(chip, seed, low=0)
    x = random_inputs(seed)
    more = x.copy()
    more[:, source] *= factor
    before, after = (np.asarray(run(chip, die, program, inputs).outputs) for inputs in (x, more))
    # up to rounding
    assert (after >= before * (1 - 1e-6) - 2e-13).all()


@given(seeds, st.integers(0, 1), st.integers(0, 2))
@few
@BOTH
def test_a_larger_setting_is_never_less_current(chip: Substrate, seed: int, source: int, target: int):
    """Of one synapse into a neuron, from the most negative setting to the most positive."""
    die, x = chip.fabricate(jax.random.key(seed), 1), random_inputs(seed, 2)
    first, second = random_program(chip, seed).settings
    steps = np.arange(-7, 8)
    varied = np.repeat(first[None], len(steps), axis=0)
    varied[:, source, target] = steps
    program = Program(chip.name, (varied, np.repeat(second[None], len(steps), axis=0)))
    response = run(chip, die, program, x)
    assert response.neuron_currents is not None
    into = np.asarray(response.neuron_currents[1])[0, :, :, target]
    # mismatch of the mirrors may make two neighbouring codes of an 8 : 7 ratio change places; three codes apart
    # they would need six standard deviations. Near ground tables are good to 1e-2 of a synapse's current.
    assert (into[3:] >= into[:-3] - 0.02 * np.abs(into[:-3]) - 1e-11).all()
