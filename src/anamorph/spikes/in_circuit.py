"""A neuron's rate where it is: behind its legs, with what they load its membrane with.

A neuron alone is characterised with a current source. In the network, its current comes out of legs, whose drains
load the membrane, and who carry less the higher the membrane is. Here each neuron of a layer stays in its circuit,
with its own legs, and their gates are held so that together they are worth an excitation x:

    y = (x - b) / sum w,   every leg at  I(gate, half of the supply across it) = w y unit

The rates come out as a curve of the layer: the mean over its neurons.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.dense import wiring
from anamorph.circuit.driven import Drives, Lot, follow
from anamorph.device.mosfet import T_REFERENCE, MosfetParameters
from anamorph.network.spiking import Weights
from anamorph.spikes.partition import OUTPUT, SUPPLY, layer_part
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.sizing import gate_voltage, passed_on
from anamorph.spikes.transient import LANES, LEVELS, LONGEST, TOLERANCE, spike_times
from anamorph.technology import Technology
from anamorph.threads import in_threads

#: Excitations of the curve.
EXCITATIONS = np.array([0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.2])
#: How long each neuron is watched, and the part of it after which intervals count, s.
DURATION, LATE = 160e-6, 0.3


@dataclass(frozen=True)
class LayerCurve:
    """Rates of a layer's neurons in their circuits.

    Attributes:
        x: excitations.
        rates: of each neuron, Hz; NaN where its bias alone is more.
    """

    x: Float[np.ndarray, " points"]
    rates: Float[np.ndarray, "neurons points"]

    def mean(self) -> Float[np.ndarray, " points"]:
        """Over the neurons, Hz; where no neuron can be, that of the next excitation."""
        known = np.isfinite(self.rates)
        found = np.where(known, self.rates, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        return np.interp(self.x, self.x[known.any(0)], found[known.any(0)])


def full_scale(circuit: SpikingCircuit, technology: Technology) -> float:
    """What a leg like an input's diode passes on of a full-scale input."""
    return float(passed_on(technology, circuit.diode, circuit.unit, np.ones(1))[0])


def input_worth(
    circuit: SpikingCircuit, technology: Technology, x: Float[np.ndarray, "*any"]
) -> Float[np.ndarray, "*any"]:
    """What an input x is to the network: one at full scale, and at the dark end a little more than x."""
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, 200)])
    passed = passed_on(technology, circuit.diode, circuit.unit, grid)
    return np.interp(x, grid, passed / passed[-1])


def layer_curve(
    circuit: SpikingCircuit, technology: Technology, weights: Weights, layer: int, reference: tuple[float, float],
    peak: float,
) -> LayerCurve:  # fmt: skip
    """Rates of every neuron of a layer at `EXCITATIONS`.

    Args:
        circuit: the network.
        technology: its process.
        weights: what its legs are worth.
        layer: which.
        reference: W and L of the leg that carries `peak` at y = 1, m; that of an input's diode is known.
        peak: A.
    """
    w, bias = np.asarray(weights.synapses[layer]), np.asarray(weights.biases[layer])
    present = np.where(circuit.synapses[layer].w > 0, w, 0.0)
    y = (EXCITATIONS[None] - bias[:, None]) / present.sum(0)[:, None]
    usable = y > 0
    size, current = reference, peak
    if layer == 0:
        size, current = circuit.diode, circuit.unit * full_scale(circuit, technology)
    gates = gate_voltage(technology, size, current * np.where(usable, y, 1.0).ravel())
    rates = _rates(circuit, technology, layer, gates)
    return LayerCurve(EXCITATIONS, np.where(usable, rates.reshape(y.shape), np.nan))


def _rates(circuit: SpikingCircuit, technology: Technology, layer: int, gates: np.ndarray) -> np.ndarray:
    """Every neuron at its gate voltages: neurons times points, points fastest."""
    part, v = layer_part(circuit, technology, layer), technology.v_dd
    net, points = wiring(part.circuit, SUPPLY), len(EXCITATIONS)
    bias = gate_voltage(technology, circuit.diode, np.array([circuit.unit]), diode=True)
    table = np.concatenate([[v], bias, gates])[:, None] * np.array([0.0, 1.0])
    taps = len(circuit.synapses[layer].w)
    held = np.zeros((len(part.circuit.held), len(gates)), int)
    for tap in range(taps):
        held[part.circuit.held.index(f"g{tap}")] = 2 + np.arange(len(gates))
    held[part.circuit.held.index(f"g{taps}")] = 1
    size, structure = min(LANES, len(gates)), part.circuit.structure
    below, high = (level * v for level in LEVELS)

    def lot(low: int) -> list[float]:
        lanes = np.minimum(np.arange(low, low + size), len(gates) - 1)
        mosfet = MosfetParameters(**{k: jnp.asarray(p[:, lanes // points]) for k, p in part.parameters.items()})
        none = jnp.zeros((0, size), int)
        drives = Drives(jnp.asarray(table), jnp.asarray(1e-7), jnp.asarray(held[:, lanes]), none)
        zero = jnp.zeros((len(part.circuit.fets), size))
        work = Lot(mosfet, structure.conductance, structure.capacitance, zero, jnp.full(size, T_REFERENCE), drives)
        start, output = jnp.zeros((net.n_unknowns, size)), (part.circuit.node(OUTPUT),)
        traces = follow(net, work, start, DURATION, output, tolerance=TOLERANCE, longest=LONGEST)
        return [_rate(spike_times(trace, below, high)) for trace in traces[: len(gates) - low]]

    return np.concatenate(in_threads(lot, range(0, len(gates), size)))


def _rate(spikes: Float[np.ndarray, " spikes"]) -> float:
    late = spikes[spikes > LATE * DURATION]
    return float((len(late) - 1) / (late[-1] - late[0])) if len(late) > 1 else 0.0
