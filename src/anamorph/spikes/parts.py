"""What a network of spiking circuits is put together from: neuron, front end of its synapses, legs, input diodes.

    input current -> diode -> gate
    neuron's spikes -> front end -> gate      gate -> leg of every synapse -> membrane of the next neuron

A gate is a node that one mirror's legs share. A leg is a p-channel transistor from the supply; its drain is the next
neuron's membrane, which it also loads. What the network has of its own is the size of every leg.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from anamorph.cell.eneuron_parts import fet
from anamorph.characterise.neuron import Neuron
from anamorph.circuit.netlist import Cell, Fet
from anamorph.errors import BadInput, nearest
from anamorph.network.spiking import Structure

NM = 1e-9


@dataclass(frozen=True)
class FrontEnd:
    """The part of a synapse that all synapses of a neuron share.

    Attributes:
        cell: the circuit; all its ports are named below.
        input: port that takes the neuron's spikes.
        gate: port at which the gates of all legs are.
        supply: port of the supply.

    Raises:
        BadInput: no such port, or a port without a purpose.
    """

    cell: Cell
    input: str = "v_pre"
    gate: str = "v_mirror"
    supply: str = "vdd"

    def __post_init__(self) -> None:
        where, ports = f"front end {self.cell.name}", self.cell.ports
        for port in (self.input, self.gate, self.supply):
            if port not in ports:
                raise BadInput(f"no port '{port}'", where=where, advice=nearest(port, ports))
        unused = set(ports) - {self.input, self.gate, self.supply}
        if unused:
            raise BadInput("a port without a purpose", where=where, got=", ".join(sorted(unused)))


class Sizes(NamedTuple):
    """Widths and lengths of transistors, m; zero width where there is none."""

    w: Float[np.ndarray, "*shape"]
    l: Float[np.ndarray, "*shape"]  # noqa: E741  (the field's own symbol)


@dataclass(frozen=True)
class SpikingCircuit:
    """A whole network of spiking circuits.

    Attributes:
        structure: neurons and synapses.
        neuron: the circuit of every neuron.
        front: of every neuron that has synapses; the last layer's neurons have none.
        synapses: legs of each layer, taps x neurons.
        biases: likewise, one per neuron.
        diode: width and length of an input's diode, and of the biases', m.
        unit: full-scale current of an input, and the constant current of the biases' diode, A.

    Raises:
        BadInput: legs that are not those of the structure, or a neuron with further ports.
    """

    structure: Structure
    neuron: Neuron
    front: FrontEnd
    synapses: tuple[Sizes, ...]
    biases: tuple[Sizes, ...]
    diode: tuple[float, float]
    unit: float

    def __post_init__(self) -> None:
        shapes = self.structure.shapes
        found = tuple(legs.w.shape for legs in self.synapses)
        if found != shapes or tuple(legs.w.shape for legs in self.biases) != tuple((n,) for _, n in shapes):
            raise BadInput("legs of another network", where="spiking circuit", expected=str(shapes), got=str(found))
        if self.neuron.biases:
            raise BadInput("a neuron with bias ports", where=f"neuron {self.neuron.cell.name}",
                           expected="input, output and supply alone")  # fmt: skip

    @property
    def legs(self) -> int:
        """How many legs there are."""
        return sum(int(np.count_nonzero(legs.w)) for legs in (*self.synapses, *self.biases))

    def sources(self, layer: int) -> np.ndarray:
        """The neuron, or input, behind each tap of each neuron of a layer, taps x neurons."""
        known, (taps, neurons) = self.structure.sources[layer], self.structure.shapes[layer]
        return np.tile(np.arange(taps)[:, None], (1, neurons)) if known is None else np.asarray(known)


def leg(name: str, gate: str, target: str, w: float, length: float) -> Fet:
    """A synapse's transistor; sizes in m."""
    return fet(name, target, gate, "vdd", w / NM, length / NM)


def diode(name: str, gate: str, size: tuple[float, float]) -> Fet:
    """The transistor whose gate an input current sets."""
    return fet(name, gate, gate, "vdd", size[0] / NM, size[1] / NM)
