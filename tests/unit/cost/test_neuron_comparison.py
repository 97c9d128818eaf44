"""Analog beside digital multiply-accumulate: curves of the two neurons, and crossings where they meet."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.differential_pair import characterise_pair, linear_range
from anamorph.cost.neuron_comparison import Comparison, compare, crossings, quiet
from anamorph.errors import BadInput, DoesNotFit
from anamorph.technology import Technology

FREQUENCY = np.array([1e3, 1e5, 1e6, 5e6, 1e9])
BIASES = (1e-10, 1e-9, 1e-8)


@pytest.fixture(scope="module")
def cmos65() -> Technology:
    return technology.load("cmos65")


@pytest.fixture(scope="module")
def found(cmos65: Technology) -> Comparison:
    return compare(cmos65, 3, FREQUENCY, biases=BIASES)


def test_curves_are_those_of_both_neurons(found: Comparison, cmos65: Technology) -> None:
    np.testing.assert_allclose(found.digital_power[:4], found.logic.power(FREQUENCY[:4]))
    np.testing.assert_allclose(found.digital_energy, found.digital_power / FREQUENCY)
    np.testing.assert_allclose(found.ratio[:4], found.digital_energy[:4] / found.analog_energy[:4])
    analog = characterise_pair(DifferentialPair(3), cmos65, BIASES, np.array([7]))
    # the analog neuron's power goes with frequency, down to the least bias that was asked for
    assert found.bias[0] == pytest.approx(BIASES[0]) and found.analog_power[0] == pytest.approx(analog.power[0, 0])
    np.testing.assert_allclose(found.analog_energy[1:4], analog.energy_per_mac[1, 0], rtol=0.1)
    assert (np.diff(found.bias[:4]) > 0).all()
    # and it does not get to a gigahertz
    assert np.isnan(found.analog_power[-1]) and np.isfinite(found.digital_power[-1])


def test_leakage_makes_logic_dear_at_low_frequencies(found: Comparison) -> None:
    assert (np.diff(found.ratio[:4]) < 0).all()
    assert found.ratio[1] > 1000 and found.crossings == ()
    assert found.digital_leakage[0] > 100 * found.digital_dynamic[0]
    assert found.digital_transistors == 192 and found.analog_transistors == 22


def test_a_noise_budget_sets_the_capacitor(cmos65: Technology, found: Comparison) -> None:
    still = DifferentialPair(3)
    assert quiet(still, cmos65, 1e-5) is still
    design = quiet(still, cmos65, 1.5e-6)
    noise = characterise_pair(design, cmos65, [3.16e-9], np.array([7])).noise[0, 0]
    assert 1.3e-6 < noise < 1.51e-6 and design.c_load > still.c_load
    with pytest.raises(DoesNotFit, match="flicker noise takes the budget.*larger"):
        quiet(still, cmos65, 1e-8)
    np.testing.assert_allclose((found.break_even_noise * found.ratio / found.analog_noise)[:4], 0.95, atol=0.06)


def test_crossings_lie_where_the_ratio_is_one() -> None:
    f = np.geomspace(1.0, 1e4, 5)
    np.testing.assert_allclose(crossings(f, 100.0 / f), [100.0])
    np.testing.assert_allclose(crossings(f, np.array([0.1, 10, 10, 0.1, np.nan])), [10**0.5, 10**2.5])
    assert crossings(f, np.full(5, 3.0)) == ()


def test_accumulation_and_fifos_cost_extra(cmos65: Technology, found: Comparison) -> None:
    more = compare(cmos65, 3, FREQUENCY[1:3], biases=BIASES, accumulate=True, fifo_depth=4)
    assert (more.digital_power > found.digital_power[1:3]).all()
    assert more.digital_transistors > 192 and more.digital_area > found.digital_area


def test_inputs_stay_linear_over_some_thermal_voltages(cmos65: Technology) -> None:
    range_1db = linear_range(DifferentialPair(3), cmos65, 1e-10)
    assert 0.1 < range_1db < 0.3
    assert linear_range(DifferentialPair(3), cmos65, 1e-10, drop_db=0.1) < range_1db


def test_refusals(cmos65: Technology) -> None:
    with pytest.raises(BadInput, match="not frequencies"):
        compare(cmos65, 3, [0.0])
    with pytest.raises(BadInput, match="biases do not rise"):
        compare(cmos65, 3, [1e3], biases=(1e-9, 1e-10))
    with pytest.raises(BadInput, match="not a noise power"):
        compare(cmos65, 3, [1e3], noise_max=-1.0)
    with pytest.raises(BadInput, match="not a drop"):
        linear_range(DifferentialPair(3), cmos65, 1e-10, drop_db=0.0)
    with pytest.raises(BadInput, match=r"no section \[digital\]"):
        compare(technology.load("cmos180"), 3, [1e3], biases=BIASES)
