"""Small circuits under waveforms: against what can be written down."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit.compile import compile_cell
from anamorph.circuit.dense import wiring
from anamorph.circuit.driven import Drives, Lot, follow
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Resistor, VoltageSource
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, NotConverged
from anamorph.technology import Technology

R, C, STOP = 1e9, 1e-15, 10e-6
TAU = R * C


def lot(technology: Technology, table: np.ndarray, spacing: float, held: list[list[int]], sources: list[list[int]]):
    """A resistor from a held node into a capacitor and a current source: TAU, in as many lanes as signals."""
    cell = Cell("rc", (), (VoltageSource("v_in", "in"), Resistor("R", "in", "x", R), Capacitor("C", "x", "0", C),
                           CurrentSource("i", "x")))  # fmt: skip
    circuit = compile_cell(cell, technology)
    drives = Drives(jnp.asarray(table), jnp.asarray(spacing), jnp.array(held), jnp.array(sources))
    lanes = len(held[0])
    s = circuit.structure
    mosfet = type(s.mosfet)(*(jnp.zeros((0, lanes)) for _ in s.mosfet))
    work = Lot(mosfet, s.conductance, s.capacitance, jnp.zeros((0, lanes)), jnp.full(lanes, T_REFERENCE), drives)
    return wiring(circuit, "in"), work


def test_ramp_and_current_step_follow_their_formulas(cmos180: Technology) -> None:
    spacing = 0.25e-6
    ramp = np.minimum(np.arange(41) * spacing / 2e-6, 1.0)  # to 1 V within 2 us, on the grid
    table = np.stack([ramp, np.zeros(41), np.full(41, 1e-10)])
    net, work = lot(cmos180, table, spacing, [[0, 1]], [[1, 2]])
    ramped, driven = follow(net, work, jnp.zeros((1, 2)), STOP, (0,), tolerance=1e-5, longest=0.1e-6)
    t = np.linspace(0, STOP, 101)
    slope = 1 / 2e-6
    rising = lambda t: np.where(t > 0, slope * (t - TAU * -np.expm1(-np.maximum(t, 0) / TAU)), 0.0)  # noqa: E731
    np.testing.assert_allclose(ramped.at(t), rising(t) - rising(t - 2e-6), atol=5e-4)  # a step lies across the corner
    np.testing.assert_allclose(driven.at(t), 0.1 * -np.expm1(-t / TAU), atol=1e-4)
    # what the source has given is on the capacitor, or went through the resistor against it
    assert ramped.delivered[-1] == pytest.approx(C * ramped.v[0, -1], rel=2e-3)
    assert driven.delivered[-1] == pytest.approx(C * driven.v[0, -1] - 1e-10 * STOP, rel=2e-3)
    assert ramped.t[-1] == STOP and (np.diff(ramped.t) > 0).all()
    assert ramped.end[0] == ramped.v[0, -1]


def test_tighter_tolerance_is_nearer(cmos180: Technology) -> None:
    spacing = 1e-6
    table = np.stack([np.sin(np.arange(11)) ** 2, np.zeros(11)])
    net, work = lot(cmos180, table, spacing, [[0]], [[1]])
    ends = [follow(net, work, jnp.zeros((1, 1)), STOP, (0,), tolerance=t, longest=1e-6)[0].end[0]
            for t in (1e-2, 1e-4, 1e-7)]  # fmt: skip
    assert abs(ends[1] - ends[2]) < 0.1 * abs(ends[0] - ends[2]) + 1e-4


def test_impossible_times_and_hopeless_circuits_are_refused(cmos180: Technology) -> None:
    net, work = lot(cmos180, np.zeros((2, 2)), 1e-6, [[0]], [[1]])
    with pytest.raises(BadInput, match="impossible times"):
        follow(net, work, jnp.zeros((1, 1)), 1e-6, (0,), tolerance=1e-4, longest=2e-6)
    bad = work._replace(capacitance=jnp.array([np.nan]))
    with pytest.raises(NotConverged, match="step became too small"):
        follow(net, bad, jnp.zeros((1, 1)), 1e-6, (0,), tolerance=1e-4, longest=1e-6)
