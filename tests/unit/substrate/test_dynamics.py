"""Decisions over time: the definition of the time to output, and a small chip that changes its mind."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror.dynamics import SWITCHING_TIME, decision_time, dynamics
from anamorph.substrate.current_mirror.substrate import CurrentMirror
from anamorph.technology import Technology

TIMES = np.array([0.0, 1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 1, 1, 1], [2, 2, 2, 2], 0.0),  # always the larger
        ([2, 2, 1, 1], [1, 1, 2, 2], 1.5),  # overtakes half way
        ([1, 2, 1, 1], [2, 1, 2, 2], 1.5),  # the last of two times counts
        ([2, 2, 2, 1], [1, 1, 1, 4], 2.5),  # lead goes from -1 to 3
        ([1, 1, 1, 2], [2, 2, 2, 1], np.nan),  # not at the end
        ([2, 1, 1, 1], [2, 2, 2, 2], 0.0),  # a tie is not a decision, and ends at once
    ],
)
def test_time_to_output_is_the_last_change(first: list, second: list, expected: float) -> None:
    outputs = np.array([first, second], float).T
    np.testing.assert_allclose(decision_time(TIMES, outputs, 1), expected, rtol=1e-12)


@pytest.fixture(scope="module")
def crossed(cmos180: Technology) -> tuple[CurrentMirror, Program]:
    """Two inputs straight to two outputs."""
    substrate = CurrentMirror(cmos180, (2, 2))
    return substrate, Program(substrate.name, (np.array([[4, 0], [0, 4]]),))


def test_a_chip_changes_its_mind(crossed: tuple[CurrentMirror, Program]) -> None:
    substrate, program = crossed
    die = substrate.fabricate(jax.random.key(0))
    now = np.array([[100e-9, 20e-9], [20e-9, 100e-9]])
    # the first pattern changes sides; the second was there before
    found = dynamics(substrate, die, program, now, now[[1, 1]], 20e-6)
    assert found.unconverged == 0 and found.unsettled == 0
    assert found.classes.tolist() == [0, 1]
    assert SWITCHING_TIME / 2 < found.time_to_output[0] < 10e-6
    assert found.time_to_output[1] == 0 and found.energy_to_output[1] == 0
    assert 0 < found.energy_to_output[0] < found.energy[0]
    assert found.operations == 4
    # the supply only gives, and by the last run time it has given everything
    assert (np.diff(found.energy_by, axis=1) > 0).all() and (found.energy_by > 0).all()
    np.testing.assert_allclose(found.energy_by[:, -1], found.energy, rtol=1e-12)
    assert found.run_times[-1] == pytest.approx(20e-6, rel=1e-12)
    # nothing changed, so the second pattern's power is that of its operating point, which the waveform ends at
    quiet = substrate.v_dd * np.array([100e-9, 20e-9]).sum()
    assert quiet < found.power[1] < 20 * quiet
    wave = found.waveform
    assert wave.outputs[0, 1] > wave.outputs[0, 0] > 0
    assert wave.outputs[-1, 0] > wave.outputs[-1, 1] > 0
    assert wave.times[-1] == pytest.approx(20e-6, rel=1e-12)


def test_a_presentation_too_short_to_decide_is_counted(crossed: tuple[CurrentMirror, Program]) -> None:
    substrate, program = crossed
    now = np.array([[100e-9, 20e-9]])
    found = dynamics(substrate, substrate.nominal(), program, now, now[:, ::-1], 12e-9)
    assert found.converged.all() and found.unsettled == 1
    assert np.isnan(found.time_to_output).all() and np.isnan(found.energy_per_operation).all()
    assert found.energy[0] > 0


@pytest.mark.parametrize(
    ("inputs", "presentation", "dies", "message"),
    [
        (np.zeros((1, 3)), 1e-6, 1, r"expected \[patterns, 2\]"),
        (np.full((1, 2), -1e-9), 1e-6, 1, "negative"),
        (np.zeros((1, 2)), 1e-9, 1, "longer than the switch"),
        (np.zeros((1, 2)), 1e-6, 2, "one die"),
    ],
)
def test_bad_input_is_named(
    crossed: tuple[CurrentMirror, Program], inputs: np.ndarray, presentation: float, dies: int, message: str
) -> None:
    substrate, program = crossed
    die = substrate.fabricate(jax.random.key(0), dies)
    with pytest.raises(BadInput, match=message):
        dynamics(substrate, die, program, inputs, inputs, presentation)
