"""Exact currents of many synapses at given node voltages: a small Newton solve each, all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.assembly import Conditions, static_residual
from anamorph.circuit.compile import Circuit, Structure
from anamorph.circuit.linear import solve_partitioned
from anamorph.circuit.operating_point import STEP_LIMIT, operating_point
from anamorph.device.mosfet import T_REFERENCE
from anamorph.threads import in_threads

#: Last Newton step at which a current is exact: the error left is its square over n U_T, below 0.1 uV.
TABLE_STEP = 5e-5
#: Newton steps of a round, enough for most points when their start knows the deviations to first order, and
#: rounds at most: points whose inner nodes float on leakage need tens of steps.
STEPS, ROUNDS = 2, 30
#: Points solved together: two sizes only, so two compilations.
CHUNK, SMALL_CHUNK = 8192, 1024


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
    held = np.stack(list(points.held(circuit, v_dd).values()))
    output = circuit.voltage_sources.index("i_out")
    current, nodes = np.zeros(held.shape[1]), start.copy()
    left = np.arange(held.shape[1])
    for method in (*[_in_chunks] * ROUNDS, _from_afar):
        part = (held[:, left], points.deviations[:, left], nodes[:, left])
        current[left], nodes[:, left], done = method(circuit, *part, output)
        left = left[~done]
        if not left.size:
            break
    converged = np.ones(held.shape[1], bool)
    converged[left] = False
    return current, nodes, converged


def _from_afar(circuit: Circuit, held: np.ndarray, deviations: np.ndarray, _: np.ndarray, output: int) -> tuple:
    drives = dict(zip(circuit.voltage_sources, held, strict=True))
    found = operating_point(circuit, drives, deviations.T)
    supplied = np.asarray(found.supplied)[:, output]
    return -supplied, np.asarray(found.voltages).T, np.asarray(found.converged)


def _in_chunks(
    circuit: Circuit, held: np.ndarray, deviations: np.ndarray, start: np.ndarray, output: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = held.shape[1]
    chunk = CHUNK if size > CHUNK // 4 else SMALL_CHUNK

    def solve(low: int) -> tuple[np.ndarray, ...]:
        index = np.minimum(np.arange(low, low + chunk), size - 1)  # the last chunk is filled with its last point
        given = _conditions(held[:, index], deviations[:, index])
        found = _output_currents(circuit.structure, jnp.asarray(start[:, index]), given, output)
        return jax.tree.map(np.asarray, found)

    parts = in_threads(solve, range(0, size, chunk))
    current, nodes, done = (np.concatenate(a, -1)[..., :size] for a in zip(*parts, strict=True))
    return current, nodes, done


@partial(jax.jit, static_argnames="output")
def _output_currents(structure: Structure, start: Array, given: Conditions, output: int) -> tuple[Array, Array, Array]:
    v, done = _few_steps(structure, start, given)
    leaving, _, _ = static_residual(structure, v, given)
    return -leaving[structure.n_unknowns + output], v, done


def _few_steps(structure: Structure, start: Array, given: Conditions) -> tuple[Array, Array]:
    """Newton's method is quadratic near its end, so the size of the last step tells the error after it."""

    def step(v: Array, _: Any) -> tuple[Array, Array]:
        leaving, _, jacobian = static_residual(structure, v, given)
        change = solve_partitioned(structure, jacobian, leaving[: structure.n_unknowns])
        return v - jnp.clip(change, -STEP_LIMIT, STEP_LIMIT), jnp.max(jnp.abs(change), axis=0)

    v, moved = jax.lax.scan(step, start, length=STEPS)
    return v, moved[-1] <= TABLE_STEP


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
