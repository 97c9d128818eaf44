"""The page of a mixed-signal run, from figures made up for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.differential_pair import PairCharacteristics
from anamorph.cost.neuron_comparison import Comparison
from anamorph.digital.power import LogicPower
from anamorph.mixed_signal.energy import Energy, energy_metrics, energy_sections
from anamorph.mixed_signal.experiment import load
from anamorph.mixed_signal.front import CellTrade, lines
from anamorph.mixed_signal.monte_carlo import Errors
from anamorph.mixed_signal.page import write_page
from anamorph.mixed_signal.run import front_metrics
from anamorph.mixed_signal.study import Case, Judged, Study
from anamorph.report.page import Page, write_report

FREQUENCY = np.array([1e5, 1e6, 1e7])


def energy() -> Energy:
    logic = LogicPower("multiplier", 1e-13, 0.0, 1e-6, 1e-12, 1e-9, 3e-10, 192)
    ratio = np.array([1000.0, 100.0, np.nan])
    one = Comparison(
        FREQUENCY, 1e-10 * FREQUENCY, 1e-15 * FREQUENCY, np.full(3, 1e-15), np.full(3, 1e-6), 1e-13 * FREQUENCY,
        np.full(3, 1e-6), np.full(3, 1e-12), ratio, (), np.full(3, 1e-9), 1e-9, 3e-10, 22, 192, DifferentialPair(3),
        logic,
    )  # fmt: skip
    bias, table = np.geomspace(1e-11, 1e-6, 4), np.array([[1.0], [2.0], [3.0], [4.0]])
    pair = PairCharacteristics(bias, np.array([7]), *(1e-6 * table for _ in range(8)), f_low=1.0)
    return Energy({3: one}, pair)


def test_energies_are_told_and_drawn(tmp_path: Path) -> None:
    found = energy()
    metrics = energy_metrics(found)
    assert metrics["3 bits: smallest ratio over all frequencies"]["value"] == 100.0
    assert metrics["3 bits: transistors of the digital multiplier"]["value"] == 192
    # 200 pA lies between the first two biases: noise of the sum of both kinds there
    assert 2e-6 < metrics["noise at 100 pA per branch"]["value"] < 4e-6
    write_report(tmp_path / "report.html", Page("energies", metrics=metrics, sections=energy_sections(found)))
    assert "Noise against bias" in (tmp_path / "report.html").read_text("utf-8")


def test_the_front_is_told_and_drawn(tmp_path: Path) -> None:
    powers = np.array([1e-7, 1e-6, 1e-5, 1e-4])

    def judged(*errors: float) -> Judged:
        return Judged(0.02, Errors(np.array(errors)[:, None], np.zeros(4)))

    case = Case("mnist_cnn", 3, judged(0.02, 0.025, 0.035, 0.2), judged(0.02, 0.02, 0.02, 0.025))
    found = Study(powers, powers, 0.07, (case,), {"mnist_cnn": 1000}, {"mnist_cnn": 2000}, ())
    fronts = lines(found, {3: CellTrade(1e-15, 2e-6, 2e-7, 4e-15, 2e-15)})
    metrics = front_metrics(fronts)
    named = "mnist_cnn 3 bits, trained through noise: energy per inference, 1% more errors"
    assert metrics[named]["value"] == fronts[1].at_one_per_cent
    result = {"metrics": metrics, "warnings": [], "provenance": {}}
    write_page(tmp_path / "report.html", load("ms_neuron"), energy(), found, fronts, result)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "front of cells that exist" in text and "Energy against error" in text
