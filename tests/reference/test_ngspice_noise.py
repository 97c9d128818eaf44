"""ngspice's own .noise, with densities that it evaluates at its own operating point, as judge of ours."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.differential_pair import DifferentialPair, bench
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.differential_pair import OUTPUT, drives
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.noise import integrate, output_noise
from anamorph.circuit.small_signal import linearise, transfer
from anamorph.circuit.spice_noise import noise_deck

pytestmark = pytest.mark.ngspice


@pytest.mark.parametrize(("n_bits", "bias", "code"), [(3, 1e-10, 5), (3, 1e-7, 7)])
def test_output_noise_and_gain_of_a_mismatched_differential_pair(n_bits: int, bias: float, code: int) -> None:
    card = technology.load("cmos65")
    design = sized(card, bias, DifferentialPair(n_bits))
    cell = bench(design)
    circuit = compile_cell(cell, card)
    shifts = 0.01 * np.random.default_rng(0).normal(size=len(circuit.fets))
    given = {name: float(x) for name, x in drives(design, card, bias, code).items()}
    linear = linearise(circuit, given, shifts)
    start = dict(zip(circuit.unknowns, np.asarray(linear.solution.voltages).tolist(), strict=True))
    text = noise_deck(
        cell, card, given, shifts, driven="V_v_p0", output=("out_p", "out_n"), decades=(1.0, 1e10, 50), start=start
    )  # fmt: skip
    theirs = ngspice.run(text)
    frequency = theirs["frequency"]
    density = theirs["onoise_spectrum"] ** 2
    ours = output_noise(linear, OUTPUT, frequency)
    # the same equations; ngspice's Boltzmann constant differs by 3e-7, its operating point by its tolerance
    np.testing.assert_allclose(ours.density, density, rtol=1e-4)
    total = sum(float(part) for part in integrate(ours, 1.0, float(frequency[-1])))
    assert total == pytest.approx(float(np.trapezoid(density, frequency)), rel=0.001)  # trapezoids of 1/50 decade
    gain = theirs["onoise_spectrum"] / theirs["inoise_spectrum"]
    found = np.abs(transfer(linear, {"v_p0": 1.0}, OUTPUT, frequency))
    np.testing.assert_allclose(found, gain, rtol=1e-4)
