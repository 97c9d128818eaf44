"""Exact currents of many synapses at given node voltages: a small Newton solve each, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.assembly import Conditions, static_residual
from anamorph.circuit.compile import Circuit, Structure
from anamorph.circuit.linear import solve_partitioned
from anamorph.circuit.operating_point import operating_point
from anamorph.device.mosfet import T_REFERENCE
from anamorph.substrate.current_mirror.synapse_kernel import Around, newton
from anamorph.threads import in_threads

#: Rounds of a few Newton steps at most: points whose inner nodes float on leakage need tens of steps.
ROUNDS = 30
#: Points solved together: two sizes only, so two compilations.
CHUNK, SMALL_CHUNK = 2048, 512

#: Sizes that have been compiled: ``(points, transistors)``.
_compiled: set[tuple[int, int]] = set()


@dataclass(frozen=True)
class SynapsePoints:
    """Synapses with everything around them held, the batch on the last axis.

    Attributes:
        code: signed setting, ``[batch]``.
        v_p, v_n: gate voltages, V.
        v_out: of the fed node, V.
        deviations: of the threshold of every transistor, V.
    """

    code: Int[np.ndarray, " batch"]
    v_p: Float[np.ndarray, " batch"]
    v_n: Float[np.ndarray, " batch"]
    v_out: Float[np.ndarray, " batch"]
    deviations: Float[np.ndarray, "fets batch"]

    def pick(self, which: Int[np.ndarray, " some"]) -> SynapsePoints:
        """Some of the points."""
        return SynapsePoints(
            self.code[which], self.v_p[which], self.v_n[which], self.v_out[which], self.deviations[:, which]
        )

    def around(self, which: Int[np.ndarray, " some"]) -> Around:
        """Some of the points, as the kernel takes them."""
        return Around(
            self.code[which].astype(np.int32), self.v_p[which], self.v_n[which], self.v_out[which],
            np.take(self.deviations, which, axis=1),
        )  # fmt: skip

    def held(self, circuit: Circuit, v_dd: float) -> dict[str, np.ndarray]:
        """Potential of every port, V."""
        ports = {"v_p": self.v_p, "v_n": self.v_n, "i_out": self.v_out, "vdd": np.full(self.v_p.shape, v_dd)}
        ports["w_sign"] = np.where(self.code < 0, v_dd, 0.0)
        for port in circuit.voltage_sources:
            if port.startswith("w_") and port != "w_sign":
                ports[port] = np.where((np.abs(self.code) >> int(port[2:])) & 1, v_dd, 0.0)
        return {name: ports[name] for name in circuit.voltage_sources}


def resting_nodes(circuit: Circuit, v_dd: float, code: Int[np.ndarray, " batch"]) -> Float[np.ndarray, "nodes batch"]:
    """Where a synapse's inner nodes roughly are: rails at their supplies, the others where its branch pulls them."""
    rails = {"synapse.top": v_dd, "synapse.bottom": 0.0}
    pulled = np.where(code >= 0, v_dd, 0.0)
    return np.stack([np.full(code.shape, rails[n]) if n in rails else pulled for n in circuit.unknowns])


def synapse_currents(
    circuit: Circuit, v_dd: float, points: SynapsePoints, start: Float[np.ndarray, "nodes batch"]
) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "nodes batch"], Bool[np.ndarray, " batch"]]:
    """Current into the fed node (A), inner-node voltages and convergence of many synapses.

    All points take a few Newton steps; those whose last step was not small take a few more by themselves, and
    so on. A point that never settles is solved again from afar before it is given up.
    """
    found = synapse_solutions(circuit, v_dd, points, start)
    return found.current, found.nodes, found.exact


def synapse_solutions(
    circuit: Circuit, v_dd: float, points: SynapsePoints, start: Float[np.ndarray, "nodes batch"]
) -> Solutions:
    """The same with the slope of every current by the fed node's voltage."""
    found = _in_chunks(circuit, v_dd, points, start)
    left = np.flatnonzero(~found.exact)
    for method in (*[_in_chunks] * (ROUNDS - 1), _from_afar):
        if not left.size:
            break
        again = method(circuit, v_dd, points.pick(left), found.nodes[:, left])
        for whole, part in zip(found, again, strict=True):
            whole[..., left] = part
        left = left[~again.exact]
    return found


