"""Many programs in which few sources feed each neuron, as a bench writes them: every synapse that is on, exactly.

Tables of all synapses (`tables.py`) pay where one program answers thousands of patterns. Where thousands of programs
answer one pattern each, and each neuron has one to three sources, it takes less to solve every synapse that is on at
the two voltages around it: gate drives of its source, which is solved already, and the voltage v of the neuron that it
feeds. v is found by turns: currents at v, then the v at which the neuron's input takes them. A mirror is saturated, so
its current hardly depends on v (``dI/dv`` is some thousandths of the input's slope), and the third turn is a secant.

Switched-off synapses leak some aA into a neuron at work, and are left out. Programs with a neuron below `WORKING`,
where that no longer holds, are not answered here: the caller solves them with tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.chip import READOUT_CODE
from anamorph.substrate.current_mirror.levels import NominalSynapse
from anamorph.substrate.current_mirror.run import DieTables, LayerState, Somas, input_layer, readout
from anamorph.substrate.current_mirror.soma_curves import SomaCurves
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, NEGATIVE, POSITIVE
from anamorph.substrate.current_mirror.synapses import SynapsePoints, synapse_currents
from anamorph.substrate.current_mirror.tables import tabulate

#: This pays where at most one source in so many feeds a neuron, and for two programs or more of a few patterns each.
SOURCES_PER_NEURON, MOST_PATTERNS = 16, 4
#: Least current into a neuron that counts as working, A.
WORKING = 0.2e-9
#: Change of v from which the secant knows how the current follows it, V.
LEAST_MOVE = 1e-6
#: Programs solved together: one size, so one compilation per layer.
CHUNK = 64


def suits(program: Program, currents: Float[np.ndarray, "dies programs patterns n_in"]) -> bool:
    """Whether a batch of programs is of this kind: inputs driven, every neuron with a source, none with many."""
    if program.batch[1] < 2 or currents.shape[2] > MOST_PATTERNS or currents.min() < WORKING:
        return False
    return all(
        bool((s > 0).any(2).all()) and np.count_nonzero(s, axis=2).max() <= s.shape[2] // SOURCES_PER_NEURON
        for s in program.settings
    )


@dataclass(frozen=True)
class FewSources:
    """One die, ready to answer; see `answer`."""

    stage: Stage
    nominal: NominalSynapse
    deviations: list[np.ndarray]
    tables: DieTables

    @classmethod
    def each(cls, stage: Stage, nominal: NominalSynapse, die: Die) -> Iterator[FewSources]:
        """One for each die, its somas and its readout solved."""
        deviations = jax.tree.map(np.asarray, die.deviations)
        curves = stage.curves(np.concatenate([d.reshape(-1, d.shape[-1]) for d in deviations["soma"]]))
        edges = np.cumsum([0, *(len(die) * n for n in die.shape)])
        last = SomaCurves(
            curves.axis, *(a[edges[-2] :] for a in (curves.drive_p, curves.drive_n, curves.supply, curves.converged))
        )
        diagonal = np.full((1, 1, die.shape[-1], 1), READOUT_CODE)
        outlet = tabulate(stage, last, deviations["readout"][0][:, :, None], diagonal)
        for d in range(len(die)):
            rows = [slice(e + d * n, e + (d + 1) * n) for e, n in zip(edges, die.shape, strict=False)]
            somas = zip(deviations["soma"], rows, strict=True)
            own = tuple(Somas.of(curves, soma[d], row, stage.input_fet) for soma, row in somas)
            tables = DieTables(stage.regions, own, (), outlet.of_die(d))
            yield cls(stage, nominal, [s[d] for s in deviations["synapse"]], tables)

    def answer(
        self, settings: list[np.ndarray], currents: Float[np.ndarray, "programs patterns n_in"]
    ) -> tuple[tuple[LayerState, ...], Array, Bool[np.ndarray, " programs"]]:
        """States of all layers, outputs (A), and which programs could be answered."""
        parts = []
        count = len(currents)
        for low in range(0, count, CHUNK):
            rows = np.minimum(np.arange(low, low + CHUNK), count - 1)  # the last chunk is filled with its last program
            keep = min(CHUNK, count - low)
            parts.append((keep, self._chunk([s[rows] for s in settings], currents[rows], keep)))
        states = []
        for layer in range(len(settings) + 1):
            fields = zip(*(part[0][layer] for _, part in parts), strict=True)
            kept = [
                jnp.asarray(np.concatenate([np.asarray(f)[:keep] for f, (keep, _) in zip(field, parts, strict=True)]))
                for field in fields
            ]
            states.append(LayerState(*kept))
        out = jnp.asarray(np.concatenate([np.asarray(part[1])[:keep] for keep, part in parts]))
        able = np.concatenate([part[2][:keep] for keep, part in parts])
        return tuple(states), out, able

    def _chunk(self, settings: list[np.ndarray], currents: np.ndarray, keep: int) -> tuple:
        states = [input_layer(self.tables.somas[0], jnp.asarray(currents))]
        able = np.ones(len(currents), bool)
        for index, setting in enumerate(settings):
            state, fine = self._next(index, setting, states[-1], keep)
            states.append(state)
            able &= fine
        return states, readout(self.tables, states[-1].v), able

    def _next(
        self, index: int, setting: np.ndarray, before: LayerState, keep: int
    ) -> tuple[LayerState, Bool[np.ndarray, " programs"]]:
        """The layer fed through matrix `index`, by turns of currents and states."""
        somas = self.tables.somas[index + 1]
        drives = [np.asarray(d) for d in self.tables.somas[index].drives(before.v)]
        on = _On.of(setting, keep, drives, self.deviations[index])
        shape = (*before.v.shape[:2], setting.shape[2])
        gain = np.array([self.nominal.gain[c] for c in on.code.tolist()])
        sent = np.asarray(before.current)[on.program, :, on.source]
        guess = _states(somas, on.sum(gain[:, None] * sent, shape))
        current, nodes, _ = on.solve(self.stage, guess, None)
        first = on.sum(current, shape)
        v = _states(somas, first)
        current, _, done = on.solve(self.stage, v, nodes)
        total = on.sum(current, shape)
        moved = v - guess
        slope = np.where(np.abs(moved) > LEAST_MOVE, (total - first) / np.where(moved == 0, 1, moved), 0.0)
        total = total + slope * (_states(somas, total) - v)
        fine = np.ones(len(setting), bool)
        np.logical_and.at(fine, on.program, done)
        fine &= (total > WORKING).all((1, 2)) | (np.arange(len(fine)) >= keep)
        state = input_layer(somas, jnp.asarray(np.maximum(total, WORKING)))
        sourced = on.sum(np.maximum(current, 0), shape).sum(-1)
        return state._replace(supply=state.supply + sourced), fine


def _states(somas: Somas, current: np.ndarray) -> np.ndarray:
    return np.asarray(input_layer(somas, jnp.asarray(np.maximum(current, WORKING))).v)


@dataclass(frozen=True)
class _On:
    """The synapses that are on in some programs, one entry each, with all patterns."""

    program: np.ndarray
    source: np.ndarray
    target: np.ndarray
    code: np.ndarray
    drives: tuple[np.ndarray, np.ndarray]
    deviations: np.ndarray

    @classmethod
    def of(cls, setting: np.ndarray, keep: int, drives: list[np.ndarray], deviations: np.ndarray) -> _On:
        p, j, k = np.nonzero(setting[:keep])
        own = drives[POSITIVE][p, :, j], drives[NEGATIVE][p, :, j]
        return cls(p, j, k, setting[p, j, k], own, deviations[j, k])

    def sum(self, each: Float[np.ndarray, "entries patterns"], shape: tuple[int, ...]) -> np.ndarray:
        """Sum over the sources of every neuron, ``[programs, patterns, n_out]``."""
        total = np.zeros((shape[0], shape[2], shape[1]))
        np.add.at(total, (self.program, self.target), each)
        return np.moveaxis(total, 1, 2)

    def solve(
        self, stage: Stage, v: Float[np.ndarray, "programs patterns n_out"], nodes: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Currents ``[entries, patterns]``, inner nodes, and which entries converged."""
        patterns = v.shape[1]
        fed = v[self.program, :, self.target].ravel()
        d_p, d_n = (d.ravel() for d in self.drives)
        code = np.repeat(self.code, patterns)
        v_dd = stage.technology.v_dd
        deviations = np.repeat(self.deviations, patterns, axis=0).T
        points = SynapsePoints(code, v_dd - d_p, d_n, fed, deviations)
        if nodes is None:
            nodes = np.empty((len(stage.synapse.unknowns), len(code)))
            for family in (POSITIVE, NEGATIVE):
                own = np.flatnonzero((code > 0) if family == POSITIVE else (code < 0))
                if own.size:
                    nodes[:, own] = _starts(stage, family, points.pick(own), (d_p[own], d_n[own]))
        current, nodes, done = synapse_currents(stage.synapse, v_dd, points, nodes)
        return current.reshape(-1, patterns), nodes, np.asarray(done.reshape(-1, patterns).all(1))


def _starts(stage: Stage, family: int, points: SynapsePoints, drives: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Inner nodes from the tables' grid, between its lines, to first order in the deviations."""
    table, current_map = stage.starts[1][family], stage.regions[1].maps[family]
    own, other = drives if FOLLOWED[family] == "p" else drives[::-1]
    shift = (other - stage.other_drive[family](own)) * (1 if FOLLOWED[family] == "p" else -1)
    position = np.abs(points.code) - 1
    total = np.zeros((table.nodes.shape[-1], len(position)))
    (low_x, part_x), (low_v, part_v) = (
        _between(np.asarray(axis.nodes), x) for axis, x in ((current_map.x, own), (current_map.v, points.v_out))
    )
    for dx in (0, 1):
        for dv in (0, 1):
            share = (part_x if dx else 1 - part_x) * (part_v if dv else 1 - part_v)
            total += share * table.near((position, low_x + dx, low_v + dv), points.deviations, shift)
    return total


def _between(nodes: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.clip(np.searchsorted(nodes, x) - 1, 0, len(nodes) - 2)
    return low, np.clip((x - nodes[low]) / (nodes[low + 1] - nodes[low]), 0, 1)
