"""Small-signal analysis: a circuit linearised at its operating point.

    (G + s C) v = i,     H(s) = c^T (G + s C)^-1 b

G and C are the exact derivatives of the currents and charges of all elements by all node voltages, as the solver's own
equations give them. Held nodes are inputs: b is minus their column of G + s C. Small circuits only: matrices are dense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from anamorph.circuit.assembly import Conditions
from anamorph.circuit.compile import Circuit
from anamorph.circuit.operating_point import Reals, Solution, conditions, operating_point
from anamorph.circuit.port_capacitance import nodal_matrices
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, nearest

#: Node name -> factor: the sum that is looked at or driven, such as ``{"out_p": 1.0, "out_n": -1.0}``.
Combination = Mapping[str, float]
Frequencies = Float[np.ndarray, " frequencies"]


@dataclass(frozen=True)
class Linear:
    """A circuit linearised at a batch of operating points.

    Attributes:
        solution: the operating points.
        given: what each sample is subject to, the batch flattened on the last axis.
        conductance: G, ``[*batch, nodes, nodes]``, S; unknowns first, then held nodes. Row: the node that current
            leaves.
        capacitance: C, likewise, F.
    """

    solution: Solution
    given: Conditions
    conductance: Float[np.ndarray, "*batch nodes nodes"]
    capacitance: Float[np.ndarray, "*batch nodes nodes"]

    @property
    def circuit(self) -> Circuit:
        """What was linearised."""
        return self.solution.circuit

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch."""
        return self.conductance.shape[:-2]

    def output(self, combination: Combination) -> Float[np.ndarray, " unknowns"]:
        """c, the row that picks a combination of unknown nodes.

        Raises:
            BadInput: no such node.
        """
        row = np.zeros(self.circuit.structure.n_unknowns)
        for node, factor in combination.items():
            row[self.circuit.node(node)] = factor
        return row

    def drive(self, combination: Combination) -> tuple[np.ndarray, np.ndarray]:
        """Columns of G and C that a combination of held nodes drives, ``[*batch, unknowns]`` each, with their sign.

        Raises:
            BadInput: no such held node.
        """
        n = self.circuit.structure.n_unknowns
        row = np.zeros(len(self.circuit.held))
        for node, factor in combination.items():
            if node not in self.circuit.held:
                raise BadInput(f"no held node '{node}'", advice=nearest(node, self.circuit.held))
            row[self.circuit.held.index(node)] = factor
        return -self.conductance[..., :n, n:] @ row, -self.capacitance[..., :n, n:] @ row


def linearise(
    circuit: Circuit,
    drives: Mapping[str, Reals | float],
    deviations: Reals | None = None,
    *,
    temperature: float = T_REFERENCE,
    start: Reals | None = None,
    charges: bool = True,
) -> Linear:
    """Operating points of `circuit` and its matrices there; arguments as `operating_point` takes them.

    Args:
        circuit: compiled netlist.
        drives: value of every source.
        deviations: threshold deviation of every transistor, V.
        temperature: K.
        start: node voltages to start from.
        charges: False counts the netlist's capacitors alone and leaves out the transistors' charges, as a
            calculation by hand does.

    Raises:
        NotConverged: an operating point was not found.
        BadInput: as `operating_point`.
    """
    solution = operating_point(circuit, drives, deviations, temperature=temperature, start=start).require_converged()
    given, shape = conditions(circuit, drives, deviations, temperature)
    n = circuit.structure.n_unknowns
    unknowns = jnp.reshape(solution.voltages, (-1, n)).T
    g, c = (np.asarray(m) for m in nodal_matrices(circuit.structure, unknowns, given))
    if not charges:
        c = np.broadcast_to(_capacitors(circuit), c.shape)
    return Linear(solution, given, g.reshape(shape + g.shape[1:]), c.reshape(shape + c.shape[1:]))


