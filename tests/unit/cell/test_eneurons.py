"""The three eNeurons on the 55 nm card beside the published figures (Soupizet et al. 2023, Tables I and II)."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.biomimetic_ml import biomimetic_ml
from anamorph.cell.lif import lif
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.characterise.neuron import Neuron, NeuronMeasurement, characterise_neuron
from anamorph.circuit.netlist import Cell

#: f_spike of the public post-layout curve of a biomimetic neuron, kHz at pA (10.5281/zenodo.12839336).
PUBLISHED = {20: 32.0, 50: 69.9, 100: 113.3, 200: 175.6, 300: 222.5, 500: 292.9, 700: 345.3, 1000: 405.3}


def measured(cell: Cell, picoamperes: list[int]) -> NeuronMeasurement:
    return characterise_neuron(Neuron(cell), technology.load("cmos55"), 1e-12 * np.array(picoamperes))


@pytest.mark.parametrize(("cell", "count"), [(lif(), 5), (simplified_ml(), 6), (biomimetic_ml(), 10)])
def test_numbers_of_transistors(cell: Cell, count: int) -> None:
    assert sum(1 for _ in cell.fets()) == count


def test_sizes_of_the_biomimetic_neuron() -> None:
    sizes = {fet.name: (round(fet.w * 1e9), round(fet.l * 1e9)) for _, fet in biomimetic_ml().fets()}
    assert sizes == {
        "MP1": (135, 60), "MN1": (200, 60), "MP2": (1200, 60), "MN2": (135, 60), "MP3": (200, 60), "MN3": (135, 60),
        "MPNa": (800, 60), "MNK": (2000, 60), "MPd": (500, 10_000), "MNKp": (2000, 60),
    }  # fmt: skip


def test_lif_reaches_its_highest_frequency_and_stops() -> None:
    found = measured(lif(), [1, 200, 400, 600, 800, 1000, 2000, 5000])
    # calibrated: 130 kHz, and 15.8 pW, of which a single card for all neurons leaves 28 % unmet
    assert found.curve.f_spike[0, :6].max() == pytest.approx(130e3, rel=0.03)
    assert found.idle_power[0] == pytest.approx(15.8e-12, rel=0.3)
    assert found.curve.state[0].tolist() == [0, 1, 1, 1, 1, 1, 2, 2]


def test_simplified_ml_reaches_its_highest_frequency_at_1_na() -> None:
    found = measured(simplified_ml(), [1, 200, 600, 1000, 2000])
    assert found.curve.f_spike[0, 3] == pytest.approx(243e3, rel=0.02)
    assert found.idle_power[0] == pytest.approx(16.0e-12, rel=0.1)
    # not fitted: the published line 0.10 kHz/pA i + 158.5 kHz above 200 pA
    np.testing.assert_allclose(found.curve.f_spike[0, 1:3], [178.5e3, 218.5e3], rtol=0.2)
    assert found.curve.state[0].tolist() == [0, 1, 1, 1, 2]


def test_biomimetic_ml_follows_the_published_curve() -> None:
    found = measured(biomimetic_ml(), [5, *PUBLISHED])
    assert found.curve.state[0].tolist() == [0] + [1] * len(PUBLISHED)
    np.testing.assert_allclose(found.curve.f_spike[0, 1:], 1e3 * np.array(list(PUBLISHED.values())), rtol=0.08)
