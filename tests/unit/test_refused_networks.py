"""What does not fit a chip or a measurement is refused or counted, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from anamorph import technology
from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, DoesNotFit
from anamorph.stages.characterise import characterise, check_same
from anamorph.stages.result import beyond_domain, hidden_beyond_domain
from anamorph.substrate import create
from anamorph.substrate.contract import Die, Program, Response, Substrate
from anamorph.substrate.encoding import WeightGrid, encode
from anamorph.substrate.identity import mark
from anamorph.verify.verdict import Above


@pytest.fixture(scope="module")
def chip() -> Substrate:
    return create("ideal", technology.load("cmos180"), (3, 4, 2))


def _measured(chip: Substrate, die: Die, path: Path) -> Characterisation:
    found = characterise(chip, die, Bench((50e-9, 100e-9)), jax.random.key(0))
    found.save(path)
    return Characterisation.load(path)


def test_a_characterisation_of_another_die_is_refused(chip: Substrate, tmp_path: Path) -> None:
    die, other = (_deviating(chip, seed) for seed in (1, 2))
    measured = _measured(chip, die, tmp_path / "one.nc")
    check_same(measured, die)
    check_same(measured, _deviating(chip, 1))  # fabricated again from the same key
    with pytest.raises(BadInput, match="characterisation of another die") as error:
        check_same(measured, other)
    assert mark(other) in str(error.value) and measured.mark in str(error.value)


def _deviating(chip: Substrate, seed: int) -> Die:
    return Die(chip, {"cells": [1e-3 * jax.random.normal(jax.random.key(seed), (1, 5))]})


def test_what_was_not_marked_is_not_judged(chip: Substrate) -> None:
    class Packaged:
        shape = (3, 4, 2)
        serial = "lot 7, chip 3"

        def run(self, program: Program, inputs: Any) -> Response:
            raise NotImplementedError

    assert mark(Packaged()) == "lot 7, chip 3"
    reading = {"kind": np.array(["slope"])}
    unmarked = Characterisation.of(reading, np.ones((1, 1)), np.ones((1, 1), bool))
    assert unmarked.mark == ""
    check_same(unmarked, _deviating(chip, 1))


def test_dies_are_told_apart(chip: Substrate) -> None:
    one = _deviating(chip, 1)
    moved = Die(chip, jax.tree.map(lambda x: x.at[0, 0].add(1e-6), one.deviations))
    assert mark(one) != mark(moved) and len(mark(one)) == 16


def test_currents_above_the_measured_ones_are_counted() -> None:
    transfer = Transfer.uniform((3, 2), 2.3, (20e-9, 100e-9))
    inside = np.array([[0.0, 50e-9, 100e-9]])
    assert beyond_domain(inside, transfer) == []
    (said,) = beyond_domain(np.concatenate([inside, [[120e-9, 150e-9, 0.0]]]), transfer)
    assert said.startswith("2 input currents of 1 of 2 test samples lie above 100 nA") and "up to 150 nA" in said


def test_currents_behind_the_inputs_above_the_measured_ones_are_counted() -> None:
    transfer = Transfer.uniform((3, 2, 1), 2.3, (20e-9, 100e-9))
    limits = [activation.domain[1] for activation in transfer.activations]
    hidden = np.array([[50e-9, 100e-9], [150e-9, 101e-9], [np.nan, np.nan], [40e-9, 20e-9]])[None, None]
    last = np.array([[20e-9], [130e-9], [np.nan], [170e-9]])[None, None]
    inputs = np.full((1, 1, 4, 3), 400e-9)  # which are counted by themselves
    converged = np.isfinite(last[..., 0])
    found = Above.of(Response(last, 0 * last[..., 0], converged, (inputs, hidden, last)), limits)
    assert (found.count, found.samples, found.largest) == (4, 2, 170e-9)
    (said,) = hidden_beyond_domain(found, 4, transfer)
    assert said.startswith("4 currents into neurons behind the inputs of 2 of 4 test samples")
    assert "above 100 nA" in said and "up to 170 nA" in said
    assert Above.of(Response(last, 0 * last[..., 0], converged), limits) == Above()  # a chip that cannot be probed
    assert hidden_beyond_domain(Above(), 4, transfer) == []


def test_a_weight_beyond_the_range_is_refused_with_the_range() -> None:
    grid = WeightGrid(np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]]), np.arange(-2, 3))
    np.testing.assert_array_equal(encode(np.array([[2.0, -1.0]]), grid, (1, 2), 0), [[2, -1]])
    with pytest.raises(DoesNotFit, match="larger than a synapse can be") as error:
        encode(np.array([[2.0, -3.0]]), grid, (1, 2), 0)
    assert "-2 to 2" in str(error.value) and "-3 (1 such weights)" in str(error.value)


def test_a_network_that_is_larger_than_the_chip_is_refused() -> None:
    grid = WeightGrid(np.array([[-1.0, 0.0, 1.0]]), np.arange(-1, 2))
    with pytest.raises(DoesNotFit, match="larger than the chip"):
        encode(np.zeros((3, 2)), grid, (2, 2), 0)
