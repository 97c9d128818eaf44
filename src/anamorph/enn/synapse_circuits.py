"""Synapses of this package as circuits, and their curves behind a neuron, by transients that are kept on disk.

The curve is current against the neuron's **own** rate at the same excitation, without a synapse as its load. So the
load, which slows a neuron by some per cent, is in the curve, and the neuron's own curve is the one to go with it.
"""

from __future__ import annotations

import numpy as np

from anamorph.cache import code_digest, kept_arrays
from anamorph.cell import synapse_compact, synapse_dpi, synapse_transconductor, synapse_ulp
from anamorph.characterise.neuron import Neuron, characterise_neuron
from anamorph.characterise.spiking import SynapseCurve
from anamorph.characterise.spiking_synapse import Synapse, SynapseMeasurement, characterise_synapse
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology

#: Width and length of the transistor whose size is the weight, nm, by the synapse's name. That the output stages of the
#: last two are made wider or narrower for a weight, in place of another v_w, is assumed.
LEGS = {
    "compact": synapse_compact.LEG,
    "dpi": synapse_dpi.OUTPUT,
    "transconductor": synapse_transconductor.CASCODE,
    "ulp": synapse_ulp.OUTPUT,
}
#: Excitation currents, A: beyond the paper's range, so that faster neurons than the nominal one find a current.
CURRENTS = np.concatenate([np.geomspace(3e-12, 1e-10, 12)[:-1], np.linspace(1e-10, 1e-9, 13), [1.2e-9, 1.5e-9, 2e-9]])
#: Packages that the figures depend on, the cells aside, which are in the key themselves.
CODE = ("characterise", "circuit", "device", "technology")


def synapse_circuit(name: str) -> Synapse:
    """One of `LEGS` with its ports and biases.

    Raises:
        BadInput: no such synapse.
    """
    cells = {
        "compact": lambda: Synapse(synapse_compact.compact_synapse()),
        "dpi": lambda: Synapse(synapse_dpi.dpi_synapse(), biases=synapse_dpi.BIASES),
        "transconductor": lambda: Synapse(
            synapse_transconductor.transconductor_synapse(), biases=synapse_transconductor.BIASES
        ),
        "ulp": lambda: Synapse(synapse_ulp.ulp_synapse(), biases=synapse_ulp.BIASES),
    }
    if name not in cells:
        raise BadInput(f"no synapse circuit named {name[:60]!r}", where="synapse", advice=nearest(name, cells))
    return cells[name]()


def curve_behind(name: str, neuron: Neuron, technology: Technology) -> SynapseCurve:
    """Mean current of a synapse against the own rate of the neuron that drives it.

    Args:
        name: one of `LEGS`.
        neuron: what drives it.
        technology: the process of both.

    Raises:
        BadInput: no such synapse, or a neuron that spikes at less than two of `CURRENTS`.
    """
    synapse = synapse_circuit(name)

    def make() -> dict[str, np.ndarray]:
        found = characterise_synapse(synapse, neuron, technology, CURRENTS)
        own = characterise_neuron(neuron, technology, CURRENTS).curve
        rate = np.where(own.spiking[0], own.f_spike[0], 0.0)
        return {
            "rate": np.concatenate([[0.0], rate]), "loaded": found.f_spike[0], "i_out": found.i_out[0],
            "ripple": found.ripple[0], "power": found.power[0], "converged": found.converged[0],
        }  # fmt: skip

    key = repr((synapse, neuron, technology.figures, CURRENTS.tolist(), code_digest(*CODE)))
    kept = kept_arrays("synapses", key, make)
    return SynapseMeasurement(
        np.concatenate([[0.0], CURRENTS]), kept["rate"][None], kept["i_out"][None], kept["ripple"][None],
        kept["power"][None], kept["converged"][None], technology.v_dd, 0.5 * technology.v_dd, float("nan"),
        f"transients of {synapse.cell.name} behind {neuron.cell.name} in {technology.name}",
    ).curve  # fmt: skip
