"""Writing cells by pulses and readings."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.vmm.write_verify import CAUTION, program, write_verify

EXACT = {"step_max": 1.0, "step_min": 0.0, "pulse_spread": 0.0, "cell_spread": 0.0, "read_noise": 0.0}
REAL = {"step_max": 0.7, "step_min": 0.005, "pulse_spread": 0.5, "cell_spread": 0.3, "read_noise": 0.005}
KEY = jax.random.key(0)
START = np.geomspace(1, 30, 300)


def test_without_chance_each_pulse_leaves_the_same_share() -> None:
    found = write_verify(np.array([1.0, 1.2, 20.0]), EXACT, 0.01, KEY)
    few = math.ceil(math.log(math.log(1.2) / math.log(1.01)) / -math.log(1 - CAUTION))
    # a reading below the target is within 1 % at ln 0.99, above it at ln 1.01; here all are above
    many = math.ceil((math.log(20) - 1 / CAUTION) / 1.0)
    rest = math.log(20) - many
    many += math.ceil(math.log(rest / math.log(1.01)) / -math.log(1 - CAUTION))
    np.testing.assert_array_equal(found.pulses, [0, few, many])
    assert found.done.all() and found.current[0] == 1.0


def test_what_is_accepted_is_within_the_tolerance_and_the_readings_noise() -> None:
    found = write_verify(START, REAL, 0.02, KEY)
    assert found.done.all()
    # five standard deviations of a reading
    assert np.abs(found.current - 1).max() < 0.02 + 5 * REAL["read_noise"]
    assert 0.02 / 4 < found.error < 0.02


def test_finer_takes_more_pulses_and_errs_less() -> None:
    coarse, fine = (write_verify(START, REAL, tolerance, KEY) for tolerance in (0.05, 0.01))
    assert fine.pulses.mean() > coarse.pulses.mean() + 0.5
    assert fine.error < 0.5 * coarse.error


def test_cells_that_are_not_done_are_counted() -> None:
    found = write_verify(START, REAL, 0.01, KEY, max_pulses=2)
    assert found.pulses.max() == 2 and 0.5 < np.mean(~found.done) <= 1


def test_a_plan_for_weights(multiplier, data) -> None:
    w, _ = data
    active, passive = (multiplier(cell, "exp") for cell in ("2d_nor", "1t1r_passive"))
    plan, other = (program(made, w, KEY) for made in (active, passive))
    steps = np.round(np.asarray(w) * 31) / 31
    base, current = active.physics.base, active.physics.current
    np.testing.assert_allclose(plan.currents[0] - plan.currents[1], current * (1 - base) * steps, rtol=1e-9)
    assert plan.currents.min() == pytest.approx(base * current)
    assert plan.conductances is None and other.conductances is not None
    assert other.conductances.max() <= 1.001 * passive.physics.current / passive.physics.read
    # the tolerance is chosen for the error that the multiplier reckons with
    assert plan.error == pytest.approx(active.physics.tuning, rel=0.3)
    assert plan.pulses > 1 and plan.failed == 0
    assert plan.time > 8 * plan.pulses * 10e-6 and plan.energy > 0


def test_what_cannot_be_written_is_refused(multiplier, data) -> None:
    for tolerance in (0.0, 1.0):
        with pytest.raises(BadInput, match="tolerance"):
            write_verify(START, EXACT, tolerance, KEY)
    with pytest.raises(BadInput, match="current"):
        write_verify(np.zeros(2), EXACT, 0.1, KEY)
    with pytest.raises(BadInput, match="weights do not fit"):
        program(multiplier("2d_nor", "exp"), 2 * data[0], KEY)
