"""A soma tabulated: what it does at each voltage of its input node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from anamorph.cell.current_mirror import soma
from anamorph.circuit.compile import Circuit
from anamorph.circuit.interpolation import Axis
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point

#: States covered, V: from a neuron pulled to ground to about 8 uA of input current.
STATE_RANGE = (-0.01, 0.58)
#: Nodes of a soma's curves.
STATE_NODES = 32
#: Somas' states solved together.
CHUNK = 8192


def soma_bench() -> Cell:
    """A soma with a voltage source at its input."""
    ports = {"i_in": "x", "v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}
    sources = (VoltageSource("x", "x"), VoltageSource("vdd", "vdd"))
    return Cell("soma_bench", (), (Instance("soma", soma(), ports), *sources))


def state_axis() -> Axis:
    """Voltages of the input node that are tabulated."""
    return Axis.make(*STATE_RANGE, STATE_NODES)


@dataclass(frozen=True)
class SomaCurves:
    """What a soma does at each state node: drives (V), supply current (A), ``[somas, nodes]``."""

    axis: Axis
    drive_p: Float[np.ndarray, "somas nodes"]
    drive_n: Float[np.ndarray, "somas nodes"]
    supply: Float[np.ndarray, "somas nodes"]
    converged: Bool[np.ndarray, " somas"]


def soma_curves(circuit: Circuit, v_dd: float, deviations: Float[np.ndarray, "somas fets"]) -> SomaCurves:
    """Solve somas over all states."""
    axis = state_axis()
    x = np.broadcast_to(np.asarray(axis.nodes), (len(deviations), STATE_NODES))
    # the mirrors follow their input within tens of millivolts: a start from which Newton needs few steps
    low = np.maximum(x, 0.03)
    guess = {"v_p": v_dd - low, "v_n": low}
    start = np.stack([guess[node] for node in circuit.unknowns], axis=-1)
    solved = operating_point(circuit, {"x": x, "vdd": v_dd}, deviations[:, None, :], start=start, chunk=CHUNK)
    return SomaCurves(
        axis,
        v_dd - np.asarray(solved.voltage("v_p")),
        np.asarray(solved.voltage("v_n")),
        np.asarray(solved.source_current("vdd")),
        np.atleast_1d(np.asarray(solved.converged).all(-1)),
    )
