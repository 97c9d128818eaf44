"""The mixed-signal neuron of Chatterjee et al. 2018: equation (1) recovered from its simulated transistors."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.differential_pair import DifferentialPair, bench, neuron
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.differential_pair import (
    PairCharacteristics,
    characterise_pair,
    default_codes,
    inl_dnl,
    large_signal,
)
from anamorph.circuit.compile import compile_cell
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.errors import BadInput, OutOfDomain
from anamorph.technology import Technology

BIAS = np.array([1e-11, 1e-10, 1e-8, 1e-6])
DESIGN = DifferentialPair(3)


@pytest.fixture(scope="module")
def cmos65() -> Technology:
    return technology.load("cmos65")


@pytest.fixture(scope="module")
def found(cmos65: Technology) -> PairCharacteristics:
    return characterise_pair(DESIGN, cmos65, BIAS)


def test_transconductance_is_linear_in_the_weight(found: PairCharacteristics) -> None:
    for row in found.gm:
        inl, dnl = inl_dnl(row)
        # what is left is the gates' load on the coupling capacitor, 3 fF on 1 pF
        assert np.abs(inl).max() < 0.02 and np.abs(dnl).max() < 0.02
    np.testing.assert_allclose(found.gm, found.gm[:, -1:] * found.code / 7, rtol=5e-3)


def test_transconductance_of_the_full_weight_is_that_of_weak_inversion(found: PairCharacteristics) -> None:
    # half the tail current over n U_T, within what the mirror makes of the tail current
    expected = BIAS / 2 / (1.511 * float(thermal_voltage(T_REFERENCE)))
    np.testing.assert_allclose(found.gm[:3, -1], expected[:3], rtol=0.05)
    assert 0.7 * expected[3] < found.gm[3, -1] < expected[3]  # at 1 uA inversion is moderate


def test_bandwidth_does_not_know_the_weight_and_follows_the_bias(found: PairCharacteristics) -> None:
    spread = found.bandwidth.max(axis=1) / found.bandwidth.min(axis=1)
    assert (spread < 1.01).all()
    assert (np.diff(np.log(found.bandwidth[:, -1])) > 0.7 * np.diff(np.log(BIAS))).all()
    # where nothing leaks past the transistors, the gain falls where the output's impedance does
    np.testing.assert_allclose(found.bandwidth_gain[:2], found.bandwidth[:2], rtol=0.02)


def test_every_branch_has_a_gain_of_about_one(found: PairCharacteristics) -> None:
    assert ((found.gain[:, -1] > 0.85) & (found.gain[:, -1] < 1.15)).all()


def test_energy_and_noise_at_100_pa_are_of_the_size_of_the_paper(found: PairCharacteristics) -> None:
    branch = 0.5 * found.energy_per_mac[1, -1]
    assert branch == pytest.approx(0.7e-15, rel=0.5)
    single_ended = 0.5 * found.noise_rectangular[1, -1]
    assert single_ended == pytest.approx(1e-6, rel=0.5)


def test_noise_is_a_few_kt_over_c(found: PairCharacteristics) -> None:
    # two sides, each with two transistors' shot noise into one load: 2 n kT/C, C from the measured pole
    n, kt = 1.5, 1.380649e-23 * T_REFERENCE
    farad = found.gm[:3, -1] / found.gain[:3, -1] / (2 * np.pi * found.bandwidth[:3, -1])
    np.testing.assert_allclose(found.noise_thermal[:3, -1], 2 * n * kt / farad, rtol=0.15)
    # and the rectangle leaves out what one pole has beyond its corner
    assert (found.noise_rectangular < found.noise).all()


def test_large_signals_saturate_like_a_tanh(cmos65: Technology, found: PairCharacteristics) -> None:
    v_in = np.array([-0.6, -0.3, -0.1, -0.01, -1e-3, 1e-3, 0.01, 0.1, 0.3, 0.6])
    v_out = large_signal(DESIGN, cmos65, 1e-10, v_in)
    np.testing.assert_allclose(v_out, -v_out[::-1], atol=1e-9)
    assert (np.diff(v_out) > 0).all()
    gain = (v_out[5] - v_out[4]) / 2e-3
    assert gain == pytest.approx(found.gain[1, -1], rel=0.01)
    assert v_out[-3] > 0.9 * gain * 0.1 and v_out[-1] < 1.1 * v_out[-2] < 0.4 * 0.6


def test_wide_weights_stand_in_pairs_of_four_bits() -> None:
    eight = DifferentialPair(8)
    assert eight.segments == (range(0, 4), range(4, 8)) and eight.tail_units == (1, 16)
    assert DifferentialPair(6).tail_units == (5, 16)
    assert DifferentialPair(8, segment_bits=8).tail_units == (1,)
    fets = dict(neuron(DifferentialPair(3, n_synapses=2)).fets())
    assert len(fets) == 3 + 2 + 2 * (6 * 3 + 1) + 2  # bias, load, two synapses, one pair of current sources
    assert fets["S0.MIp2"].m == 4


def test_sizes_follow_the_bias(cmos65: Technology) -> None:
    small, large = (sized(cmos65, bias, DESIGN) for bias in (1e-11, 1e-6))
    assert small.load[1] > large.load[1] and small.load[0] < large.load[0]
    assert compile_cell(bench(small), cmos65).fets == compile_cell(bench(large), cmos65).fets


def test_inl_and_dnl_of_a_known_curve() -> None:
    inl, dnl = inl_dnl(np.array([0.0, 1.5, 2.0, 3.0]))
    np.testing.assert_allclose(inl, [0, 0.5, 0, 0])
    np.testing.assert_allclose(dnl, [0.5, -0.5, 0])


def test_default_codes_hold_every_carry() -> None:
    np.testing.assert_array_equal(default_codes(DESIGN), np.arange(1, 8))
    assert {127, 128, 255} <= set(default_codes(DifferentialPair(8)).tolist())


def test_refusals(cmos65: Technology) -> None:
    with pytest.raises(BadInput, match="not a width of a weight"):
        DifferentialPair(17)
    with pytest.raises(BadInput, match="no synapse"):
        DifferentialPair(3, n_synapses=0)
    with pytest.raises(BadInput, match="no bits in a pair"):
        DifferentialPair(3, segment_bits=0)
    with pytest.raises(OutOfDomain, match="not a bias current"):
        sized(cmos65, 1.0, DESIGN)
    with pytest.raises(BadInput, match="integers from 0 to 7"):
        characterise_pair(DESIGN, cmos65, [1e-10], np.array([8]))
    with pytest.raises(BadInput, match="no bandwidth"):
        characterise_pair(DESIGN, cmos65, [1e-10], np.array([0]))
    with pytest.raises(BadInput, match="no line"):
        inl_dnl(np.array([1.0]))
