"""A network of spiking neurons as a graph of the Neuromorphic Intermediate Representation (NIR).

    Input -> Affine -> IF -> Affine -> IF -> ... -> Output

NIR (Pedersen et al. 2024, doi:10.1038/s41467-024-52259-9) joins nodes whose dynamics are differential equations. A
layer of synapses becomes one matrix, with zeros where there is no synapse; biases are the affine part. A neuron becomes
an integrator that fires,

    dv/dt = r I,   spike and v = 0 where v > 1,   hence rate = r I

since no node of NIR saturates as these neurons do. `r` is the slope of the least-squares line through the origin of
the activation y(x). Time is counted in intervals of the spikes that y = 1 stands for, and currents in units of
`Activation.unit`, so that a spike carries exactly its weight and weights and biases are those of the network, bit for
bit. What the line loses is written into the graph's metadata, beside the curve itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from anamorph.characterise.activation import Activation
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.spiking import Structure, Weights
from anamorph.network.wiring import Wiring

#: Metadata of a matrix: the window that it was unrolled from, whether weights may be negative, bias synapses.
WINDOW, SIGNED, BIASED = "anamorph_window", "anamorph_signed", "anamorph_biased"
LOST = (
    "Each IF is a straight line through the origin in place of the neuron's curve (activation_x, activation_y), which "
    "has a threshold and saturates: expect far less accuracy than the network has. "
    "Mirrors' sizes, mismatch, temperature and supply are not in this graph."
)


def package() -> Any:
    """The module `nir`.

    Raises:
        BadInput: it is not installed.
    """
    try:
        import nir
    except ImportError:
        raise BadInput("the package nir is not installed", advice="pip install 'anamorph[nir]'") from None
    return nir


def line(activation: Activation) -> tuple[float, float, float]:
    """Slope of the least-squares line through the origin of y(x), x from 0 to 1, and what it is off by (RMS, most)."""
    x = np.linspace(0.0, 1.0, 4097)
    y = activation(x)
    slope = float(x @ y / (x @ x))
    off = slope * x - y
    return slope, float(np.sqrt(np.mean(off**2))), float(np.abs(off).max())


def to_nir(structure: Structure, weights: Weights, neuron: FrequencyCurve, activation: Activation) -> Any:
    """The graph, a ``nir.NIRGraph``.

    Args:
        structure: neurons and synapses.
        weights: of one network, without leading axes.
        neuron: curve of the nominal neuron, for the unit of time and the metadata.
        activation: of that neuron with its synapse.

    Raises:
        BadInput: weights of another shape or not finite, a neuron that never spikes, no package `nir`.
    """
    nir = package()
    _check(structure, weights)
    slope, rms, most = line(activation)
    nodes = {"input": nir.Input({"input": np.array([structure.layers[0]])})}
    for index, wiring in enumerate(structure.wirings):
        nodes[f"synapses_{index}"] = _synapses(
            nir, wiring, structure.biased[index], np.asarray(weights.synapses[index]), np.asarray(weights.biases[index])
        )
        one = np.ones(wiring.n_out)
        nodes[f"neurons_{index}"] = nir.IF(r=slope * one, v_threshold=one, v_reset=0 * one)
    nodes["output"] = nir.Output({"output": np.array([structure.layers[-1]])})
    names = list(nodes)
    about = {
        "made_by": "anamorph",
        "source": activation.source,
        "lost": LOST,
        "time_unit_s": np.array([1 / _fastest(neuron, activation.unit)]),
        "current_unit_a": np.array([activation.unit]),
        "line_off_rms_and_most": np.array([rms, most]),
        "activation_x": activation.x,
        "activation_y": activation.y[0],
        "i_ex_a": neuron.i_ex,
        "f_spike_hz": neuron.f_spike[0],
    }
    return nir.NIRGraph(nodes=nodes, edges=list(zip(names, names[1:], strict=False)), metadata=about)


def _fastest(neuron: FrequencyCurve, unit: float) -> float:
    rates = neuron.f_spike[0][neuron.spiking[0] & (neuron.i_ex <= unit * (1 + 1e-9))]
    if not rates.size:
        raise BadInput("the neuron never spikes", where=neuron.source[:120])
    return float(rates.max())


def _check(structure: Structure, weights: Weights) -> None:
    wanted = [*structure.shapes, *((n,) for n in structure.layers[1:])]
    found = [np.asarray(w) for w in (*weights.synapses, *weights.biases)]
    if [w.shape for w in found] != wanted:
        raise BadInput("weights of another shape", where="to_nir", expected=str(wanted)[:200],
                       got=str([w.shape for w in found])[:200])  # fmt: skip
    if not all(np.isfinite(w).all() for w in found):
        raise BadInput("a weight that is not finite", where="to_nir")


def _synapses(
    nir: Any, wiring: Wiring, biased: bool, taps: Float[np.ndarray, "taps neurons"], bias: Float[np.ndarray, " neurons"]
) -> Any:
    """One layer as the matrix ``[neurons, sources]`` of NIR."""
    about = {SIGNED: np.array([int(not wiring.positive)]), BIASED: np.array([int(biased)])}
    if isinstance(wiring, Convolution):
        matrix = np.zeros((wiring.n_out, wiring.n_in), taps.dtype)
        matrix[np.arange(wiring.n_out), wiring.sources] = taps
        about[WINDOW] = np.array([*wiring.image, *wiring.kernel, *wiring.stride, wiring.channels])
    else:
        matrix = np.ascontiguousarray(taps.T)
    if not biased and bias.dtype == taps.dtype and not any(bias.tobytes()):  # zeros without a sign
        return nir.Linear(weight=matrix, metadata=about)
    return nir.Affine(weight=matrix, bias=bias.copy(), metadata=about)
