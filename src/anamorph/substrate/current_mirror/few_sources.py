"""Many programs in which few sources feed each neuron, as a bench writes them: every synapse that is on, exactly.

Tables of all synapses (`tables.py`) pay where one program answers thousands of patterns. Where thousands of programs
answer one pattern each, and each neuron has one to three sources, it takes less to solve every synapse that is on at
the two voltages around it: gate drives of its source, which is solved already, and the voltage v of the neuron that it
feeds. v is guessed from the nominal currents. A mirror is saturated, so its current hardly depends on v: solved at the
guess and carried from there to first order (``dI/dv`` is some thousandths of the input's slope), it gives v, and
synapses of neurons that are far from their guess are solved again there.

Programs that are the same up to some layer are solved once up to there: those that measure the synapses of a layer
share the way to it.

Switched-off synapses leak some aA into a neuron at work, and are left out. Below `WORKING` that no longer holds: such a
neuron is solved with the tables of all its synapses. Programs with very many of them are not answered here: the caller
solves them with tables altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.chip import readout_code
from anamorph.substrate.current_mirror.levels import NominalSynapse
from anamorph.substrate.current_mirror.run import (
    DieTables,
    LayerState,
    Somas,
    fed_layer,
    input_layer,
    next_layer,
    readout,
)
from anamorph.substrate.current_mirror.soma_curves import SomaCurves
from anamorph.substrate.current_mirror.stage import Stage, input_current, state_guess
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, NEGATIVE, POSITIVE
from anamorph.substrate.current_mirror.synapses import Solutions, SynapsePoints, synapse_solutions
from anamorph.substrate.current_mirror.tables import tabulate
from anamorph.threads import in_threads

#: This pays where at most one source in so many feeds a neuron, and for two programs or more of a few patterns each.
SOURCES_PER_NEURON, MOST_PATTERNS = 16, 4
#: Least current into a neuron that counts as working, A.
WORKING = 0.2e-9
#: How far v may be from where its synapses were solved: their currents' curvature makes 1e-4 of that at most, V.
NEAR = 0.02
#: Turns of synapses and neurons: the first from the guess, the others for neurons that were far from it.
TURNS = 4
#: Neurons below `WORKING` in one layer of all programs that are solved one by one.
MOST_SHUT = 64
#: Programs whose neurons are solved together: one size, so one compilation per layer.
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
    curves: list[SomaCurves]
    tables: DieTables

    @classmethod
    def each(cls, stage: Stage, nominal: NominalSynapse, die: Die) -> Iterator[FewSources]:
        """One for each die, its somas and its readout solved."""
        deviations = jax.tree.map(np.asarray, die.deviations)
        curves = stage.curves(np.concatenate([d.reshape(-1, d.shape[-1]) for d in deviations["soma"]]))
        edges = np.cumsum([0, *(len(die) * n for n in die.shape)])
        last = _some(curves, slice(edges[-2], None))
        diagonal = np.full((1, 1, die.shape[-1], 1), readout_code(stage.n_bits))
        outlet = tabulate(stage, last, deviations["readout"][0][:, :, None], diagonal)
        for d in range(len(die)):
            rows = [slice(e + d * n, e + (d + 1) * n) for e, n in zip(edges, die.shape, strict=False)]
            somas = zip(deviations["soma"], rows, strict=True)
            own = tuple(Somas.of(curves, soma[d], row, stage.input_fet) for soma, row in somas)
            tables = DieTables(stage.regions, own, (), outlet.of_die(d))
            synapses = [s[d] for s in deviations["synapse"]]
            yield cls(stage, nominal, synapses, [_some(curves, row) for row in rows], tables)

    def answer(
        self, settings: list[np.ndarray], currents: Float[np.ndarray, "programs patterns n_in"]
    ) -> tuple[tuple[LayerState, ...], Array, Bool[np.ndarray, " programs"]]:
        """States of all layers, outputs (A), and which programs could be answered."""
        first, back = _distinct(currents)
        state = _in_rows(input_layer, self.tables.somas[0], currents[first])
        states, able = [_rows(state, back)], np.ones(len(currents), bool)
        for index, setting in enumerate(settings):
            first, again = _distinct(back, setting)
            state, fine = self._next(index, setting[first], state, back[first])
            back = again
            able &= fine[back]
            states.append(_rows(state, back))
        out = _in_rows(readout, self.tables, np.asarray(state.v))
        return tuple(states), jnp.asarray(out[back]), able

    def _next(
        self, index: int, setting: np.ndarray, before: LayerState, row: Int[np.ndarray, " programs"]
    ) -> tuple[LayerState, Bool[np.ndarray, " programs"]]:
        """The layer fed through matrix `index`, by turns of currents and states. `row`: of each program in `before`."""
        somas = self.tables.somas[index + 1]
        drives = _in_rows(_drives, self.tables.somas[index], np.asarray(before.v))
        on = _On.of(setting, row, drives, self.deviations[index])
        shape = (*setting.shape[::2], before.v.shape[1])
        gain = np.array([self.nominal.gain[c] for c in on.code.tolist()])
        nominal = on.sum(gain[:, None] * np.asarray(before.current)[row[on.program], :, on.source], shape)
        at = _in_rows(_guess, somas, np.maximum(nominal, WORKING))
        found, turns = on.solve(self.stage, at), 1
        while True:
            total, slope = on.sum(found.current, shape), on.sum(found.slope, shape)
            state = _in_rows(fed_layer, somas, np.maximum(total, WORKING), slope, at)
            moved = np.asarray(state.v) - at
            far = np.abs(moved) > NEAR
            if not far.any() or turns == TURNS:
                break
            at, turns = np.where(far, state.v, at), turns + 1
            some = np.flatnonzero(far[on.program, :, on.target].any(1))
            on.pick(some).solve(self.stage, at, found, some)
        working = ((total > WORKING) & (total + slope * moved > WORKING) & ~far).all(1)
        np.logical_and.at(working, (on.program, on.target), found.exact.all(1))
        if 0 < np.count_nonzero(~working) <= MOST_SHUT:
            state = self._with_shut(index, setting, before, row, np.array(state.v), np.argwhere(~working))
            working = np.ones_like(working)
        follows = found.slope * moved[on.program, :, on.target]
        sourced = on.sum(np.maximum(found.current + follows, 0), shape).sum(-1)
        return state._replace(supply=np.asarray(state.supply) + sourced), working.all(1)

    def _with_shut(
        self, index: int, setting: np.ndarray, before: LayerState, row: np.ndarray, v: np.ndarray, shut: np.ndarray
    ) -> LayerState:
        """The layer with states `v` but for neurons ``(program, target)``, whose states are found by tables."""
        somas, curves = self.tables.somas[index + 1], self.curves[index]
        found = np.ones(v.shape, bool)
        for p, k in shut.tolist():
            own = setting[None, p : p + 1, :, k : k + 1]
            matrix = tabulate(self.stage, curves, self.deviations[index][None, :, k : k + 1], own)
            drives = self.tables.somas[index].drives(jnp.asarray(before.v)[row[p : p + 1]])
            state = next_layer(self.stage.regions, matrix.of_die(0).coefficients(), drives, somas.one(k))
            v[p, :, k], found[p, :, k] = np.asarray(state.v)[0, :, 0], np.asarray(state.found)[0, :, 0]
            found[p, :, k] &= matrix.converged[0]
        return _in_rows(_at_rest, somas, v)._replace(found=found)


def _some(curves: SomaCurves, rows: slice) -> SomaCurves:
    return SomaCurves(
        curves.axis, curves.drive_p[rows], curves.drive_n[rows], curves.supply[rows], curves.converged[rows]
    )


def _distinct(*parts: np.ndarray) -> tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, " programs"]]:
    """The first of all programs that are alike in every part, and the number of each program's kind."""
    seen: dict[tuple[bytes, ...], int] = {}
    kinds = (tuple(part[p].tobytes() for part in parts) for p in range(len(parts[0])))
    back = np.array([seen.setdefault(kind, len(seen)) for kind in kinds])
    return np.unique(back, return_index=True)[1], back


