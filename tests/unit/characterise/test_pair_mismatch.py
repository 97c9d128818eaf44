"""What mismatch makes of a weight: the formula against the simulated cell, and against the area law by hand."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.differential_pair import DifferentialPair, bench
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.differential_pair import INPUT, OUTPUT, drives
from anamorph.characterise.pair_mismatch import PairSpreads, drawn_synapses, made_weights, pair_spreads, weight_sigma
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.small_signal import impedances, linearise, transfer
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage

CARD, BIAS = technology.load("cmos65"), 2e-10
DESIGN = sized(CARD, BIAS, DifferentialPair(3))


def test_weights_of_a_mismatched_cell_are_those_of_its_operating_point() -> None:
    """Its transconductance, relative to the largest of the cell without deviations."""
    spreads = pair_spreads(CARD, DESIGN)
    inputs, tails = (np.asarray(a) for a in drawn_synapses(jax.random.key(0), (), DESIGN, spreads))
    circuit = compile_cell(bench(DESIGN, coupled=False), CARD)
    n_ut = CARD.value("nfet", "slope_factor") * float(thermal_voltage(T_REFERENCE))
    off = {f"MI{side}{bit}": inputs[s, bit] for s, side in enumerate("pn") for bit in range(3)} | {"MT0": tails[0]}
    names = [path.rsplit(".", 1)[-1] for path, _ in bench(DESIGN).fets()]
    deviations = np.array([-n_ut * off.get(name, 0.0) for name in names])
    code, found = np.arange(1, 8), []
    for given in (np.zeros_like(deviations), deviations):
        linear = linearise(circuit, drives(DESIGN, CARD, BIAS, code), given, charges=False)
        f = np.array([1e-3])
        z = impedances(linear, OUTPUT, f)[..., 0, [circuit.node(node) for node in OUTPUT]] @ [1.0, -1.0]
        found.append(np.abs(transfer(linear, INPUT, OUTPUT, f)[..., 0] / z))
    expected = np.asarray(made_weights(code, inputs, tails, DESIGN)[0])
    # the tails' DIBL and the slope's dependence on the gates' level, which the formula leaves out
    np.testing.assert_allclose(found[1] / found[0][-1], expected, rtol=0.03)


@pytest.mark.parametrize("n_bits", [3, 8])
def test_without_deviations_weights_are_the_codes(n_bits: int) -> None:
    design = DifferentialPair(n_bits)
    inputs, tails = np.zeros((2, n_bits)), np.zeros(len(design.segments))
    code = np.arange(design.full_code + 1)
    weight, offset = made_weights(code, inputs, tails, design)
    np.testing.assert_allclose(weight, code / design.full_code, atol=1e-12)
    assert np.all(np.asarray(offset) == 0)


def test_small_deviations_spread_a_weight_by_the_area_law() -> None:
    """To first order, of one pair: var(w) = w^2 s_t^2 + w (1 - w) s_u^2 / (2 M), of M units on either side."""
    s_u, s_t = 0.02, 0.01
    one = replace(DESIGN, segment_bits=8)
    for code in (3, 7):
        found, _ = weight_sigma(jax.random.key(1), code, one, PairSpreads(s_u, s_t, 0.0))
        w = code / 7
        # 4000 draws: the standard deviation is known to 1.1 %
        assert found == pytest.approx(np.hypot(w * s_t, s_u * np.sqrt(w * (1 - w) / 14)), rel=0.05)


def test_no_deviation_is_beyond_the_limit() -> None:
    spreads = pair_spreads(CARD, DESIGN)
    inputs, tails = drawn_synapses(jax.random.key(2), (500,), DESIGN, spreads, 1.0)
    assert np.abs(np.asarray(inputs)[..., 0]).max() <= spreads.unit and np.abs(np.asarray(tails)).max() <= spreads.tail
