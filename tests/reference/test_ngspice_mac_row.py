"""A neuron of differential pairs with several synapses, at large signals: the sum of its row, judged by ngspice."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.cell.differential_pair import bench, standard
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.differential_pair import drives
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point

pytestmark = pytest.mark.ngspice


def test_the_sum_of_a_mismatched_row() -> None:
    """Three synapses of 3 bits with codes and inputs of their own, every transistor with its own threshold."""
    card = technology.load("cmos65")
    design = sized(card, 200e-12, standard(3, 3))
    cell = bench(design, coupled=False)
    circuit = compile_cell(cell, card)
    shifts = 0.005 * np.random.default_rng(3).normal(size=len(circuit.fets))
    given = {name: float(value) for name, value in drives(design, card, 200e-12, 5, 0.05).items()}
    for synapse, volts in ((1, -0.03), (2, 0.02)):
        given |= {f"V_v_p{synapse}": 0.5 + volts / 2, f"V_v_n{synapse}": 0.5 - volts / 2}
    ours = operating_point(circuit, {name: np.asarray(value) for name, value in given.items()}, shifts)
    ours = ours.require_converged()
    theirs = ngspice.operating_points(cell, card, given, shifts)
    for node in ("out_p", "out_n"):
        # both solve the same equations; ngspice to its own relative tolerance of a node's voltage
        assert float(ours.voltage(node)) == pytest.approx(float(theirs.voltage(node)), rel=1e-4)
    assert abs(float(ours.voltage("out_p") - ours.voltage("out_n"))) > 5e-3
