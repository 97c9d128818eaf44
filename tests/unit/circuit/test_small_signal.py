"""Linearised circuits and their noise against closed forms: one pole, kT/C, shot noise into a diode's conductance."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph import technology
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Resistor, VoltageSource
from anamorph.circuit.noise import integrate, output_noise, rectangular
from anamorph.circuit.operating_point import operating_point
from anamorph.circuit.small_signal import Linear, bandwidth, impedances, linearise, transfer
from anamorph.device.mosfet import ELEMENTARY_CHARGE, T_REFERENCE, thermal_voltage
from anamorph.errors import BadInput

KT = ELEMENTARY_CHARGE * float(thermal_voltage(T_REFERENCE))
R, C = 1e9, 3e-15
POLE = 1 / (2 * np.pi * R * C)
GRID = np.geomspace(POLE / 1e4, POLE * 1e5, 181)


@pytest.fixture(scope="module")
def one_pole() -> Linear:
    """A resistor into a capacitor, and an n-channel diode that a current biases, into another."""
    um = 1e-6
    cell = Cell(
        "one_pole",
        ("out", "d"),
        (
            VoltageSource("V_in", "in"),
            Resistor("R1", "in", "out", R),
            Capacitor("C1", "out", "0", C),
            Fet("MN", "n", "d", "d", "0", "0", 0.12 * um, 4 * um),
            CurrentSource("I_d", "d"),
            Capacitor("C2", "d", "0", 2 * C),
        ),
    )
    circuit = compile_cell(cell, technology.load("cmos65"))
    return linearise(circuit, {"V_in": 0.3, "I_d": np.array([2e-10, 4e-10])}, charges=False)


def test_transfer_is_that_of_one_pole(one_pole: Linear) -> None:
    found = transfer(one_pole, {"in": 1.0}, {"out": 1.0}, GRID)
    np.testing.assert_allclose(found, np.broadcast_to(1 / (1 + 1j * GRID / POLE), found.shape), rtol=1e-9)
    np.testing.assert_allclose(bandwidth(one_pole, {"in": 1.0}, {"out": 1.0}, POLE / 1e3), POLE, rtol=2e-6)
    # the impedance of the same node falls with the same pole
    np.testing.assert_allclose(bandwidth(one_pole, None, {"out": 1.0}, POLE / 1e3), POLE, rtol=2e-6)
    z = impedances(one_pole, {"out": 1.0}, GRID)[..., one_pole.circuit.node("out")]
    np.testing.assert_allclose(z, np.broadcast_to(R / (1 + 1j * GRID / POLE), z.shape), rtol=1e-9)


def test_noise_of_a_resistor_is_kt_over_c(one_pole: Linear) -> None:
    noise = output_noise(one_pole, {"out": 1.0}, GRID)
    assert noise.devices == ("MN", "resistor 0")
    np.testing.assert_allclose(noise.density[:, 0], 4 * KT * R, rtol=1e-6)
    thermal, flicker = integrate(noise, GRID[0], GRID[-1])
    # the grid leaves out 1e-4 of it at low frequencies and bends between its points
    np.testing.assert_allclose(thermal, KT / C, rtol=2e-3)
    np.testing.assert_allclose(flicker, 0.0)
    approximate, _ = rectangular(noise, POLE / 1e3, GRID[0], np.full(2, POLE))
    np.testing.assert_allclose(approximate, 2 / np.pi * KT / C, rtol=1e-5)


def test_a_weak_inversion_diode_has_half_shot_noise_into_its_conductance(one_pole: Linear) -> None:
    """S_i = 2 q I (1 + e^-V/U_T) and g = I/(n U_T) and what the drain adds: the integral does not know the current."""
    circuit, u_t = one_pole.circuit, float(thermal_voltage(T_REFERENCE))
    v = np.asarray(one_pole.solution.voltage("d"))
    node = circuit.node("d")
    g = one_pole.conductance[:, node, node]
    expected = 2 * ELEMENTARY_CHARGE * np.array([2e-10, 4e-10]) / np.tanh(v / (2 * u_t)) / (4 * g * 2 * C)
    pole = g / (2 * np.pi * 2 * C)
    grid = np.geomspace(pole.min() / 1e4, pole.max() * 1e4, 201)
    thermal, flicker = integrate(output_noise(one_pole, {"d": 1.0}, grid), grid[0], grid[-1])
    # the interpolation between weak and strong inversion is at most 11 % off its thermal noise; here, deep in weak, 2 %
    np.testing.assert_allclose(thermal, expected, rtol=0.02)
    # and g is I/(n U_T) but for DIBL and the onset of moderate inversion
    np.testing.assert_allclose(thermal, 0.5 * 1.511 * KT / (2 * C), rtol=0.08)
    assert (flicker > 0).all()


def test_flicker_noise_is_integrated_exactly(one_pole: Linear) -> None:
    low, high = 1e-3, 1e-1  # far below the pole: S = K/f
    noise = output_noise(one_pole, {"d": 1.0}, np.geomspace(low, high, 5))
    _, flicker = integrate(noise, low, high)
    np.testing.assert_allclose(flicker, noise.flicker.sum(axis=-2)[:, 0] * low * np.log(high / low), rtol=1e-6)


def test_slopes_are_those_of_operating_points(one_pole: Linear) -> None:
    circuit, step = one_pole.circuit, 1e-13
    shifted = [operating_point(circuit, {"V_in": 0.3, "I_d": 2e-10 + d}).voltage("d") for d in (-step, step)]
    z = impedances(one_pole, {"d": 1.0}, np.array([1e-6]))[0, 0, circuit.node("d")]
    assert float(shifted[1] - shifted[0]) / (2 * step) == pytest.approx(float(z.real), rel=1e-5)


def test_refusals(one_pole: Linear) -> None:
    with pytest.raises(BadInput, match="no held node 'inn'.*'in'"):
        transfer(one_pole, {"inn": 1.0}, {"out": 1.0}, GRID)
    with pytest.raises(BadInput, match="no node 'outt'"):
        transfer(one_pole, {"in": 1.0}, {"outt": 1.0}, GRID)
    with pytest.raises(BadInput, match="not frequencies.*rising"):
        output_noise(one_pole, {"out": 1.0}, GRID[::-1])
    with pytest.raises(BadInput, match="outside the frequencies"):
        integrate(output_noise(one_pole, {"out": 1.0}, GRID), 1e-9, 1.0)
