"""ngspice as judge of the transient: the step response of a loaded soma."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.cell.current_mirror import soma
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.transient import transient
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

TIMES, CURRENTS = [0.0, 20e-9, 21e-9, 1.2e-6, 1.21e-6], [1e-9, 1e-9, 100e-9, 100e-9, 5e-9]
T_STOP = 3e-6


def test_soma_step_response(cmos180: Technology) -> None:
    elements = (
        Instance("s", soma(), {"i_in": "i_in", "v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}),
        Capacitor("c_in", "i_in", "0", 20e-15),
        Capacitor("c_p", "v_p", "vdd", 5e-15),
        Capacitor("c_n", "v_n", "0", 4e-15),
        CurrentSource("drive", "i_in"),
        VoltageSource("vdd", "vdd"),
    )
    cell = Cell("one", (), elements)
    shifts = np.random.default_rng(3).normal(size=5) * 0.01
    waveforms = {"drive": (TIMES, CURRENTS), "vdd": 1.8}
    nodes = ["i_in", "v_p", "v_n"]
    theirs = ngspice.transient(cell, cmos180, waveforms, T_STOP, shifts, max_step=5e-9)
    ours = transient(compile_cell(cell, cmos180), waveforms, T_STOP, shifts, probes=nodes).require_converged()
    # compared at our steps, which are the fewer: straight lines between ngspice's 5 ns are the finer
    for node in nodes:
        expected = np.interp(ours.times, theirs.time, theirs.voltage(node))
        assert np.ptp(expected) > 0.15
        # 0.1 mV a step, and four of one sign while the current rises: 0.25 % of full scale was measured
        np.testing.assert_allclose(ours.voltage(node), expected, atol=5e-3 * np.ptp(expected))
    # the supply's charge, from conduction and displacement, against ngspice's current summed up
    flown = np.trapezoid(theirs.source_current("vdd"), theirs.time)
    assert ours.supplied_charge("vdd")[-1] == pytest.approx(flown, rel=2e-3)
