"""Synapse matrices of fabricated dies as coefficients for the feedforward solver."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.feedforward import Coefficients
from anamorph.substrate.current_mirror.soma_curves import SomaCurves
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, families
from anamorph.substrate.current_mirror.synapses import SynapsePoints, synapse_currents


@dataclass(frozen=True)
class Matrix:
    """One synapse matrix of several dies: every synapse's coefficients in every setting that is used.

    Attributes:
        table: per region and family ``[slots, dies, n_in, n_out, M, N]``.
        slot: per family, the slot of each program's synapses, ``[dies or 1, programs, n_in, n_out]``; -1: none.
        converged: False for a die with a synapse that has no solution.
    """

    table: tuple[tuple[np.ndarray, ...], ...]
    slot: tuple[np.ndarray, ...]
    converged: np.ndarray

    def of_die(self, die: int) -> DieMatrix:
        """One die's share."""
        tables = tuple(tuple(jnp.asarray(t[:, die]) for t in family) for family in self.table)
        slots = tuple(jnp.asarray(s[min(die, len(s) - 1)]) for s in self.slot)
        return DieMatrix(tables, slots)


class DieMatrix(eqx.Module):
    """One synapse matrix of one die: tables ``[slots, n_in, n_out, M, N]``, slots ``[programs, n_in, n_out]``."""

    tables: tuple[tuple[Array, ...], ...]
    slots: tuple[Array, ...]

    @eqx.filter_jit
    def coefficients(self) -> tuple[Coefficients, Coefficients]:
        """C of the low and the high region, per family ``[programs, n_in, M, n_out, N]``."""
        low, high = (
            tuple(_picked(table, slot) for table, slot in zip(family, self.slots, strict=True))
            for family in self.tables
        )
        return low, high


def _picked(table: Array, slot: Array) -> Array:
    j, k = np.indices(slot.shape[1:])
    chosen = table[jnp.maximum(slot, 0), j, k]
    chosen = jnp.where((slot >= 0)[..., None, None], chosen, 0.0)
    return jnp.moveaxis(chosen, 3, 2)


def tabulate(
    stage: Stage,
    curves: SomaCurves,
    deviations: Float[np.ndarray, "dies n_in n_out fets"],
    settings: np.ndarray,
) -> Matrix:
    """Solve every synapse of a matrix, in the settings that `settings` uses, at its interpolation points.

    Args:
        stage: compiled cells and spaces.
        curves: of the source somas, ``[dies * n_in, nodes]``.
        deviations: of the synapses' transistors, V.
        settings: ``[dies or 1, programs, n_in, n_out]``.
    """
    dies = len(deviations)
    one = settings.shape[1] == 1
    slots, tables, good = [], [[], []], np.ones(dies, bool)
    for f, family in enumerate(families(stage.n_bits)):
        inside = np.isin(settings, family)
        position = np.where(inside, np.abs(settings) - abs(int(family[0])), -1)
        used = np.unique(position[position >= 0])
        lookup = np.full(len(family) + 1, -1)
        lookup[used] = 0 if one else np.arange(len(used))
        slots.append(lookup[position])
        needed = _needed(position, used, dies)
        count = max(1, 1 if one else len(used))
        for r in (0, 1):
            table, fine = _solve_family(stage, curves, deviations, needed, f, r, lookup, count)
            tables[r].append(table)
            good &= fine
    return Matrix(tuple(tuple(t) for t in tables), tuple(slots), good)


def _needed(position: np.ndarray, used: np.ndarray, dies: int) -> tuple[np.ndarray, ...]:
    """Index arrays (setting, die, j, k) of every synapse in every setting that some program gives it."""
    masks = np.stack([(position == p).any(1) for p in used]) if len(used) else np.zeros((0, 1, 1, 1), bool)
    masks = np.broadcast_to(masks, (len(used), dies, *masks.shape[2:]))
    which, die, j, k = np.nonzero(masks)
    return used[which], die, j, k


def _solve_family(
    stage: Stage,
    curves: SomaCurves,
    deviations: np.ndarray,
    needed: tuple[np.ndarray, ...],
    f: int,
    r: int,
    lookup: np.ndarray,
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    current_map = stage.regions[r].maps[f]
    position, die, j, k = needed
    dies, n_in, n_out, _ = deviations.shape
    m, n = current_map.expand.shape[2:]
    table = np.zeros((count, dies, n_in, n_out, m, n))
    good = np.ones(dies, bool)
    if not len(position):
        return table, good
    grid = np.asarray(current_map.points)[position]  # synapses, modes, 2
    modes = grid.shape[1]
    own = np.asarray(current_map.x.nodes)[grid[..., 0]]
    source = die * n_in + j
    other = _other_drives(stage, curves, f, np.asarray(current_map.x.nodes))[source[:, None], grid[..., 0]]
    d_p, d_n = (own, other) if FOLLOWED[f] == "p" else (other, own)
    v_dd = stage.technology.v_dd
    points = SynapsePoints(
        np.repeat(families(stage.n_bits)[f][position], modes), (v_dd - d_p).ravel(), d_n.ravel(),
        np.asarray(current_map.v.nodes)[grid[..., 1]].ravel(), np.repeat(deviations[die, j, k], modes, axis=0).T,
    )  # fmt: skip
    shift = (other - stage.other_drive[f](own)).ravel() * (1 if FOLLOWED[f] == "p" else -1)
    where = (np.repeat(position, modes), grid[..., 0].ravel(), grid[..., 1].ravel())
    start = stage.starts[r][f].near(where, points.deviations, shift)
    current, _, done = synapse_currents(stage.synapse, v_dd, points, start)
    fine = done.reshape(-1, modes).all(1)
    good[die[~fine]] = False
    table[lookup[position], die, j, k] = current_map.coefficients(current.reshape(-1, modes), position)
    return table, good


def _other_drives(stage: Stage, curves: SomaCurves, f: int, nodes: np.ndarray) -> np.ndarray:
    """The other polarity's drive of every soma when its own is at each node, ``[somas, nodes]``.

    A soma's two drives follow each other up to a shift that its transistors' deviations set and that
    hardly varies, so the shift is what is interpolated.
    """
    own, other = (curves.drive_p, curves.drive_n)[:: 1 if FOLLOWED[f] == "p" else -1]
    shift = other - stage.other_drive[f](own)
    nominal = stage.other_drive[f](nodes)
    return np.stack([nominal + np.interp(nodes, o, s) for o, s in zip(own, shift, strict=True)])