class Solutions(NamedTuple):
    """As `Found`, in memory that can be written to."""

    current: Float[np.ndarray, " batch"]
    slope: Float[np.ndarray, " batch"]
    nodes: Float[np.ndarray, "nodes batch"]
    exact: Bool[np.ndarray, " batch"]


def _from_afar(circuit: Circuit, v_dd: float, points: SynapsePoints, _: np.ndarray) -> Solutions:
    """Newton's method with continuation; the slope from one step at its end."""
    found = operating_point(circuit, points.held(circuit, v_dd), points.deviations.T)
    nodes, converged = np.asarray(found.voltages).T, np.asarray(found.converged)
    slope = _in_chunks(circuit, v_dd, points, nodes).slope
    return Solutions(-np.asarray(found.source_current("i_out")), slope, nodes, converged)


def _in_chunks(circuit: Circuit, v_dd: float, points: SynapsePoints, start: np.ndarray) -> Solutions:
    size = len(points.code)
    chunk = CHUNK if size > CHUNK // 2 else SMALL_CHUNK
    found = Solutions(np.empty(size), np.empty(size), np.empty(start.shape), np.empty(size, bool))
    supply = jnp.asarray(v_dd)

    def solve(low: int) -> None:
        index = np.minimum(np.arange(low, low + chunk), size - 1)  # the last chunk is filled with its last point
        own = newton(circuit.structure.mosfet, supply, points.around(index), np.take(start, index, axis=1))
        for whole, part in zip(found, own, strict=True):
            kept = whole[..., low : low + chunk]
            kept[...] = np.asarray(part)[..., : kept.shape[-1]]

    kind = (chunk, len(circuit.fets))
    in_threads(solve, range(0, size, chunk), warm=kind in _compiled)
    _compiled.add(kind)
    return found


def leans(
    circuit: Circuit, v_dd: float, points: SynapsePoints, nodes: Float[np.ndarray, "nodes batch"], gate: str
) -> Float[np.ndarray, "nodes knobs batch"]:
    """Change of the inner nodes with each transistor's threshold and, last, with one port's potential.

    To first order at a solution: ``dv/dk = -J^-1 dF/dk``.
    """
    held = np.stack(list(points.held(circuit, v_dd).values()))
    port, size = circuit.voltage_sources.index(gate), len(points.code)
    parts = []
    for low in range(0, size, SMALL_CHUNK):
        index = np.minimum(np.arange(low, low + SMALL_CHUNK), size - 1)
        given = _conditions(held[:, index], points.deviations[:, index])
        parts.append(np.asarray(_leans(circuit.structure, jnp.asarray(nodes[:, index]), given, port)))
    return np.concatenate(parts, -1)[..., :size]


def _conditions(held: np.ndarray, deviations: np.ndarray) -> Conditions:
    no_sources = jnp.zeros((0, held.shape[1]))
    return Conditions(jnp.asarray(held), no_sources, jnp.asarray(deviations), jnp.array([T_REFERENCE]))


@partial(jax.jit, static_argnames="port")
def _leans(structure: Structure, v: Array, given: Conditions, port: int) -> Array:
    fets, batch = given.deviations.shape

    def residual(knobs: Array) -> Array:
        moved = given._replace(deviations=given.deviations + knobs[:fets], held=given.held.at[port].add(knobs[fets]))
        return static_residual(structure, v, moved)[0][: structure.n_unknowns]

    units = jnp.broadcast_to(jnp.eye(fets + 1)[:, :, None], (fets + 1, fets + 1, batch))
    _, push = jax.linearize(residual, jnp.zeros((fets + 1, batch)))
    _, _, jacobian = static_residual(structure, v, given)
    changes = jax.lax.map(lambda unit: -solve_partitioned(structure, jacobian, push(unit)), units)
    return jnp.moveaxis(changes, 0, 1)
