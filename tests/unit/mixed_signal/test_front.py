"""Noise is capacitance is energy: the law against simulated cells, and fronts that can be seen by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anamorph.cell.differential_pair import standard
from anamorph.mixed_signal.front import CellTrade, front, front_of, lines
from anamorph.mixed_signal.monte_carlo import Errors
from anamorph.mixed_signal.study import Case, Judged, Study
from anamorph.technology import load

POWERS = np.array([1e-7, 1e-6, 1e-5, 1e-4])
#: 1 fJ and 2e-6 V^2 at 4 fF, half of it the capacitor; flicker noise comes on top.
TRADE = CellTrade(1e-15, 2e-6, 2e-7, 4e-15, 2e-15)


def test_another_load_capacitor_does_what_the_law_says() -> None:
    """Of a simulated cell, whose gain and bandwidth have a little more to them than one pole: within 3 %."""
    card, design = load("cmos65"), standard(3)
    made, other = CellTrade.of(card, design), CellTrade.of(card, replace(design, c_load=8e-15))
    assert other.energy > 2 * made.energy
    energy, exists = made.energies(np.array([other.thermal + other.flicker]))
    assert exists.all() and energy[0] == pytest.approx(other.energy, rel=0.03)
    assert other.least == pytest.approx(made.least, rel=0.03)
    assert 3e-15 < made.farad < 4.5e-15


def test_energies_follow_the_capacitance() -> None:
    energy, exists = TRADE.energies(np.array([2.2e-6, 1.2e-6, 4.2e-6, 8.2e-6, 1e-7]))
    np.testing.assert_allclose(energy[:4], [1e-15, 2e-15, 0.5e-15, 0.25e-15])
    assert exists.tolist() == [True, True, True, False, False] and np.isnan(energy[4])
    assert TRADE.least == pytest.approx((0.5e-15, 4.2e-6))


def study(plain: list[float], aware: list[float]) -> Study:
    def judged(errors: list[float]) -> Judged:
        return Judged(0.02, Errors(np.array(errors)[:, None], np.zeros(4)))

    case = Case("mnist_cnn", 3, judged(plain), judged(aware))
    return Study(POWERS, POWERS, 0.07, (case,), {"mnist_cnn": 1000}, {"mnist_cnn": 2000}, ())


def test_what_one_per_cent_of_errors_saves() -> None:
    plain, aware = lines(study([0.02, 0.025, 0.035, 0.2], [0.02, 0.02, 0.02, 0.025]), {3: TRADE})
    assert not plain.aware and aware.aware
    # half way between two powers; beyond the cell without a capacitor, whose energy it then is
    assert plain.allowed == pytest.approx(1e-6 * 10**0.5)
    assert plain.at_one_per_cent == pytest.approx(1000 * 1e-15 * 2e-6 / (1e-6 * 10**0.5 - 2e-7))
    assert aware.allowed is None and aware.at_one_per_cent == pytest.approx(1000 * 0.5e-15)
    # at 1e-7 V^2 flicker noise alone is more: no such cell, whatever the capacitor
    assert len(plain.energy) == 4 and plain.exists.tolist() == [True, True, False, False]


def test_a_front_holds_what_nothing_beats() -> None:
    points = [(1.0, 0.5), (2.0, 0.2), (3.0, 0.3), (4.0, 0.1), (1.0, 0.4), (5.0, 0.1)]
    assert front(points) == [4, 1, 3]
    held = lines(study([0.02, 0.025, 0.035, 0.2], [0.02, 0.02, 0.03, 0.04]), {3: TRADE})
    energy, error = front_of(held)
    assert (np.diff(energy) > 0).all() and (np.diff(error) < 0).all()
    assert energy[0] == pytest.approx(1000 * TRADE.least[0])  # cells that exist alone
