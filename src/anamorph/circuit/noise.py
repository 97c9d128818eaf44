"""Noise: every device's own, carried to an output of the linearised circuit, and integrated over frequency.

    S_out(f) = sum over devices of |z_k(f)|^2 S_k(f),   z_k = volts at the output per ampere from drain to source

Transistors have the thermal and flicker noise of `anamorph.device.mosfet.noise_psd`, resistors 4kT/R; the transfer
impedances z come from one transposed solve per frequency. Devices are uncorrelated, and the correlated induced gate
noise, which matters near a transistor's own transit frequency, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.assembly import all_voltages, fet_noise
from anamorph.circuit.small_signal import Combination, Frequencies, Linear, impedances
from anamorph.device.mosfet import ELEMENTARY_CHARGE, thermal_voltage
from anamorph.errors import BadInput


@dataclass(frozen=True)
class OutputNoise:
    """Noise power density at an output, V²/Hz.

    Attributes:
        frequency: Hz, rising, ``[frequencies]``.
        thermal: of every device, ``[*batch, devices, frequencies]``.
        flicker: likewise.
        devices: their names, transistors first, then resistors in netlist order.
    """

    frequency: Frequencies
    thermal: Float[np.ndarray, "*batch devices frequencies"]
    flicker: Float[np.ndarray, "*batch devices frequencies"]
    devices: tuple[str, ...]

    @property
    def density(self) -> Float[np.ndarray, "*batch frequencies"]:
        """Of all devices together, V²/Hz."""
        return (self.thermal + self.flicker).sum(axis=-2)


def source_densities(linear: Linear) -> tuple[np.ndarray, np.ndarray]:
    """Noise current of every device: thermal, and flicker at 1 Hz, A²/Hz, ``[*batch, devices]`` each."""
    structure, given = linear.circuit.structure, linear.given
    unknowns = jnp.reshape(linear.solution.voltages, (-1, structure.n_unknowns)).T
    thermal, flicker = _fet_noise(structure, all_voltages(unknowns, given.held), given)
    u_t = thermal_voltage(given.temperature)
    resistors = 4 * ELEMENTARY_CHARGE * u_t * structure.conductance[:, None]  # 4kT/R
    white = jnp.concatenate([thermal, resistors])
    pink = jnp.concatenate([flicker, jnp.zeros_like(resistors)])
    shape = linear.batch
    return np.asarray(white).T.reshape(*shape, -1), np.asarray(pink).T.reshape(*shape, -1)


_fet_noise = jax.jit(fet_noise)


def output_noise(linear: Linear, output: Combination, frequency: Frequencies) -> OutputNoise:
    """Noise at a combination of unknown nodes.

    Raises:
        BadInput: no such node, or frequencies that are not positive and rising.
    """
    f = np.asarray(frequency, float)
    if f.ndim != 1 or not f.size or f[0] <= 0 or not (np.diff(f) > 0).all():
        raise BadInput("not frequencies", where="noise", expected="positive and rising", got=f"{f}")
    structure = linear.circuit.structure
    ends = np.concatenate([np.asarray(structure.fet_nodes)[:, [0, 2]], np.asarray(structure.resistor_nodes)])
    z = impedances(linear, output, f)
    gain = np.abs(z[..., ends[:, 0]] - z[..., ends[:, 1]]) ** 2
    gain = np.swapaxes(gain, -1, -2)
    white, pink = source_densities(linear)
    names = (*linear.circuit.fets, *(f"resistor {k}" for k in range(len(structure.conductance))))
    return OutputNoise(f, gain * white[..., None], gain * pink[..., None] / f, names)


def integrate(noise: OutputNoise, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Thermal and flicker noise power of all devices between two frequencies (Hz), V², ``[*batch]`` each.

    Between the grid's points densities follow power laws (straight lines in logarithms), which are integrated exactly:
    flicker noise and the slopes beyond a pole have no error, and bends between points very little.

    Raises:
        BadInput: limits outside the grid.
    """
    f = noise.frequency
    if not f[0] * (1 - 1e-9) <= low < high <= f[-1] * (1 + 1e-9):
        raise BadInput("limits outside the frequencies of the noise", where="integrate",
                       expected=f"within {f[0]:g} to {f[-1]:g} Hz", got=f"{low:g} to {high:g} Hz")  # fmt: skip
    thermal, flicker = noise.thermal.sum(axis=-2), noise.flicker.sum(axis=-2)
    return _power_laws(f, thermal, low, high), _power_laws(f, flicker, low, high)


def _power_laws(f: np.ndarray, density: np.ndarray, low: float, high: float) -> np.ndarray:
    tiny = np.finfo(float).tiny
    x, y = np.log(f), np.log(np.maximum(density, tiny))
    inside = (f > low) & (f < high)
    ends = np.log([low, high])

    def at(place: float) -> np.ndarray | float:
        k = int(np.clip(np.searchsorted(x, place) - 1, 0, len(x) - 2))
        share = (place - x[k]) / (x[k + 1] - x[k])
        return (1 - share) * y[..., k] + share * y[..., k + 1]

    grid = np.concatenate([ends[:1], x[inside], ends[1:]])
    first, last = (np.asarray(at(end))[..., None] for end in ends)
    values = np.concatenate([first, y[..., inside], last], axis=-1)
    total = values + grid  # log of f S(f), whose integral over log f is wanted
    step, rise = np.diff(grid), np.diff(total)
    flat = np.abs(rise) < 1e-6
    growth = np.where(flat, 1 + rise / 2, np.expm1(rise) / np.where(flat, 1.0, rise))
    mean = np.exp(total[..., :-1]) * growth
    return np.where(density.max(axis=-1) > tiny, (mean * step).sum(axis=-1), 0.0)


def rectangular(noise: OutputNoise, passband: float, low: float, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first-order rectangular approximation: the densities at `passband`, cut off at `high`, V², ``[*batch]`` each.

    Thermal noise is flat and counts `high` times; flicker noise goes with 1/f from `low` to `high`. For one pole, whose
    equivalent noise bandwidth is pi/2 of its -3 dB frequency, it is low by 2/pi of the thermal part.

    Args:
        noise: densities on a grid that holds `passband`.
        passband: where the gain is flat, Hz.
        low: lowest frequency that counts, Hz.
        high: the bandwidth, Hz, ``[*batch]``.
    """
    k = int(np.argmin(np.abs(np.log(noise.frequency / passband))))
    thermal, flicker = noise.thermal[..., k].sum(axis=-1), noise.flicker[..., k].sum(axis=-1)
    return thermal * high, flicker * noise.frequency[k] * np.log(high / low)
