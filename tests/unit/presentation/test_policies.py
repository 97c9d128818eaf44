"""Reading an answer early: its energy, and whether it counts."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.presentation.law import Law
from anamorph.presentation.policies import SCALES, own_times, scales, stopped
from anamorph.substrate.current_mirror.dynamics import RUN_TIMES, Dynamics, Waveform

PRESENTATION = 12e-6


def transients() -> Dynamics:
    """Three decisions at 1 uW: after 3 us, after 6 us, never; and one that did not converge."""
    times = np.array([3e-6, 6e-6, np.nan, np.nan])
    by = np.linspace(0, PRESENTATION, RUN_TIMES + 1)[1:] * 1e-6
    energy = np.where([[True], [True], [True], [False]], by, np.nan)
    converged = np.array([True, True, True, False])
    waveform = Waveform(np.zeros(1), np.zeros((1, 2)), np.zeros((1, 0)), ())
    return Dynamics(
        PRESENTATION, 4, times, energy[:, -1], times * 1e-6, energy[:, -1] / PRESENTATION, energy,
        np.array([0, 1, 1, -1]), converged, np.isfinite(times), waveform,
    )  # fmt: skip


def test_an_answer_counts_when_it_is_final_and_right() -> None:
    found = stopped(transients(), np.array([5e-6, 5e-6, 5e-6, 5e-6]), np.array([0, 1, 1, 0]))
    assert found.final.tolist() == [True, False, False, False]
    np.testing.assert_allclose(found.energy, [5e-12, 5e-12, 5e-12, np.nan], rtol=1e-12)
    later = stopped(transients(), np.full(4, PRESENTATION), np.array([0, 0, 1, 0]))
    assert later.final.tolist() == [True, True, False, False]
    assert later.right.tolist() == [True, False, False, False]


def test_nobody_is_watched_longer_than_the_transient() -> None:
    found = stopped(transients(), np.full(4, 1.0), np.zeros(4, int))
    np.testing.assert_array_equal(found.time, PRESENTATION)


def test_own_times_end_with_the_presentation() -> None:
    np.testing.assert_array_equal(own_times(transients()), [3e-6, 6e-6, PRESENTATION, PRESENTATION])


def test_scaled_currents_equalise_predicted_times() -> None:
    law = Law(("input current",), np.array([-0.8]), -25.0, 0.1, 0.9, 50)
    log_times = np.log(PRESENTATION) + np.array([-0.5, 0.0, 0.5])
    factors = scales(law, log_times, PRESENTATION)
    np.testing.assert_allclose(log_times - 0.8 * np.log(factors), np.log(PRESENTATION), rtol=1e-12)
    assert scales(law, log_times + 9, PRESENTATION) == pytest.approx(SCALES[1])
    upside_down = Law(("input current",), np.array([0.8]), -25.0, 0.1, 0.9, 50)
    assert (scales(upside_down, log_times, PRESENTATION) == 1).all()
