"""The network of a run folder as circuits: its neuron, the compact synapse, and a leg for every weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from anamorph import technology
from anamorph.cell.synapse_compact import compact_front
from anamorph.enn.curves import CIRCUITS, circuit
from anamorph.enn.experiment import SpikingExperiment, load
from anamorph.enn.flow import characterised, lookups, mirror_rules
from anamorph.enn.nir_export import kept_weights
from anamorph.enn.run import WEIGHTS
from anamorph.enn.variation import Curves
from anamorph.errors import BadInput
from anamorph.kept_stages import Stages
from anamorph.network.spiking import Lookup, Structure, Weights, mnist_structure
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.spikes.parts import FrontEnd, SpikingCircuit
from anamorph.spikes.sizing import size_legs
from anamorph.technology import Technology

#: Knots of a curve between x = 0 and 1.
KNOTS = 1025


@dataclass(frozen=True)
class RunCircuit:
    """A run's network at every level that there is of it.

    Attributes:
        experiment: of the run.
        technology: card of its transistors.
        structure: neurons and synapses.
        weights: as its geometries make them.
        curves: of neuron and synapse.
        circuit: transistors.
        activations: of each layer's neurons, as training saw them.
        rates: of each layer's neurons against x, Hz, likewise.
        in_circuit: whether those were measured in the network.
    """

    experiment: SpikingExperiment
    technology: Technology
    structure: Structure
    weights: Weights
    curves: Curves
    circuit: SpikingCircuit
    activations: tuple[Lookup, ...]
    rates: tuple[Lookup, ...]
    in_circuit: bool = False


def circuit_of_run(run: Path) -> RunCircuit:
    """Read a run folder and size its legs.

    Raises:
        BadInput: no run folder of a spiking network, a neuron without a circuit, inhibitory synapses, scaled mirrors.
    """
    experiment = load(str(run / EXPERIMENT))
    where = str(run)
    if experiment.neuron not in CIRCUITS:
        raise BadInput("a neuron that is a curve has no circuit", where=where, expected=", ".join(CIRCUITS),
                       got=experiment.neuron[:80])  # fmt: skip
    if experiment.synapse != "compact" and not experiment.synapse.endswith(".csv"):
        raise BadInput("its weights are for another synapse than the circuit has", where=where, expected="compact",
                       got=experiment.synapse[:80], advice="Run it with --set synapse=compact.")  # fmt: skip
    if experiment.inhibitory or experiment.mirror_scale != 1:
        raise BadInput("this network has no circuit yet", where=where,
                       expected="inhibitory = false and mirror_scale = 1")  # fmt: skip
    structure = mnist_structure(experiment.inhibitory)
    weights = kept_weights(run / WEIGHTS, structure)
    card = technology.load(experiment.technology)
    with RunFolder(run) as folder:
        curves = characterised(experiment, Stages(folder))
    synapses, biases, diode = size_legs(weights, curves.activation, mirror_rules(experiment), card)
    parts = SpikingCircuit(
        structure, circuit(experiment.neuron), FrontEnd(compact_front()), synapses, biases, diode,
        curves.activation.unit,
    )  # fmt: skip
    seen, layers = lookups(curves, experiment.through)[1], len(structure.wirings)
    neuron, x = curves.neuron, np.linspace(0.0, 1.0, KNOTS)
    f = np.interp(x * curves.activation.unit, np.r_[0.0, neuron.i_ex], np.r_[0.0, neuron.f_spike[0]])
    return RunCircuit(experiment, card, structure, weights, curves, parts, (seen,) * layers, (Lookup(f),) * layers)


def with_weights(
    run: RunCircuit, weights: Weights, activations: tuple[Lookup, ...], rates: tuple[Lookup, ...]
) -> RunCircuit:
    """The same network with other weights, trained through activations that were measured in it."""
    synapses, biases, diode = size_legs(weights, run.curves.activation, mirror_rules(run.experiment), run.technology)
    parts = replace(run.circuit, synapses=synapses, biases=biases, diode=diode)
    return replace(run, weights=weights, circuit=parts, activations=activations, rates=rates, in_circuit=True)
