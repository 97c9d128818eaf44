"""The transient against closed forms and an independent integrator; corners, batches, failures."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Resistor, VoltageSource
from anamorph.circuit.tr_bdf2 import BUFFER_FULL, NO_START
from anamorph.circuit.transient import TransientSolution, transient
from anamorph.device.mosfet import Terminals, drain_current, terminal_charges
from anamorph.errors import BadInput, NotConverged
from anamorph.technology import Technology

R, C = 1e6, 1e-12
TAU = R * C
RISE = 1e-3 * TAU


@pytest.fixture(scope="module")
def rc(cmos180: Technology) -> Circuit:
    elements = (VoltageSource("V", "in"), Resistor("R", "in", "out", R), Capacitor("C", "out", "0", C))
    return compile_cell(Cell("rc", (), elements), cmos180)


def step(rc: Circuit, high: float | np.ndarray = 1.0, **options: Any) -> TransientSolution:
    """0 V to `high` within `RISE`, for ten time constants."""
    values = np.stack([np.zeros_like(high), np.asarray(high)], axis=-1)
    return transient(rc, {"V": ([0.0, RISE], values)}, 10 * TAU, probes=["out", "in"], **options)


def ramp_response(t: np.ndarray) -> np.ndarray:
    """Closed form: the response to a ramp of slope 1/RISE, less the same from its end on."""

    def ramp(t: np.ndarray) -> np.ndarray:
        t = np.maximum(t, 0)
        return (t - TAU * -np.expm1(-t / TAU)) / RISE

    return ramp(t) - ramp(t - RISE)


def test_step_of_an_rc_follows_the_closed_form(rc: Circuit) -> None:
    errors, counts = [], []
    for tolerance in (1e-5, 1e-6):
        found = step(rc, tolerance=tolerance).require_converged()
        errors.append(np.abs(found.voltage("out") - ramp_response(found.times)).max())
        counts.append(int(found.steps))
        # local errors of one sign add up over the steps of a time constant, of which there are 20 to 50
        assert errors[-1] < 20 * tolerance
    # a local error of third order: ten times less takes 10^(1/3) = 2.2 times the steps (fewer, as a few
    # go into the ramp), and the global error, of second order, is less by 10^(2/3)
    assert 1.7 < counts[1] / counts[0] < 2.2
    assert errors[0] / errors[1] == pytest.approx(10 ** (2 / 3), rel=0.1)


def test_equal_steps_converge_with_the_second_order(rc: Circuit) -> None:
    """At steps well within the tolerance, halving the longest step quarters the error."""
    errors = []
    for parts in (100, 200, 400):
        found = step(rc, max_step=10 * TAU / parts)
        errors.append(np.abs(found.voltage("out") - ramp_response(found.times)).max())
    for ratio in (errors[0] / errors[1], errors[1] / errors[2]):
        assert ratio == pytest.approx(4, rel=0.1)  # the next order, and a microvolt of Newton


def test_charging_a_capacitor_costs_twice_what_it_stores(rc: Circuit) -> None:
    found = step(rc, 2.0)
    charge, energy = found.supplied_charge("V")[-1], found.supplied_energy("V")[-1]
    stored = C * 2.0**2 / 2
    # 1 - exp(-10) of the charge has arrived
    assert charge == pytest.approx(2.0 * C * -np.expm1(-10), rel=1e-5)
    # the ramp saves RISE / 2 TAU of the source's energy
    assert energy == pytest.approx(2 * stored, rel=1e-3)
    assert found.ground_charge[-1] == pytest.approx(-charge, rel=1e-12)


def test_a_current_ramp_into_a_capacitor_is_exact(cmos180: Technology) -> None:
    """A parabola, which a method of second order follows without error; the resistor leaks 1e-7 of it."""
    elements = (CurrentSource("I", "a"), Capacitor("C", "a", "0", C), Resistor("R", "a", "0", 1e16))
    circuit = compile_cell(Cell("c", (), elements), cmos180)
    found = transient(circuit, {"I": ([0, 1e-6], [0.0, 1e-6])}, 2e-6, probes=["a"]).require_converged()
    t = found.times
    expected = np.where(t < 1e-6, 0.5 * t**2, 0.5e-12 + 1e-6 * (t - 1e-6)) / C
    np.testing.assert_allclose(found.voltage("a"), expected, atol=1e-6 * expected[-1])


def test_no_step_passes_a_corner(rc: Circuit) -> None:
    """A pulse of a nanosecond in ten microseconds of silence, with corners that differ by sample."""
    begin = np.array([3e-6, 4.2e-6])
    corners = begin[:, None] + np.array([0.0, 1e-9, 1.2e-9, 2e-9])
    found = transient(rc, {"V": (corners, [0.0, 1.0, 1.0, 0.0])}, 10e-6, probes=["out"])
    for sample in range(2):
        assert np.isin(corners[sample], found.times[sample]).all()
        # the pulse's area, 1.1 ns V, over RC; it has decayed by 1 ns / 1 us at most
        assert found.voltage("out")[sample].max() == pytest.approx(1.1e-9 / TAU, rel=2e-3)
    assert found.times[:, -1] == pytest.approx(10e-6, rel=1e-15)


def inverter_pair(cmos180: Technology, stages: int = 1) -> Circuit:
    """A chain or, with the last output on the first input, a ring of inverters."""
    size: dict[str, Any] = {"w": 1e-6, "l": 0.5e-6}
    elements: list = [VoltageSource("vdd", "vdd"), CurrentSource("kick", "n0")]
    for k in range(stages):
        gate, out = f"n{k}", f"n{(k + 1) % stages}"
        elements += [
            Fet(f"N{k}", "n", out, gate, "0", "0", **size),
            Fet(f"P{k}", "p", out, gate, "vdd", "vdd", **size),
            Capacitor(f"C{k}", out, "0", 10e-15),
        ]
    return compile_cell(Cell("ring", (), tuple(elements)), cmos180)


def test_frequency_of_a_ring_oscillator_does_not_depend_on_the_tolerance(cmos180: Technology) -> None:
    """Started at its unstable operating point, kicked out of it; supply of 0.5 V."""
    circuit = inverter_pair(cmos180, stages=3)
    kick = ([0.0, 1e-9, 20e-9, 21e-9], [0.0, 20e-9, 20e-9, 0.0])
    periods = []
    for tolerance in (1e-3, 1e-4):
        found = transient(
            circuit, {"vdd": 0.5, "kick": kick}, 4e-6, probes=["n0"], tolerance=tolerance, max_steps=8000
        ).require_converged()
        times = np.linspace(2e-6, 4e-6, 20001)
        v = found.resample(found.voltage("n0"), times) - 0.25
        assert v.max() > 0.15 and v.min() < -0.15
        up = np.flatnonzero((v[:-1] < 0) & (v[1:] >= 0))
        crossings = times[up] - v[up] * np.diff(times)[0] / (v[up + 1] - v[up])
        assert len(crossings) > 5
        periods.append(np.diff(crossings).mean())
        assert np.ptp(np.diff(crossings)) < 0.01 * periods[-1]
    assert periods[0] == pytest.approx(periods[1], rel=0.01)


def test_diode_discharges_as_scipy_says(cmos180: Technology) -> None:
    """A diode-connected transistor empties a capacitor through seven orders of magnitude of current."""
    fet = Fet("M", "n", "a", "a", "0", "0", 2e-6, 0.5e-6)
    elements = (CurrentSource("I", "a"), fet, Capacitor("C", "a", "0", 20e-15))
    circuit = compile_cell(Cell("diode", (), elements), cmos180)
    high, low, fall, end = 10e-6, 1e-12, 1e-9, 1e-5
    found = transient(circuit, {"I": ([0.0, fall], [high, low])}, end, probes=["a"]).require_converged()

    p = cmos180.mosfet(fet)
    grid = np.linspace(-0.01, 1.5, 3001)
    p = type(p)(*(jnp.full(grid.shape, x) for x in p))
    on = jnp.asarray(grid)
    at = Terminals(on, on, jnp.zeros_like(on))
    q = terminal_charges(p, at)
    capacitance = np.gradient(np.asarray(q.drain + q.gate) + 20e-15 * grid, grid)
    current = np.asarray(drain_current(p, at))

    def slope(t: float, v: np.ndarray) -> np.ndarray:
        drive = np.interp(t, [0.0, fall], [high, low])
        flown = np.interp(v, grid, current)
        return (drive - flown) / np.interp(v, grid, capacitance)

    v, pieces = found.voltage("a")[:1], []
    for begin, stop in ((0.0, fall), (fall, end)):
        inside = (found.times > begin) & (found.times <= stop)
        piece = solve_ivp(slope, (begin, stop), v, "LSODA", found.times[inside], rtol=1e-8, atol=1e-9)
        pieces.append(piece.y[0])
        v = piece.y[:, -1]
    assert found.voltage("a")[0] - found.voltage("a")[-1] > 0.4
    # a few steps' tolerance, and the grid's straight lines
    np.testing.assert_allclose(found.voltage("a")[1:], np.concatenate(pieces), atol=5e-4)


def test_a_batch_is_its_samples_one_by_one(cmos180: Technology) -> None:
    """Steps depend on a sample alone, so even their number is the same."""
    circuit = inverter_pair(cmos180, stages=3)
    rng = np.random.default_rng(0)
    shifts = rng.normal(size=(2, 3, len(circuit.fets))) * circuit.threshold_sigma
    supply = np.array([0.4, 0.5, 0.6])
    kick = ([0.0, 1e-9], [0.0, 5e-9])
    together = transient(circuit, {"vdd": supply, "kick": kick}, 1e-7, shifts, probes=["n0", "vdd"])
    assert together.voltages.shape == (2, 3, together.times.shape[-1], 2)
    for place in np.ndindex(2, 3):
        waveforms = {"vdd": supply[place[1]], "kick": kick}
        alone = transient(circuit, waveforms, 1e-7, shifts[place], probes=["n0"])
        assert alone.steps == together.steps[place]
        # rounding, amplified by the unstable operating point
        np.testing.assert_allclose(alone.voltage("n0"), together.voltage("n0")[place][: int(alone.steps)], atol=1e-9)
    assert (together.voltage("vdd") == supply[None, :, None]).all()


def test_a_sample_that_overflows_does_not_spoil_the_others(rc: Circuit) -> None:
    high = np.array([1e-3, 1.0])
    free = step(rc, high)
    few = int(free.steps[0]) + 1
    assert free.steps[1] > few
    found = step(rc, high, max_steps=few)
    assert found.converged.tolist() == [True, False]
    assert found.status[1] == BUFFER_FULL
    np.testing.assert_array_equal(found.voltage("out")[0], free.voltage("out")[0, :few])
    assert np.isnan(found.resample(found.voltage("out"), np.array([10 * TAU]))[1, 0])
    with pytest.raises(NotConverged, match=r"1 of 2 .*max_steps was reached \(1\)"):
        found.require_converged()


def test_without_an_operating_point_there_is_no_transient(cmos180: Technology) -> None:
    """A current into a capacitor has no DC solution."""
    elements = (CurrentSource("I", "a"), Capacitor("C", "a", "0", C))
    circuit = compile_cell(Cell("c", (), elements), cmos180)
    found = transient(circuit, {"I": 1e-9}, 1e-6, probes=["a"])
    assert not found.converged and found.status == NO_START
    assert np.isnan(found.voltages).all()


@pytest.mark.parametrize(
    ("waveforms", "options", "message"),
    [
        ({}, {}, "no waveform for source 'V'"),
        ({"V": 1.0, "VV": 1.0}, {}, "Did you mean 'V'"),
        ({"V": ([0.0, 0.0], [0.0, 1.0])}, {}, "rise time"),
        ({"V": ([0.0, 1.0], [0.0, 1.0, 2.0])}, {}, "2 times and 3 values"),
        ({"V": ([0.0, 1.0], [0.0, np.nan])}, {}, "NaN"),
        ({"V": np.zeros(0)}, {}, "empty batch"),
        ({"V": 1.0}, {"probes": ["oout"]}, "Did you mean 'out'"),
        ({"V": 1.0}, {"tolerance": 0.0}, "tolerance"),
        ({"V": 1.0}, {"max_steps": 1}, "max_steps"),
        ({"V": np.zeros(2)}, {"deviations": np.zeros((3, 0))}, "do not broadcast"),
    ],
)
def test_bad_input_is_named(rc: Circuit, waveforms: dict, options: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        transient(rc, waveforms, 1e-6, **options)