def _rows(state: LayerState, rows: np.ndarray) -> LayerState:
    return jax.tree.map(lambda field: np.asarray(field)[rows], state)


def _in_rows(work: Callable[..., Any], of: Any, *values: np.ndarray) -> Any:
    """`work` of arrays ``[programs, ...]``, some programs at a time, all results in memory."""
    count = len(values[0])

    def part(low: int) -> Any:
        rows = np.minimum(np.arange(low, low + CHUNK), count - 1)  # the last are filled with the last program
        return jax.tree.map(np.asarray, work(of, *(jnp.asarray(value[rows]) for value in values)))

    parts = in_threads(part, range(0, count, CHUNK))
    return jax.tree.map(lambda *fields: np.concatenate(fields)[:count], *parts)


def _drives(somas: Somas, v: Array) -> tuple[Array, Array]:
    drives = somas.drives(v)
    return drives[POSITIVE], drives[NEGATIVE]


@eqx.filter_jit
def _at_rest(somas: Somas, v: Array) -> LayerState:
    taken = input_current(somas.input_fet, v, somas.dv_t)
    return LayerState(v, jnp.ones(v.shape, bool), taken, somas.supply_current(v))


@eqx.filter_jit
def _guess(somas: Somas, current: Array) -> Array:
    return state_guess(somas.input_fet, current, somas.dv_t)


