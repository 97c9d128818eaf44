"""The whole programmed chip as one netlist: layers of somas joined by matrices of synapses.

The first stage is a layer of somas, since only somas take currents; one more synapse per output neuron, set
to a weight of 1, turns the output voltages into currents (Binas et al. 2016, section 3.1).
"""

from __future__ import annotations

import numpy as np

from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit.netlist import GROUND, Cell, CurrentSource, Element, Instance, VoltageSource
from anamorph.substrate.current_mirror.built import ABSENT

#: Setting of the readout synapses: four units of about a quarter are a weight of 1; see `readout_code`.
READOUT_CODE = 4


def readout_code(n_bits: int) -> int:
    """Setting of the readout synapses of a chip: `READOUT_CODE`, or all bits where there are too few for it."""
    return min(READOUT_CODE, 2**n_bits - 1)


def chip(settings: tuple[np.ndarray, ...], n_bits: int) -> Cell:
    """The chip with its bits hard-wired to the rails.

    Somas are ``soma_L_J``, synapses ``synapse_L_J_K`` (from neuron J of layer L to neuron K of the next), readouts
    ``readout_K``. Sources: ``vdd``, ``i_in_J`` into each input neuron, and ``out_K`` holding each output.

    Args:
        settings: one integer matrix ``[n_in, n_out]`` per weight matrix; no synapse is made where it is `ABSENT`.
        n_bits: of every synapse.
    """
    soma_cell, synapse_cell = soma(), synapse(n_bits)
    shape = (settings[0].shape[0], *(s.shape[1] for s in settings))
    elements: list[Element] = [VoltageSource("vdd", "vdd")]
    for j in range(shape[0]):
        elements.append(CurrentSource(f"i_in_{j}", f"in_0_{j}"))
    for layer, n in enumerate(shape):
        elements += [_soma(soma_cell, layer, j) for j in range(n)]
    for layer, matrix in enumerate(settings):
        for j, k in np.argwhere(matrix != ABSENT).tolist():
            ports = _synapse_ports(int(matrix[j, k]), layer, j, f"in_{layer + 1}_{k}", n_bits)
            elements.append(Instance(f"synapse_{layer}_{j}_{k}", synapse_cell, ports))
    last = len(shape) - 1
    for k in range(shape[-1]):
        ports = _synapse_ports(readout_code(n_bits), last, k, f"out_{k}", n_bits)
        elements.append(Instance(f"readout_{k}", synapse_cell, ports))
        elements.append(VoltageSource(f"out_{k}", f"out_{k}"))
    return Cell("chip", (), tuple(elements))


def _soma(cell: Cell, layer: int, j: int) -> Instance:
    place = f"{layer}_{j}"
    ports = {"i_in": f"in_{place}", "v_p": f"v_p_{place}", "v_n": f"v_n_{place}", "vdd": "vdd"}
    return Instance(f"soma_{place}", cell, ports)


def _synapse_ports(code: int, layer: int, j: int, target: str, n_bits: int) -> dict[str, str]:
    bits = {f"w_{b}": "vdd" if (abs(code) >> b) & 1 else GROUND for b in range(n_bits)}
    sign = {"w_sign": "vdd" if code < 0 else GROUND}
    gates = {"v_p": f"v_p_{layer}_{j}", "v_n": f"v_n_{layer}_{j}"}
    return {**gates, "i_out": target, **sign, **bits, "vdd": "vdd"}


def switch_bits(settings: np.ndarray, n_bits: int) -> np.ndarray:
    """Bits as the chip's latches hold them, ``[..., n_bits + 1]``: w_sign, then w_0 (LSB) upwards."""
    magnitude = np.abs(settings)[..., None] >> np.arange(n_bits) & 1
    return np.concatenate([(settings < 0)[..., None].astype(int), magnitude], axis=-1)
