"""The cascade's transient against the general one, which agrees with ngspice (`test_ngspice_transient.py`).

What the cascade leaves out is the synapses' inner nodes, which it lets follow their ports. That shows most in small
networks, where one neuron released from inhibition decides: hence two tolerances, one for the root mean square over
decisions and one for the worst of them.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror.dynamics import SWITCHING_TIME, dynamics
from anamorph.substrate.current_mirror.fast_dynamics import TOLERANCE, fast_dynamics
from anamorph.substrate.current_mirror.substrate import CurrentMirror
from anamorph.technology import Technology

#: Of the time to output and of the energy up to it: root mean square, and the worst decision.
TYPICAL, WORST = 0.02, 0.05
#: Of the energy over a presentation, which is nearly all static: the tables' own error.
STATIC = 2e-3


def request(technology: Technology, shape: tuple[int, ...], seed: int, patterns: int, mean: float) -> tuple:
    """A random network on a mismatched die, and uniform random inputs one after the other."""
    substrate = CurrentMirror(technology, shape)
    rng = np.random.default_rng(seed)

    def matrix(a: int, b: int) -> np.ndarray:
        positive = rng.random((a, b)) < 0.58
        code = np.where(positive, rng.integers(1, 8, (a, b)), -rng.integers(1, 4, (a, b)))
        return code * (rng.random((a, b)) < 0.7)

    program = Program(substrate.name, tuple(matrix(a, b) for a, b in zip(shape, shape[1:], strict=False)))
    inputs = rng.uniform(0, 2 * mean, (patterns, shape[0]))
    return substrate, substrate.fabricate(jax.random.key(seed))[0], program, inputs, np.roll(inputs, 1, axis=0)


def agree(given: tuple, presentation: float) -> None:
    expected = dynamics(*given, presentation=presentation)
    found = fast_dynamics(*given, presentation=presentation)
    assert expected.unconverged == 0 and found.unconverged == 0
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_array_equal(found.settled, expected.settled)
    np.testing.assert_allclose(found.energy, expected.energy, rtol=STATIC)
    # decisions within the switch itself are of its length and not of the network's
    decided = expected.time_to_output > 5 * SWITCHING_TIME
    assert decided.sum() >= 3, "the inputs are to change the class"
    for name in ("time_to_output", "energy_to_output"):
        error = getattr(found, name)[decided] / getattr(expected, name)[decided] - 1
        assert np.sqrt((error**2).mean()) < TYPICAL, f"{name}: {error}"
        assert np.abs(error).max() < WORST, f"{name}: {error}"
    compare_waveforms(found.waveform, expected.waveform)


def compare_waveforms(found, expected) -> None:  # noqa: ANN001
    """Within 2 % of the largest output, save at steep edges, and hidden nodes within 10 mV; at rest, far better."""
    scale = expected.outputs.max()
    for k in range(expected.outputs.shape[1]):
        ours = np.interp(expected.times, found.times, found.outputs[:, k])
        assert np.abs(ours - expected.outputs[:, k]).mean() < 0.02 * scale
        assert abs(ours[0] - expected.outputs[0, k]) < 1e-3 * scale
        assert abs(ours[-1] - expected.outputs[-1, k]) < 1e-2 * scale
    assert found.neurons == expected.neurons
    for k in range(expected.voltages.shape[1]):
        ours = np.interp(expected.times, found.times, found.voltages[:, k])
        assert np.abs(ours - expected.voltages[:, k]).max() < 10e-3


@pytest.mark.parametrize(("shape", "seed"), [((4, 7, 3), 3), pytest.param((7, 7, 7), 0, marks=pytest.mark.slow)])
def test_small_networks(cmos180: Technology, shape: tuple[int, ...], seed: int) -> None:
    agree(request(cmos180, shape, seed, 16, 50e-9), 10e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "seed"), [((10, 8, 6, 5), 2), ((12, 10, 6), 3), ((20, 10, 5), 4), ((30, 15, 10), 5), ((40, 20, 10), 6)]
)
def test_larger_networks(cmos180: Technology, shape: tuple[int, ...], seed: int) -> None:
    agree(request(cmos180, shape, seed, 16, 30e-9), 15e-6)


def test_finer_steps_change_little(cmos180: Technology) -> None:
    """Errors of a step go with its third power: an eighth of the tolerance halves the steps."""
    given = request(cmos180, (7, 7, 7), 0, 16, 50e-9)
    coarse = fast_dynamics(*given, presentation=10e-6)
    fine = fast_dynamics(*given, presentation=10e-6, tolerance=TOLERANCE / 8)
    decided = coarse.time_to_output > 5 * SWITCHING_TIME
    change = coarse.time_to_output[decided] / fine.time_to_output[decided] - 1
    assert np.sqrt((change**2).mean()) < 0.01
    np.testing.assert_allclose(coarse.energy, fine.energy, rtol=5e-4)
