"""A network of spiking neurons from a graph of NIR: what this substrate can carry, and nothing else.

It can carry one chain of layers, each of synapses (`Linear`, `Affine`, `Conv2d` without padding) and of neurons (`IF`,
`LIF`) that all are alike, since they are copies of one circuit. A convolution's shared kernel becomes one synapse for
every use of it. Which curve a neuron has is the circuit's: the parameters of `IF` and `LIF` are read and reported, and
the substrate's own neuron takes their place.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anamorph.errors import BadInput, nearest
from anamorph.network.nir_chain import chain
from anamorph.network.nir_file import read_nir
from anamorph.network.nir_graph import package
from anamorph.network.nir_layers import Layer, convolution, matrix, numbers
from anamorph.network.spiking import Structure, Weights

#: Types of nodes that can be carried.
SYNAPSES, NEURONS = ("Linear", "Affine", "Conv2d"), ("IF", "LIF")
CARRIED = ("Input", *SYNAPSES, *NEURONS, "Flatten", "Output")
_NO_TIME = "Synapses here have no time constant: use LIF, or IF."
_WHY = {
    "CubaLIF": _NO_TIME,
    "CubaLI": _NO_TIME,
    "SumPool2d": "Write it as a Conv2d with a kernel of ones, and neurons after it.",
    "AvgPool2d": "Write it as a Conv2d with equal weights, and neurons after it.",
    "Scale": "Multiply the weights before or after it.",
    "NIRGraph": "Write its nodes into the graph itself.",
    "Delay": "A current mirror does not delay.",
}


class NirNeurons(NamedTuple):
    """What a graph says of a layer's neurons, in its own units; `tau` and `v_leak` are None for `IF`."""

    kind: str
    r: float
    v_threshold: float
    v_reset: float
    tau: float | None = None
    v_leak: float | None = None


class Imported(NamedTuple):
    """A network that this substrate can carry.

    Attributes:
        structure: neurons and synapses.
        weights: as in the graph, bit for bit.
        neurons: of each layer, as the graph describes them.
    """

    structure: Structure
    weights: Weights
    neurons: tuple[NirNeurons, ...]


def from_nir(source: Any) -> Imported:
    """Structure and weights of a graph.

    Args:
        source: a ``nir.NIRGraph``, or the path of a file.

    Raises:
        BadInput: no graph; a node that this substrate cannot carry, by its name; nodes that do not form one chain;
            shapes that do not fit; numbers that are not finite.
    """
    nir = package()
    graph = read_nir(Path(source), refuse) if isinstance(source, str | Path) else source
    if not isinstance(graph, nir.NIRGraph):
        raise BadInput("not a graph", where="from_nir", expected="a nir.NIRGraph or a path", got=repr(source)[:80])
    for name, node in graph.nodes.items():
        refuse(str(name), type(node).__name__)
    layers, neurons, waiting = [], [], None
    shape: tuple[int, ...] = ()
    for name, node in chain(graph):
        kind, where = type(node).__name__, f"node {name[:60]!r}"
        if kind in SYNAPSES and waiting is None:
            waiting = convolution(where, node, shape) if kind == "Conv2d" else matrix(where, node, shape)
            shape = waiting.shape
        elif kind in NEURONS and waiting is not None:
            neurons.append(_neurons(where, node, shape))
            layers, waiting = [*layers, waiting], None
        elif kind == "Flatten":
            shape = _flat(where, node, shape)
        elif kind == "Input":
            shape = _input(where, node)
        elif kind == "Output" and waiting is None:
            _same(where, node.output_type["output"], shape)
        else:
            wanted = SYNAPSES if waiting is None else NEURONS
            raise BadInput("synapses and neurons must take turns", where=where, expected=" or ".join(wanted), got=kind)
    return Imported(*_network(layers), tuple(neurons))


def refuse(name: str, kind: str) -> None:
    """Refuse a node that cannot be carried.

    Raises:
        BadInput: with the node's name and type.
    """
    if kind not in CARRIED:
        raise BadInput("this substrate has no such node", where=f"node {name[:60]!r}", expected=", ".join(CARRIED),
                       got=kind[:60], advice=_WHY.get(kind) or nearest(kind[:60], CARRIED))  # fmt: skip


def _network(layers: list[Layer]) -> tuple[Structure, Weights]:
    if not layers:
        raise BadInput("a graph without a layer of synapses and neurons", where="from_nir")
    structure = Structure(tuple(one.wiring for one in layers), tuple(one.biased for one in layers))
    return structure, Weights(tuple(one.taps for one in layers), tuple(one.bias for one in layers))


def _input(where: str, node: Any) -> tuple[int, ...]:
    sizes = np.asarray(node.input_type["input"])
    good = sizes.shape in ((1,), (3,)) and sizes.dtype.kind in "iu" and sizes.min() > 0
    if not good or math.prod(sizes.tolist()) >= 2**24:
        raise BadInput("not a shape of inputs", where=where, expected="[n], or [channels, height, width]",
                       got=str(node.input_type["input"])[:80])  # fmt: skip
    return tuple(int(n) for n in sizes)


def _flat(where: str, node: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    first, last = int(node.start_dim), int(node.end_dim)
    if first != 0 or last not in (-1, len(shape) - 1):
        raise BadInput("only all dimensions can be flattened", where=where, expected="start_dim 0 and end_dim -1",
                       got=f"{first} and {last}")  # fmt: skip
    return (math.prod(shape),)


def _same(where: str, sizes: Any, shape: tuple[int, ...]) -> None:
    found = np.asarray(sizes)
    if found.ndim != 1 or found.tolist() != list(shape):
        raise BadInput("shapes do not chain", where=where, expected=str(list(shape)), got=str(sizes)[:80])


def _neurons(where: str, node: Any, shape: tuple[int, ...]) -> NirNeurons:
    kind = type(node).__name__
    found = {}
    for name in ("r", "v_threshold", "v_reset") + (("tau", "v_leak") if kind == "LIF" else ()):
        values = numbers(f"{where}: {name}", getattr(node, name))
        _same(f"{where}: {name}", values.shape, shape)
        if (values != values.flat[0]).any():
            raise BadInput("neurons of a layer differ", where=f"{where}: {name}", expected="one value for all of them",
                           got=f"{values.min():g} to {values.max():g}",
                           advice="They are copies of one circuit: move what differs into the weights.")  # fmt: skip
        found[name] = float(values.flat[0])
    for name, fine in {
        "r": found["r"] > 0,
        "tau": found.get("tau", 1.0) > 0,
        "v_threshold": found["v_threshold"] > max(found["v_reset"], found.get("v_leak", -math.inf)),
    }.items():
        if not fine:
            raise BadInput("a neuron that excitation does not make fire", where=f"{where}: {name}",
                           expected="r and tau above 0, v_threshold above v_reset and v_leak",
                           got=f"{found[name]:g}")  # fmt: skip
    return NirNeurons(kind, **found)
