"""The whole network as one circuit: a transistor for every synapse, a diode for every input, sources at its top."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Cell, CurrentSource, Element, Fet, Instance, VoltageSource
from anamorph.errors import BadInput
from anamorph.spikes.parts import Sizes, SpikingCircuit, diode, leg

#: Name of the supply's source, and of the source that all biases come from.
SUPPLY, BIAS = "v_supply", "i_bias"
#: Gate of the biases' mirror.
BIAS_GATE = "g_bias"


def output(layer: int, neuron: int) -> str:
    """Node at which a neuron spikes; layers count from zero."""
    return f"out{layer}_{neuron}"


def membrane(layer: int, neuron: int) -> str:
    """Node into which a neuron's legs drive."""
    return f"vm{layer}_{neuron}"


def gate(layer: int, neuron: int) -> str:
    """Gate of the legs of a neuron; the inputs are layer -1."""
    return f"g_in{neuron}" if layer < 0 else f"g{layer}_{neuron}"


def whole_network(circuit: SpikingCircuit) -> Cell:
    """The network with its supply and inputs: `SUPPLY`, `BIAS` if any neuron has a bias, one source per used input."""
    return Cell("network", (), tuple(_elements(circuit)), note="Soupizet et al. 2023, figure 4")


def with_supplies(circuit: SpikingCircuit) -> tuple[Cell, tuple[str, ...]]:
    """The same with a supply of its own for every neuron with its legs and front end, and the names of their sources.

    A simulator that eliminates node by node fills its matrix where hundreds of transistors meet in one node.
    """
    elements, sources = [], [SUPPLY]
    for element in _elements(circuit):
        found = re.fullmatch(r"[ns](\d+_\d+)|MP[lb](\d+_\d+)(_\d+)?", element.name)
        if found is None:
            elements.append(element)
            continue
        own = f"vdd{found[1] or found[2]}"
        if f"v_{own}" not in sources:
            sources.append(f"v_{own}")
            elements.append(VoltageSource(f"v_{own}", own))
        if isinstance(element, Instance):
            nodes = {port: own if node == "vdd" else node for port, node in element.ports.items()}
            elements.append(replace(element, ports=nodes))
        elif isinstance(element, Fet):
            elements.append(replace(element, source=own, bulk=own))
    return Cell("network", (), tuple(elements)), tuple(sources)


def _elements(circuit: SpikingCircuit) -> list[Element]:
    elements: list[Element] = [VoltageSource(SUPPLY, "vdd")]
    if has_biases(circuit):
        elements += [CurrentSource(BIAS, BIAS_GATE), diode("MPd_bias", BIAS_GATE, circuit.diode)]
    for pixel in used_inputs(circuit):
        elements += [
            CurrentSource(input_source(pixel), gate(-1, pixel)),
            diode(f"MPd_in{pixel}", gate(-1, pixel), circuit.diode),
        ]
    layers = range(len(circuit.synapses))
    for layer in layers:
        for neuron in range(circuit.structure.shapes[layer][1]):
            elements += _neuron(circuit, layer, neuron, last=layer == layers[-1])
        elements += _legs(circuit, layer)
    return elements


def input_source(pixel: int) -> str:
    """Name of an input's source."""
    return f"i_in{pixel}"


def used_inputs(circuit: SpikingCircuit) -> tuple[int, ...]:
    """Inputs of which any synapse has a leg."""
    return tuple(int(p) for p in np.unique(circuit.sources(0)[circuit.synapses[0].w > 0]))


def drives(
    circuit: SpikingCircuit, inputs: Float[np.ndarray, " inputs"], v_dd: float, rise: float
) -> dict[str, tuple[list[float], list[float]]]:
    """What the sources do for one input vector: all rise from zero, the supply as well, within `rise`.

    Args:
        circuit: the network.
        inputs: from 0 to 1.
        v_dd: supply, V.
        rise: s.

    Raises:
        BadInput: inputs of another number, or outside 0 to 1.
    """
    expected = circuit.structure.layers[0]
    if inputs.shape != (expected,) or not ((inputs >= 0) & (inputs <= 1)).all():
        raise BadInput("not an input of this network", expected=f"{expected} numbers from 0 to 1",
                       got=f"shape {inputs.shape}")  # fmt: skip

    def ramp(value: float) -> tuple[list[float], list[float]]:
        return [0.0, rise], [0.0, value]

    found = {SUPPLY: ramp(v_dd)} | {
        input_source(p): ramp(-circuit.unit * float(inputs[p])) for p in used_inputs(circuit)
    }
    return found | ({BIAS: ramp(-circuit.unit)} if has_biases(circuit) else {})


def has_biases(circuit: SpikingCircuit) -> bool:
    """Whether any neuron has a bias leg."""
    return any(bool((legs.w > 0).any()) for legs in circuit.biases)


def _neuron(circuit: SpikingCircuit, layer: int, neuron: int, *, last: bool) -> Iterator[Element]:
    part, front = circuit.neuron, circuit.front
    nodes = {part.input: membrane(layer, neuron), part.output: output(layer, neuron), part.supply: "vdd"}
    yield Instance(f"n{layer}_{neuron}", part.cell, nodes)
    if not last:
        nodes = {front.input: output(layer, neuron), front.gate: gate(layer, neuron), front.supply: "vdd"}
        yield Instance(f"s{layer}_{neuron}", front.cell, nodes)


def _legs(circuit: SpikingCircuit, layer: int) -> Iterator[Element]:
    sources = circuit.sources(layer)

    def legs(sizes: Sizes) -> Iterator[tuple[tuple[int, ...], float, float]]:
        for place in zip(*np.nonzero(sizes.w), strict=True):
            yield tuple(int(p) for p in place), float(sizes.w[place]), float(sizes.l[place])

    for (tap, neuron), w, length in legs(circuit.synapses[layer]):
        given = gate(layer - 1, int(sources[tap, neuron]))
        yield leg(f"MPl{layer}_{neuron}_{tap}", given, membrane(layer, neuron), w, length)
    for (neuron,), w, length in legs(circuit.biases[layer]):
        yield leg(f"MPb{layer}_{neuron}", BIAS_GATE, membrane(layer, neuron), w, length)
