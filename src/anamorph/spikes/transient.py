"""The transient of a whole network, layer after layer, many images side by side.

    inputs' diodes -> gates -> layer 0 with its legs -> gates -> layer 1 with its legs -> ...

Kept: the legs' currents at the membrane's own voltage, what legs and their junctions load the membrane with, coupling
from gate to membrane, and the capacitance with which the legs of a neuron load their common gate.
Left out: that membranes couple back to that gate, through the overlap of gate and drain. `docs/spiking.md` says
what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from anamorph.circuit.dense import wiring
from anamorph.circuit.driven import Drives, Lot, Trace, follow
from anamorph.device.mosfet import T_REFERENCE, MosfetParameters
from anamorph.network.spike_record import SpikeRecord
from anamorph.spikes.partition import GATE, MEMBRANE, OUTPUT, SUPPLY, Part, input_part, layer_part, repeated
from anamorph.spikes.parts import SpikingCircuit
from anamorph.technology import Technology
from anamorph.threads import in_threads

#: Local error of a step, V.
TOLERANCE = 3e-4
#: Spacing of the gates' waveforms, and longest step, s: front ends smooth over more than that.
SPACING, LONGEST = 50e-9, 250e-9
#: How long the gates of inputs are followed, s, and by how little they must move in its last tenth to rest then, V:
#: a leg's current changes by less than a thousandth after that.
SETTLED, RESTS = 100e-6, 1e-5
#: Transients side by side in one thread.
LANES = 128
#: Moments at which the energy is kept.
MOMENTS = 200
#: A spike is a rise through the second part of the supply after the output was below the first.
LEVELS = (0.3, 0.5)
#: Signals that every layer has: the supply's voltage, and the gate of the biases.
V_DD, BIAS = 0, 1


@dataclass(frozen=True)
class Show:
    """How a network is shown its images.

    Attributes:
        stop: end of the transient, s.
        rise: within which the supply and the inputs' currents rise, from time zero on, s.
        tolerance: local error of a step in any node, V.
    """

    stop: float
    rise: float = 1e-7
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class LayerRun:
    """What is kept of a layer, or of the inputs' diodes.

    Attributes:
        spikes: times of each image's neurons, s.
        energy: given by the supply until each moment of the clock, J.
        gates: of each image's neurons' legs on the grid, V; none in the last layer.
        shown: of the first image, each neuron's trace: output, membrane, and gate (but in the last layer).
        end: voltage of every node at the end, by name in the neuron's circuit, V.
    """

    spikes: tuple[tuple[Float[np.ndarray, " _"], ...], ...]
    energy: Float[np.ndarray, "images moments"]
    gates: Float[np.ndarray, "lanes points"]
    shown: tuple[Trace, ...]
    end: Mapping[str, Float[np.ndarray, "images neurons"]]


@dataclass(frozen=True)
class NetworkTransient:
    """A whole network's.

    Attributes:
        inputs: the diodes of the used inputs, and of the biases last.
        used: which inputs those are.
        layers: in order.
        clock: moments of the energies, s.
    """

    inputs: LayerRun
    used: Int[np.ndarray, " used"]
    layers: tuple[LayerRun, ...]
    clock: Float[np.ndarray, " moments"]

    def record(self, layers: tuple[int, ...]) -> SpikeRecord:
        """Its spikes and energies.

        Args:
            layers: neurons of each layer.
        """
        trains = [
            (image, sum(layers[:index]) + neuron, train)
            for index, layer in enumerate(self.layers)
            for image, row in enumerate(layer.spikes)
            for neuron, train in enumerate(row)
        ]
        counts = [len(train) for _, _, train in trains]
        image = np.repeat(np.array([image for image, _, _ in trains], int), counts)
        neuron = np.repeat(np.array([neuron for _, neuron, _ in trains], int), counts)
        names = ["inputs", *(f"layer {k}" for k in range(len(layers)))]
        energy = {name: part.energy for name, part in zip(names, (self.inputs, *self.layers), strict=True)}
        return SpikeRecord.of_events(
            layers, len(self.inputs.energy), float(self.clock[-1]), image, neuron,
            np.concatenate([train for _, _, train in trains]), self.clock, energy, "transient of the circuit",
        )  # fmt: skip


def spike_times(trace: Trace, low: float, high: float, probe: int = 0) -> Float[np.ndarray, " spikes"]:
    """When a probe rises through `high` after it was below `low`, s."""
    v = trace.v[probe]
    rises = np.flatnonzero((v[:-1] < high) & (v[1:] >= high))
    below = np.concatenate([[0], np.cumsum(v < low)])
    armed = np.diff(below[np.concatenate([[0], rises + 1])]) > 0
    at = rises[armed]
    part = (high - v[at]) / (v[at + 1] - v[at])
    return trace.t[at] + part * (trace.t[at + 1] - trace.t[at])


def simulate(
    circuit: SpikingCircuit, technology: Technology, images: Float[np.ndarray, "images inputs"], show: Show,
    *, start: NetworkTransient | None = None, watch: Callable[[str], None] = lambda part: None,
) -> NetworkTransient:  # fmt: skip
    """Switch a network on, all of its nodes discharged, with images at its inputs.

    Without a supply everything rests at zero, so that any solver begins where this one does. With one there is no rest
    to begin from: legs leak enough to make a neuron spike.

    Args:
        circuit: the network.
        technology: its process.
        images: inputs from 0 to 1.
        show: for how long, and how.
        start: where another transient of the same images ended, to go on from there; supply and inputs are on.
        watch: told "inputs", then "layer 0" and so on as each begins.

    Raises:
        NotConverged: a neuron whose steps became too short.
    """
    run = _Run.until(show.stop, technology, show, len(images), start is not None)
    watch("inputs")
    part, used = input_part(circuit, technology)
    short, inputs = run.settled(part, circuit.unit, images[:, used], start and start.inputs)
    gates = inputs.gates.reshape(len(images), len(used) + 1, -1)
    # an input that no leg follows stays at the supply
    table = np.tile(short.supply, (2 + len(images) * circuit.structure.layers[0], 1))
    table[BIAS] = gates[0, -1]
    table[2:].reshape(len(images), -1, len(short.grid))[:, used] = gates[:, :-1]
    spacing, layers = short.grid[1], []
    constant = np.stack([run.supply, np.interp(run.grid, short.grid, table[BIAS])])
    for index in range(len(circuit.synapses)):
        watch(f"layer {index}")
        began = start and start.layers[index]
        part, sources = layer_part(circuit, technology, index), circuit.sources(index)
        layers.append(run.layer(part, sources, (table, spacing), began))
        if index + 1 < len(circuit.synapses):
            table, spacing = np.concatenate([constant, layers[-1].gates]), run.grid[1]
    return NetworkTransient(inputs, used, tuple(layers), run.clock)


@dataclass(frozen=True)
class _Run:
    """What all parts of a transient have in common."""

    technology: Technology
    show: Show
    grid: np.ndarray
    clock: np.ndarray
    images: int
    on: bool  # supply and inputs are on from the beginning

    @classmethod
    def until(cls, stop: float, technology: Technology, show: Show, images: int, on: bool) -> _Run:
        """With its grid and clock."""
        grid = np.linspace(0.0, stop, int(np.ceil(stop / SPACING)) + 1)
        return cls(technology, replace(show, stop=stop), grid, np.linspace(0.0, stop, MOMENTS + 1), images, on)

    def settled(
        self, part: Part, unit: float, values: Float[np.ndarray, "images used"], began: LayerRun | None
    ) -> tuple[_Run, LayerRun]:
        """The inputs' diodes until their gates rest, and the run on whose grid they are; energies go on evenly."""
        for stop in (min(SETTLED, self.show.stop), self.show.stop):
            run = _Run.until(stop, self.technology, self.show, self.images, self.on)
            found = run.inputs(part, unit, values, began)
            last = found.gates[:, -max(len(run.grid) // 10, 2) :]
            if stop == self.show.stop or np.ptp(last, axis=1).max() < RESTS:
                break
        power = (found.energy[:, -1] - found.energy[:, -2]) / (run.clock[-1] - run.clock[-2])
        beyond = np.maximum(self.clock - stop, 0.0)
        energy = np.stack([np.interp(self.clock, run.clock, e) for e in found.energy]) + power[:, None] * beyond
        return run, replace(found, energy=energy)

    @property
    def supply(self) -> Float[np.ndarray, " points"]:
        """On the grid, V."""
        return self.technology.v_dd * self._ramp(self.grid)

    def _ramp(self, t: np.ndarray) -> np.ndarray:
        return np.ones_like(t) if self.on else np.minimum(t / self.show.rise, 1.0)

    def inputs(self, part: Part, unit: float, values: Float[np.ndarray, "images used"], began: LayerRun | None):
        """The inputs' diodes and the biases', image by image."""
        each = np.concatenate([values, np.ones((len(values), 1))], axis=1).ravel()
        signals = np.concatenate([[self.technology.v_dd], -unit * each])
        table = signals[:, None] * self._ramp(np.array([0.0, self.show.rise]))
        lanes = repeated(part, self.images)
        held = np.zeros((len(part.circuit.held), lanes.lanes), int)
        return self._follow(lanes, (table, self.show.rise), held, 1 + np.arange(lanes.lanes)[None], (GATE,), began)

    def layer(
        self, part: Part, sources: Int[np.ndarray, "taps neurons"], signals: tuple[np.ndarray, float],
        began: LayerRun | None,
    ) -> LayerRun:  # fmt: skip
        """A layer's neurons, image by image, under gates; `signals` are their waveforms and the spacing of these."""
        taps, held_nodes = len(sources), part.circuit.held
        before = (len(signals[0]) - 2) // self.images
        held = np.full((len(held_nodes), self.images * part.lanes), V_DD)
        for tap in range(taps):
            signal = 2 + before * np.arange(self.images)[:, None] + sources[tap]
            held[held_nodes.index(f"g{tap}")] = signal.ravel()
        held[held_nodes.index(f"g{taps}")] = BIAS
        probes = (OUTPUT, MEMBRANE) + ((GATE,) if GATE in part.circuit.unknowns else ())
        none = np.zeros((0, held.shape[1]), int)
        return self._follow(repeated(part, self.images), signals, held, none, probes, began)

    def _follow(
        self, part: Part, signals: tuple[np.ndarray, float], held: Int[np.ndarray, "held lanes"],
        sources: Int[np.ndarray, "sources lanes"], probes: tuple[str, ...], began: LayerRun | None,
    ) -> LayerRun:  # fmt: skip
        """All lanes, `LANES` at a time; the last lot is filled up with its own last lane."""
        net, compiled, total = wiring(part.circuit, SUPPLY), part.circuit, part.lanes
        size = min(LANES, total)
        nodes = tuple(compiled.node(name) for name in probes)
        start = np.zeros((net.n_unknowns, total))
        if began is not None:
            start = np.stack([began.end[name].ravel() for name in compiled.unknowns])
        table, spacing = jnp.asarray(signals[0]), jnp.asarray(float(signals[1]))
        fixed = compiled.structure.conductance, compiled.structure.capacitance
        neurons = total // self.images

        def lot(low: int) -> list[tuple]:
            lanes = np.minimum(np.arange(low, low + size), total - 1)
            mosfet = MosfetParameters(**{name: jnp.asarray(p[:, lanes]) for name, p in part.parameters.items()})
            drives = Drives(table, spacing, jnp.asarray(held[:, lanes]), jnp.asarray(sources[:, lanes]))
            none = jnp.zeros((len(compiled.fets), size))
            work = Lot(mosfet, *fixed, none, jnp.full(size, T_REFERENCE), drives)
            traces = follow(
                net, work, jnp.asarray(start[:, lanes]), self.show.stop, nodes,
                tolerance=self.show.tolerance, longest=LONGEST,
            )  # fmt: skip
            return [self._kept(trace, probes, low + k < neurons) for k, trace in enumerate(traces[: total - low])]

        kept = [row for rows in in_threads(lot, range(0, total, size)) for row in rows]
        spikes, energy, gates, shown, end = zip(*kept, strict=True)
        per_image = [slice(k * neurons, (k + 1) * neurons) for k in range(self.images)]
        ends = np.array(end).reshape(self.images, neurons, -1)
        return LayerRun(
            tuple(spikes[k] for k in per_image),
            np.array([np.sum(energy[k], axis=0) for k in per_image]),
            np.array(gates),
            tuple(shown[:neurons]),
            {name: ends[:, :, k] for k, name in enumerate(compiled.unknowns)},
        )

    def _kept(self, trace: Trace, probes: tuple[str, ...], shown: bool) -> tuple:
        """Spikes, energy, gate, the trace if it is to be shown, and where it ended."""
        v_dd = self.technology.v_dd
        supply = v_dd * self._ramp(trace.t)
        given = np.concatenate([[0.0], np.cumsum(0.5 * (supply[1:] + supply[:-1]) * np.diff(trace.delivered))])
        low, high = (level * v_dd for level in LEVELS)
        spikes = spike_times(trace, low, high) if OUTPUT in probes else np.zeros(0)
        gate = trace.at(self.grid, probes.index(GATE)) if GATE in probes else np.zeros(0)
        return spikes, np.interp(self.clock, trace.t, given), gate, trace if shown else None, trace.end
