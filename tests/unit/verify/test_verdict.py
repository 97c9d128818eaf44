from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.contract import Program, Response
from anamorph.substrate.ideal import Ideal
from anamorph.verify.verdict import verify

PROGRAM = Program("scripted", (np.zeros((3, 3), int),))
INPUTS = np.full((4, 2), 1e-9)
LABELS = np.array([0, 1, 0, 1])
#: Class 0, 1, 0, 1 in turn: all right.
RIGHT = np.array([[2.0, 1.0, 9.0], [1.0, 2.0, 9.0], [2.0, 1.0, 9.0], [1.0, 2.0, 9.0]]) * 1e-9


class Scripted:
    """A chip that gives the answers it was told to give, and remembers what it was asked."""

    shape = (3, 3)

    def __init__(self, outputs: np.ndarray, converged: np.ndarray | None = None) -> None:
        self.outputs = outputs if outputs.ndim == 4 else outputs[:, None]
        done = np.ones(self.outputs.shape[:3], bool) if converged is None else converged[:, None]
        self.converged = done
        self.inputs: Any = None

    def run(self, program: Program, inputs: Any) -> Response:
        self.inputs = np.asarray(inputs)
        return Response(jnp.asarray(self.outputs), jnp.zeros(self.outputs.shape[:3]), jnp.asarray(self.converged))


def test_right_answers_pass_and_unused_neurons_have_no_vote():
    chip = Scripted(RIGHT[None])
    verdict = verify(chip, PROGRAM, INPUTS, LABELS, 2, 1.0)
    assert verdict.accuracy.tolist() == [1.0]
    assert verdict.predictions.tolist() == [[0, 1, 0, 1]]
    assert (verdict.n_dies, verdict.n_passed, verdict.yield_value) == (1, 1, 1.0)
    assert verdict.outputs.shape == (1, 4, 2)
    np.testing.assert_array_equal(chip.inputs, np.pad(INPUTS, ((0, 0), (0, 1))))


def test_yield_counts_dies_that_reach_the_accuracy_exactly():
    wrong = RIGHT[:, [1, 0, 2]]
    three_of_four = np.concatenate([RIGHT[:3], wrong[3:]])
    chip = Scripted(np.stack([RIGHT, three_of_four, wrong]))
    verdict = verify(chip, PROGRAM, INPUTS, LABELS, 2, 0.75)
    assert verdict.accuracy.tolist() == [1.0, 0.75, 0.0]
    assert verdict.n_passed == 2
    assert verdict.yield_low < 2 / 3 < verdict.yield_high


@pytest.mark.parametrize(("n_right", "n"), [(27, 30), (7, 10), (57, 60), (29, 100)])
def test_a_count_reaches_its_own_fraction_however_it_rounds(n_right: int, n: int):
    outputs = np.zeros((1, n, 3))
    outputs[0, :n_right, 0] = outputs[0, n_right:, 1] = 1e-9
    verdict = verify(Scripted(outputs), PROGRAM, np.zeros((n, 2)), np.zeros(n), 2, n_right / n)
    assert verdict.n_passed == 1


def test_samples_that_did_not_converge_are_counted_and_wrong():
    converged = np.array([[True, False, True, True], [False, False, True, True]])
    # the solver left numbers behind that would have been right
    verdict = verify(Scripted(np.stack([RIGHT, RIGHT]), converged), PROGRAM, INPUTS, LABELS, 2, 0.7)
    assert verdict.unconverged == 3
    assert verdict.accuracy.tolist() == [0.75, 0.5]
    assert verdict.predictions[~converged].tolist() == [-1, -1, -1]
    assert np.isnan(verdict.outputs[~converged]).all()
    assert verdict.n_passed == 1


def test_nan_outputs_never_win():
    outputs = RIGHT.copy()
    outputs[0, 1] = np.nan  # the right one, class 0, is still the largest number
    outputs[1] = np.nan
    verdict = verify(Scripted(outputs[None]), PROGRAM, INPUTS, LABELS, 2, 0.5)
    assert verdict.predictions.tolist() == [[0, -1, 0, 1]]


def test_a_silent_chip_is_not_right_about_class_zero():
    verdict = verify(Scripted(np.zeros((1, 4, 3))), PROGRAM, INPUTS, np.zeros(4), 2, 0.0)
    assert verdict.accuracy.tolist() == [0.0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": np.full((4, 2), np.nan)}, BadInput, "8 not finite"),
        ({"inputs": -INPUTS}, BadInput, "none negative"),
        ({"inputs": np.zeros(4)}, BadInput, "not a matrix"),
        ({"inputs": np.zeros((4, 5))}, DoesNotFit, "inputs.*at most 3; got 5"),
        ({"n_classes": 4}, DoesNotFit, "classes.*at most 3; got 4"),
        ({"labels": np.array([0, 1])}, BadInput, "differ in number"),
        ({"labels": np.array([0, 1, 2, 0])}, BadInput, "0 to 1; got 2"),
        ({"accuracy_min": 90.0}, BadInput, "0 to 1; got 90"),
        ({"confidence": 95.0}, BadInput, "not a confidence"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], error: type[Exception], message: str):
    arguments: dict[str, Any] = {
        "inputs": INPUTS, "labels": LABELS, "n_classes": 2, "accuracy_min": 0.5,
    }  # fmt: skip
    with pytest.raises(error, match=message):
        verify(Scripted(RIGHT[None]), PROGRAM, **(arguments | change))


def test_several_programs_per_chip_are_refused():
    chip = Scripted(np.stack([RIGHT, RIGHT])[None])
    with pytest.raises(BadInput, match="got 2 programs"):
        verify(chip, PROGRAM, INPUTS, LABELS, 2, 0.5)


def test_a_die_of_the_ideal_substrate_is_judged_by_its_program():
    chip = Ideal((2, 2))
    die = chip.fabricate(jnp.zeros(2, jnp.uint32), 3)
    crossed = Program("ideal", (np.array([[0, 7], [7, 0]]),))
    inputs = np.array([[1e-9, 2e-9], [3e-9, 1e-9]])
    verdict = verify(die, crossed, inputs, np.array([0, 1]), 2, 1.0)
    assert verdict.n_passed == 3 and verdict.unconverged == 0
    np.testing.assert_allclose(verdict.outputs[0], 1.75 * inputs[:, ::-1], rtol=1e-15)
