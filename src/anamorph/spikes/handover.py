"""From the transient of the parts to the whole network's netlist: every node's voltage at one moment.

A general simulator that begins there begins in the middle of what the network does: it needs no operating point,
which an oscillating network does not have, and no time until filters have settled.
"""

from __future__ import annotations

from dataclasses import replace

from anamorph.spikes.netlist import BIAS_GATE, gate, has_biases, membrane, output
from anamorph.spikes.partition import GATE, MEMBRANE, OUTPUT
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.transient import LayerRun, NetworkTransient


def node_voltages(circuit: SpikingCircuit, found: NetworkTransient, image: int) -> dict[str, float]:
    """Where a transient ended, V, by the names of `anamorph.spikes.netlist.whole_network`; without supplies.

    Args:
        circuit: the network.
        found: its transient.
        image: of which of its images.
    """
    plain = {MEMBRANE: membrane, OUTPUT: output, GATE: gate}
    voltages = {}
    for index, layer in enumerate(found.layers):
        for name, values in layer.end.items():
            for neuron, value in enumerate(values[image].tolist()):
                if name in plain:
                    voltages[plain[name](index, neuron)] = value
                else:  # a node inside of the neuron or of its front end
                    instance, _, inner = name.partition(".")
                    voltages[f"{instance}{index}_{neuron}.{inner}"] = value
    gates = found.inputs.end[GATE][image].tolist()
    voltages |= {gate(-1, int(pixel)): value for pixel, value in zip(found.used, gates[:-1], strict=True)}
    return voltages | ({BIAS_GATE: gates[-1]} if has_biases(circuit) else {})


def of_image(found: NetworkTransient, image: int) -> NetworkTransient:
    """Where one of several images ended, so that it alone may go on from there; its spikes and energies with it."""

    def only(part: LayerRun) -> LayerRun:
        lanes = len(part.gates) // len(part.energy)
        return replace(
            part, spikes=part.spikes[image : image + 1], energy=part.energy[image : image + 1],
            gates=part.gates[image * lanes : (image + 1) * lanes],
            end={name: values[image : image + 1] for name, values in part.end.items()},
        )  # fmt: skip

    return replace(found, inputs=only(found.inputs), layers=tuple(only(layer) for layer in found.layers))
