"""ngspice as judge of the transient: the step response of a loaded soma."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from anamorph.cell.current_mirror import soma
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.circuit.transient import transient
from anamorph.errors import BadInput
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

TIMES, CURRENTS = [0.0, 20e-9, 21e-9, 1.2e-6, 1.21e-6], [1e-9, 1e-9, 100e-9, 100e-9, 5e-9]
T_STOP = 3e-6
WAVEFORMS = {"drive": (TIMES, CURRENTS), "vdd": 1.8}
SHIFTS = np.random.default_rng(3).normal(size=5) * 0.01


@pytest.fixture(scope="module")
def loaded() -> Cell:
    elements = (
        Instance("s", soma(), {"i_in": "i_in", "v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}),
        Capacitor("c_in", "i_in", "0", 20e-15),
        Capacitor("c_p", "v_p", "vdd", 5e-15),
        Capacitor("c_n", "v_n", "0", 4e-15),
        CurrentSource("drive", "i_in"),
        VoltageSource("vdd", "vdd"),
    )
    return Cell("one", (), elements)


def test_soma_step_response(cmos180: Technology, loaded: Cell) -> None:
    nodes = ["i_in", "v_p", "v_n"]
    theirs = ngspice.transient(loaded, cmos180, WAVEFORMS, T_STOP, SHIFTS, max_step=5e-9)
    ours = transient(compile_cell(loaded, cmos180), WAVEFORMS, T_STOP, SHIFTS, probes=nodes).require_converged()
    # compared at our steps, which are the fewer: straight lines between ngspice's 5 ns are the finer
    for node in nodes:
        expected = np.interp(ours.times, theirs.time, theirs.voltage(node))
        assert np.ptp(expected) > 0.15
        # 0.1 mV a step, and four of one sign while the current rises: 0.25 % of full scale was measured
        np.testing.assert_allclose(ours.voltage(node), expected, atol=5e-3 * np.ptp(expected))
    # the supply's charge, from conduction and displacement, against ngspice's current summed up
    flown = np.trapezoid(theirs.source_current("vdd"), theirs.time)
    assert ours.supplied_charge("vdd")[-1] == pytest.approx(flown, rel=2e-3)


def test_a_state_taken_as_it_is(cmos180: Technology, loaded: Cell) -> None:
    """The rest that ngspice solves for and the one it is given are the same, inner nodes of transistors included."""
    circuit = compile_cell(loaded, cmos180)
    rest = operating_point(circuit, {"drive": CURRENTS[0], "vdd": 1.8}, SHIFTS).require_converged()
    start = np.asarray(rest.voltages)
    run = partial(ngspice.transient, loaded, cmos180, WAVEFORMS, 0.3e-6, SHIFTS, max_step=20e-9, tolerance=1e-5)
    solved, given = run(start=start), run(start=start, from_start=True)
    for node in ("i_in", "v_p", "v_n"):
        found = given.voltage(node)
        still = given.time < TIMES[1]
        assert np.ptp(found[still]) < 1e-6  # it stays at rest until it is driven
        np.testing.assert_allclose(np.interp(solved.time, given.time, found), solved.voltage(node), atol=1e-3)
    off = np.where(np.arange(len(start)) == circuit.unknowns.index("v_p"), start + 0.05, start)
    moved = run(start=off, from_start=True)
    assert np.ptp(moved.voltage("v_p")[moved.time < TIMES[1]]) > 1e-3  # and one that is none shows
    with pytest.raises(BadInput, match="without a voltage to begin at"):
        run(from_start=True)
