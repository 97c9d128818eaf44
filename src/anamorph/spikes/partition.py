"""A network of spiking circuits cut into small circuits: every neuron with its legs, every input with its diode.

The network is feedforward, and a gate that many legs share takes little back from each membrane. So a neuron's circuit
has the gates of its legs as held nodes, whose voltages the layer before has found. The gate of its own synapses is
loaded by all of their legs as one transistor between held nodes, which conducts nothing and has their capacitance.

All neurons of a layer are the same circuit with legs of other sizes: lanes of one compiled code. A synapse without a
leg is one that neither conducts nor stores charge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.netlist import Cell, CurrentSource, Element, Fet, Instance, VoltageSource
from anamorph.spikes.parts import NM, Sizes, SpikingCircuit, diode, leg
from anamorph.technology import Technology

#: Nodes of the supply, and of drain and bulk, and of source, of the legs that load a gate.
SUPPLY, LOAD_DRAIN, LOAD_SOURCE = "vdd", "load_drain", "load_source"
GATE, OUTPUT, MEMBRANE = "gate", "out", "v_m"
#: Any leg, before it gets its size.
_ANY = (324 * NM, 60 * NM)
#: What conducts, and what stores charge.
_EXTENSIVE = ("i_spec", "c_gate", "c_overlap", "c_junction_drain", "c_junction_source")


@dataclass(frozen=True)
class Part:
    """One small circuit in many sizes.

    Attributes:
        circuit: compiled.
        parameters: of every transistor in every lane, by name.
    """

    circuit: Circuit
    parameters: dict[str, Float[np.ndarray, "fets lanes"]]

    @property
    def lanes(self) -> int:
        """How many there are."""
        return self.parameters["i_spec"].shape[1]


def input_part(circuit: SpikingCircuit, technology: Technology) -> tuple[Part, np.ndarray]:
    """The diodes of all used inputs, and of the biases last; and which inputs those are."""
    loads = [_load(circuit, technology, 0, k) for k in range(circuit.structure.layers[0])]
    used = np.flatnonzero([c_gate > 0 for c_gate, _ in loads])
    cell = Cell("input", (), (
        VoltageSource("v_supply", SUPPLY), CurrentSource("i_in", GATE), diode("MPd", GATE, circuit.diode),
        *_load_elements(),
    ))  # fmt: skip
    part = _plain(cell, technology, len(used) + 1)
    _put_load(part, [*(loads[k] for k in used), _total(technology, circuit.biases)])
    return part, used


def layer_part(circuit: SpikingCircuit, technology: Technology, layer: int) -> Part:
    """All neurons of a layer. Held nodes ``g0 ..`` are the gates of its taps, and of the bias last."""
    neurons = circuit.structure.shapes[layer][1]
    synapses, bias = circuit.synapses[layer], circuit.biases[layer]
    legs = Sizes(*(np.concatenate([s, b[None]]) for s, b in zip(synapses, bias, strict=True)))
    last = layer + 1 == len(circuit.synapses)
    part = _plain(_neuron_cell(circuit, len(legs.w), last), technology, neurons)
    for tap, sizes in enumerate(zip(*legs, strict=True)):
        _put_legs(part, part.circuit.fets.index(f"MPl{tap}"), technology, *sizes)
    if not last:
        _put_load(part, [_load(circuit, technology, layer + 1, k) for k in range(neurons)])
    return part


def repeated(part: Part, times: int) -> Part:
    """All lanes again and again: one neuron after the other, image after image."""
    return replace(part, parameters={name: np.tile(p, (1, times)) for name, p in part.parameters.items()})


def _neuron_cell(circuit: SpikingCircuit, legs: int, last: bool) -> Cell:
    neuron, front = circuit.neuron, circuit.front
    elements: list[Element] = [
        VoltageSource("v_supply", SUPPLY),
        Instance("n", neuron.cell, {neuron.input: MEMBRANE, neuron.output: OUTPUT, neuron.supply: SUPPLY}),
    ]
    for tap in range(legs):
        elements += [VoltageSource(f"v_g{tap}", f"g{tap}"), leg(f"MPl{tap}", f"g{tap}", MEMBRANE, *_ANY)]
    if not last:
        nodes = {front.input: OUTPUT, front.gate: GATE, front.supply: SUPPLY}
        elements += [Instance("s", front.cell, nodes), *_load_elements()]
    return Cell("neuron_with_legs", (), tuple(elements))


def _load_elements() -> tuple[Element, ...]:
    """All legs of a gate as one: held at the supply on all sides."""
    return (
        VoltageSource("v_load_drain", LOAD_DRAIN),
        VoltageSource("v_load_source", LOAD_SOURCE),
        Fet("MPload", "p", LOAD_DRAIN, GATE, LOAD_SOURCE, LOAD_DRAIN, *_ANY),
    )


def _load(circuit: SpikingCircuit, technology: Technology, layer: int, source: int) -> tuple[float, float]:
    """Gate and overlap capacitance of all legs of a layer that one source drives, F."""
    legs, behind = circuit.synapses[layer], circuit.sources(layer)
    mine = behind == source
    return _total(technology, (Sizes(legs.w[mine], legs.l[mine]),))


def _total(technology: Technology, parts: Sequence[Sizes]) -> tuple[float, float]:
    sizes = [pair for part in parts for pair in zip(part.w.ravel(), part.l.ravel(), strict=True) if pair[0] > 0]
    rows = [technology.mosfet(leg("MP", "g", "d", float(w), float(length))) for w, length in sizes]
    return float(sum(p.c_gate for p in rows)), float(sum(p.c_overlap for p in rows))


def _plain(cell: Cell, technology: Technology, lanes: int) -> Part:
    compiled = compile_cell(cell, technology)
    fields = compiled.structure.mosfet._asdict()
    return Part(compiled, {name: np.repeat(np.asarray(p)[:, None], lanes, axis=1) for name, p in fields.items()})


def _put_legs(part: Part, row: int, technology: Technology, w: np.ndarray, length: np.ndarray) -> None:
    for lane in range(part.lanes):
        if w[lane] > 0:
            found = technology.mosfet(leg("MP", "g", "d", float(w[lane]), float(length[lane])))
            for name, value in found._asdict().items():
                part.parameters[name][row, lane] = value
        else:
            for name in _EXTENSIVE:
                part.parameters[name][row, lane] = 0.0


def _put_load(part: Part, loads: Sequence[tuple[float, float]]) -> None:
    row = part.circuit.fets.index("MPload")
    part.parameters["c_gate"][row], part.parameters["c_overlap"][row] = np.array(loads).T