@dataclass(frozen=True)
class _On:
    """The synapses that are on in some programs, one entry each, with all patterns.

    Attributes:
        program, source, target: numbers.
        code: setting.
        drives: of the source, positive and negative, ``[entries, patterns]``, V.
        deviations: ``[entries, fets]``, V.
    """

    program: np.ndarray
    source: np.ndarray
    target: np.ndarray
    code: np.ndarray
    drives: tuple[np.ndarray, np.ndarray]
    deviations: np.ndarray

    @classmethod
    def of(
        cls, setting: np.ndarray, row: np.ndarray, drives: tuple[np.ndarray, np.ndarray], deviations: np.ndarray
    ) -> _On:
        p, j, k = np.nonzero(setting)
        own = drives[0][row[p], :, j], drives[1][row[p], :, j]
        return cls(p, j, k, setting[p, j, k], own, deviations[j, k])

    def pick(self, which: Int[np.ndarray, " some"]) -> _On:
        """Some of the entries."""
        own = self.drives[0][which], self.drives[1][which]
        return _On(
            self.program[which], self.source[which], self.target[which], self.code[which], own, self.deviations[which]
        )

    def sum(self, each: Float[np.ndarray, "entries patterns"], shape: tuple[int, ...]) -> np.ndarray:
        """Sum over the sources of every neuron: `shape` is programs, neurons, patterns, the result has neurons last."""
        places = np.ravel_multi_index((self.program, self.target), shape[:2])
        columns = [np.bincount(places, weights, shape[0] * shape[1]) for weights in each.T]
        return np.stack(columns, axis=-1).reshape(shape).swapaxes(1, 2)

    def solve(
        self,
        stage: Stage,
        v: Float[np.ndarray, "programs patterns n_out"],
        known: Solutions | None = None,
        place: slice | np.ndarray = slice(None),
    ) -> Solutions:
        """Solutions ``[entries, patterns]``; those `known` at `place` are what is gone on from, and are replaced."""
        entries, patterns = self.drives[0].shape
        d_p, d_n = (d.ravel() for d in self.drives)
        code = np.repeat(self.code, patterns)
        v_dd = stage.technology.v_dd
        deviations = np.repeat(self.deviations, patterns, axis=0).T
        points = SynapsePoints(code, v_dd - d_p, d_n, v[self.program, :, self.target].ravel(), deviations)
        if known is not None:
            nodes = known.nodes[:, place].reshape(len(known.nodes), -1)
        else:
            nodes = np.empty((len(stage.synapse.unknowns), len(code)))
            for family in (POSITIVE, NEGATIVE):
                own = np.flatnonzero((code > 0) if family == POSITIVE else (code < 0))
                if own.size:
                    nodes[:, own] = _starts(stage, family, points.pick(own), (d_p[own], d_n[own]))
        solved = synapse_solutions(stage.synapse, v_dd, points, nodes)
        found = Solutions(*(field.reshape(*field.shape[:-1], entries, patterns) for field in solved))
        if known is not None:
            for whole, part in zip(known, found, strict=True):
                whole[..., place, :] = part
        return found


def _starts(
    stage: Stage, family: int, points: SynapsePoints, drives: tuple[np.ndarray, np.ndarray]
) -> Float[np.ndarray, "nodes batch"]:
    """Inner nodes from the tables' grid, between its lines, to first order in the deviations."""
    table, current_map = stage.starts[1][family], stage.regions[1].maps[family]
    own, other = drives if FOLLOWED[family] == "p" else drives[::-1]
    shift = (other - stage.other_drive[family](own)) * (1 if FOLLOWED[family] == "p" else -1)
    position = np.abs(points.code) - 1
    x, part_x = _between(np.asarray(current_map.x.nodes), own)
    v, part_v = _between(np.asarray(current_map.v.nodes), points.v_out)
    total = table.pushed((position, x, v), points.deviations, shift)
    for dx, share_x in ((0, 1 - part_x), (1, part_x)):
        for dv, share_v in ((0, 1 - part_v), (1, part_v)):
            total += share_x * share_v * table.nodes[position, x + dx, v + dv].T
    return total


def _between(nodes: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.clip(np.searchsorted(nodes, x) - 1, 0, len(nodes) - 2)
    return low, np.clip((x - nodes[low]) / (nodes[low + 1] - nodes[low]), 0, 1)
