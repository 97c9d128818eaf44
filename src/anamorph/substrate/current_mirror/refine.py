"""Defect correction: what the interpolated synapses get wrong, found by solving them exactly."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.feedforward import Coefficients, Drives, Region, summed_series
from anamorph.circuit.interpolation import series
from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.built import ABSENT
from anamorph.substrate.current_mirror.chip import readout_code
from anamorph.substrate.current_mirror.run import (
    V_READ,
    DieTables,
    LayerState,
    input_layer,
    next_layer,
    readout,
)
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.substrate.current_mirror.synapse_space import HIGH_RANGE, LOW_RANGE, NEGATIVE, POSITIVE
from anamorph.substrate.current_mirror.synapses import SynapsePoints, resting_nodes, synapse_currents


@dataclass(frozen=True)
class Exact:
    """What exact synapses of one programmed die need.

    Attributes:
        deviations: per matrix ``[n_in, n_out, fets]``, V.
        settings: per matrix ``[programs, n_in, n_out]``.
        readout: deviations of the readout synapses ``[n_out, fets]``, V.
    """

    deviations: tuple[Array, ...]
    settings: tuple[np.ndarray, ...]
    readout: Array

    @classmethod
    def of(cls, die: Die, index: int, program: Program) -> Exact:
        """Of die `index`, for a program with both batch axes."""
        own = tuple(s[min(index, len(s) - 1)] for s in program.settings)
        synapses = tuple(d[index] for d in die.deviations["synapse"])
        return cls(synapses, own, die.deviations["readout"][0][index])


def refined(
    stage: Stage, tables: DieTables, currents: Array, exact: Exact, sweeps: int
) -> tuple[tuple[LayerState, ...], Array]:
    """As `solve_die`, each layer corrected `sweeps` times before the next is solved."""
    states = [input_layer(tables.somas[0], currents)]
    for index, matrix in enumerate(tables.matrices):
        drives = tables.somas[index].drives(states[-1].v)
        coefficients, somas = matrix.coefficients(), tables.somas[index + 1]
        state = next_layer(tables.regions, coefficients, drives, somas)
        for _ in range(sweeps):
            wrong = defect(stage, coefficients, drives, state.v, exact.deviations[index], exact.settings[index])
            state = next_layer(tables.regions, coefficients, drives, somas, wrong)
        states.append(state)
    return tuple(states), _readout(stage, tables, states[-1].v, exact.readout)


def _readout(stage: Stage, tables: DieTables, v: Array, deviations: Array) -> Array:
    """Output currents through exact readout synapses; the interpolated ones where one does not converge."""
    programs, patterns, n = v.shape
    drives = [jnp.moveaxis(d, -1, 0)[..., None] for d in tables.somas[-1].drives(v)]
    settings = np.full((n, programs, 1, 1), readout_code(stage.n_bits))
    at = jnp.full((programs, patterns, 1), V_READ)
    columns = [
        _exact(stage, tuple(drive[k] for drive in drives), at, deviations[k][None, None], settings[k]) for k in range(n)
    ]
    exact = np.concatenate([current for current, _ in columns], axis=-1)
    fine = np.concatenate([done for _, done in columns], axis=-1)
    return jnp.where(fine, exact, readout(tables, v))


def defect(
    stage: Stage,
    coefficients: tuple[Coefficients, Coefficients],
    drives: Drives,
    v: Float[Array, "programs patterns n_out"],
    deviations: Float[Array, "n_in n_out fets"],
    settings: np.ndarray,
) -> Float[Array, "programs patterns n_out"]:
    """Exact minus interpolated current into every neuron at its present state, A.

    One small Newton solve per synapse, program and pattern: for networks of hundreds of synapses.
    A synapse that does not converge leaves its neuron uncorrected.
    """
    exact, fine = _exact(stage, drives, v, deviations, settings)
    split = 0.5 * (LOW_RANGE[1] + HIGH_RANGE[0])
    at = [_interpolated(r, c, drives, v) for r, c in zip(stage.regions, coefficients, strict=True)]
    wrong = exact - jnp.where(v > split, at[1], at[0])
    return jnp.where(fine, wrong, 0.0)


def _interpolated(region: Region, coefficients: Coefficients, drives: Drives, v: Array) -> Array:
    return series(summed_series(region, coefficients, drives), region.maps[0].v.coordinate(v))


def _exact(
    stage: Stage, drives: Drives, v: Array, deviations: Array, settings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    programs, patterns, n_out = v.shape
    grid = (programs, patterns, len(deviations), n_out)
    made = settings != ABSENT
    code = np.broadcast_to(np.where(made, settings, 0)[:, None], grid).ravel()
    d_p, d_n = (np.broadcast_to(np.asarray(d)[..., None], grid).ravel() for d in (drives[POSITIVE], drives[NEGATIVE]))
    v_dd = stage.technology.v_dd
    rows = np.moveaxis(np.asarray(deviations), -1, 0)
    spread = np.broadcast_to(rows[:, None, None], (len(rows), *grid)).reshape(len(rows), -1)
    v_out = np.broadcast_to(np.asarray(v)[:, :, None], grid).ravel()
    start = resting_nodes(stage.synapse, v_dd, code)
    points = SynapsePoints(code, v_dd - d_p, d_n, v_out, spread)
    current, _, done = synapse_currents(stage.synapse, v_dd, points, start)
    current, done = current.reshape(grid) * made[:, None], done.reshape(grid) | ~made[:, None]
    return np.asarray(current.sum(2)), np.asarray(done.all(2))