def _capacitors(circuit: Circuit) -> Float[np.ndarray, "nodes nodes"]:
    """C of the netlist's capacitors alone."""
    s = circuit.structure
    table = np.zeros((s.n_nodes, s.n_nodes))
    for (a, b), farad in zip(np.asarray(s.capacitor_nodes), np.asarray(s.capacitance), strict=True):
        table[a, a] += farad
        table[b, b] += farad
        table[a, b] -= farad
        table[b, a] -= farad
    return table[:-1, :-1]


def transfer(
    linear: Linear, drive: Combination, output: Combination, frequency: Frequencies
) -> Complex[np.ndarray, "*batch frequencies"]:
    """H at `frequency` (Hz): volts at `output` per volt of `drive`, a combination of held nodes.

    Raises:
        BadInput: no such node.
    """
    g, c = _inner(linear)
    b_g, b_c = linear.drive(drive)
    row = linear.output(output)
    found = [
        np.linalg.solve(g + s * c, (b_g + s * b_c)[..., None])[..., 0] @ row for s in 2j * np.pi * np.asarray(frequency)
    ]
    return np.stack(found, axis=-1)


def impedances(linear: Linear, output: Combination, frequency: Frequencies) -> Complex[np.ndarray, "*batch f nodes"]:
    """Volts at `output` per ampere *into* each node, ground last, by one transposed solve per frequency (the adjoint).

    Held nodes and ground answer with zero: what is driven into an ideal source changes nothing.
    """
    g, c = (np.swapaxes(m, -1, -2) for m in _inner(linear))
    row = linear.output(output).astype(complex)
    right = np.broadcast_to(row, (*linear.batch, len(row)))[..., None]
    found = [np.linalg.solve(g + s * c, right)[..., 0] for s in 2j * np.pi * np.asarray(frequency)]
    columns = np.stack(found, axis=-2)
    missing = linear.circuit.structure.n_nodes - columns.shape[-1]
    return np.concatenate([columns, np.zeros((*columns.shape[:-1], missing))], axis=-1)


def _inner(linear: Linear) -> tuple[np.ndarray, np.ndarray]:
    n = linear.circuit.structure.n_unknowns
    return linear.conductance[..., :n, :n], linear.capacitance[..., :n, :n]


def bandwidth(
    linear: Linear,
    drive: Combination | None,
    output: Combination,
    passband: Array | np.ndarray | float,
    *,
    steps: int = 40,
) -> Float[np.ndarray, "*batch"]:
    """Frequency above `passband` (Hz, scalar or per sample) where |H| has fallen to 1/sqrt(2) of its value there, Hz.

    Without `drive`, of the output's impedance: volts at `output` for a current through the same combination.

    Found by bracketing in octaves, then bisection in the logarithm: `steps` halvings of an octave. NaN where |H| does
    not fall that far within 60 octaves.
    """
    low = np.broadcast_to(np.asarray(passband, float), linear.batch).copy()
    reference = _magnitude(linear, drive, output, low) / np.sqrt(2)
    high, found = low.copy(), np.zeros(linear.batch, bool)
    for _ in range(60):
        fallen = _magnitude(linear, drive, output, 2 * high) < reference
        low = np.where(found, low, high)
        high = np.where(found, high, 2 * high)
        found |= fallen
        if found.all():
            break
    for _ in range(steps):
        middle = np.sqrt(low * high)
        fallen = _magnitude(linear, drive, output, middle) < reference
        low, high = np.where(fallen, low, middle), np.where(fallen, middle, high)
    return np.where(found, np.sqrt(low * high), np.nan)


def _magnitude(linear: Linear, drive: Combination | None, output: Combination, frequency: np.ndarray) -> np.ndarray:
    """|H| at one frequency per sample."""
    g, c = _inner(linear)
    row = linear.output(output)
    s = 2j * np.pi * frequency[..., None]
    b_g, b_c = (row, 0.0) if drive is None else linear.drive(drive)
    right = np.broadcast_to(b_g + s * b_c, (*linear.batch, len(row)))
    return np.abs(np.linalg.solve(g + s[..., None] * c, right[..., None])[..., 0] @ row)
