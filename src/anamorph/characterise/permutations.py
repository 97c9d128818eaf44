"""Parallel measurement with a probe at every neuron, as in Binas et al. 2016, section 3.3.

In every configuration each neuron receives from exactly one neuron of the layer before, through a synapse at
full positive weight, and all inputs are driven alike. The current into a neuron and the current that it sends on
are both read, so one configuration measures a whole chip; others connect it differently. For the negative
unit, every neuron of the second layer gets a second source through a negative weight, and its current is
compared with the one it has without.

A simulation can probe every neuron, a packaged chip cannot: `source_monitor` is the protocol for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Program, Response, Shape

#: Configurations that are measured again with a negative second source.
NEGATIVE_CONFIGURATIONS = 2


@dataclass(frozen=True)
class Wiring:
    """Who feeds whom: per weight matrix ``[configurations, n_out]``, the source of every neuron.

    `partners` are second sources of the neurons of the second layer.
    """

    sources: tuple[Int[np.ndarray, "configurations _"], ...]
    partners: Int[np.ndarray, "configurations _"]

    @classmethod
    def draw(
        cls, shape: Shape, configurations: int, key: PRNGKeyArray, exists: Sequence[np.ndarray] | None = None
    ) -> Wiring:
        """Random orders of each layer, used up before the next: all neurons are measured about equally often.

        Where only the synapses of `exists` were made, each neuron's source is one of its own.
        """
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
        if exists is not None:
            sources = tuple(_balanced(where, configurations, rng) for where in exists)
            return cls(sources, _second(exists[0], sources[0], rng))
        sources = []
        for before, after in zip(shape, shape[1:], strict=False):
            rounds = -(-configurations * after // before)
            stream = np.concatenate([rng.permutation(before) for _ in range(rounds)])
            sources.append(stream[: configurations * after].reshape(configurations, after))
        away = rng.integers(1, max(shape[0], 2), sources[0].shape)
        return cls(tuple(sources), (sources[0] + away) % shape[0])

    def settings(self, shape: Shape, full: int, partner: int | None = None) -> tuple[np.ndarray, ...]:
        """One program per configuration; with `partner` those with a second source at that setting, and no others."""
        count = len(self.partners) if partner is None else min(NEGATIVE_CONFIGURATIONS, len(self.partners))
        matrices = []
        for layer, source in enumerate(self.sources):
            matrix = np.zeros((count, *shape[layer : layer + 2]), int)
            which, target = np.indices(source[:count].shape)
            matrix[which, source[:count], target] = full
            if layer == 0 and partner is not None:
                matrix[which, self.partners[:count], target] = partner
            matrices.append(matrix)
        return tuple(matrices)


def _balanced(exists: np.ndarray, configurations: int, rng: np.random.Generator) -> np.ndarray:
    """A source of every neuron in every configuration, of its own synapses, the least used first."""
    used = np.zeros(len(exists))
    found = np.empty((configurations, exists.shape[1]), int)
    for row in found:
        for target in rng.permutation(exists.shape[1]):
            able = np.flatnonzero(exists[:, target])
            row[target] = able[np.argmin(used[able] + rng.uniform(0, 0.5, len(able)))]
            used[row[target]] += 1
    return found


def _second(exists: np.ndarray, sources: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another source of every neuron, of its own synapses."""
    if exists.sum(0).min() < 2:
        raise BadInput("the negative unit needs two synapses at every neuron", where="permutations: second layer",
                       got=f"a neuron with {exists.sum(0).min()}")  # fmt: skip
    found = np.empty_like(sources)
    for which, target in np.ndindex(*sources.shape):
        able = np.flatnonzero(exists[:, target])
        found[which, target] = rng.choice(able[able != sources[which, target]])
    return found


def permutations(
    chip: Chip,
    bench: Bench,
    key: PRNGKeyArray,
    full_setting: int,
    negative_settings: tuple[int, ...],
    substrate: str | None = None,
) -> Characterisation:
    """Measure a chip, or several dies at once, with a probe at every neuron.

    Args:
        chip: a `Die`.
        bench: ``repeats`` configurations, each at all currents; each reading has the bench's noise.
        key: of the wirings and the reading noise.
        full_setting: largest positive setting of a synapse.
        negative_settings: settings of the second source.
        substrate: name the programs are for; the chip's own substrate if left out.

    Raises:
        BadInput: a chip without probes, or with a single input (nothing can be a second source).
    """
    shape = tuple(chip.shape)
    if shape[0] < 2:
        raise BadInput("the negative unit needs two inputs", where="permutations", got=f"a chip {shape}")
    wiring_key, noise_key = jax.random.split(key)
    wiring = Wiring.draw(shape, bench.repeats, wiring_key, getattr(chip, "exists", None))
    name = substrate or chip.substrate.name  # pyright: ignore[reportAttributeAccessIssue]
    inputs = jnp.broadcast_to(jnp.asarray(bench.currents)[:, None], (len(bench.currents), shape[0]))

    plain = _Probed.of(chip.run(Program(name, wiring.settings(shape, full_setting)), inputs), bench, noise_key, 0)
    tables = [_slopes(wiring, plain, bench)]
    for turn, setting in enumerate(negative_settings):
        program = Program(name, wiring.settings(shape, full_setting, setting))
        both = _Probed.of(chip.run(program, inputs), bench, noise_key, turn + 1)
        tables.append(_negatives(wiring, plain, both, setting, bench))
    table = _joined(tables)
    return Characterisation.of(table.columns, table.sent, table.converged, table.received)


@dataclass(frozen=True)
class _Probed:
    """What the probes read: currents into the neurons of every layer, then those out of the chip."""

    currents: tuple[Float[np.ndarray, "dies configurations currents _"], ...]
    converged: np.ndarray

    @classmethod
    def of(cls, response: Response, bench: Bench, key: PRNGKeyArray, turn: int) -> _Probed:
        if response.neuron_currents is None:
            raise BadInput(
                "this chip cannot be probed inside",
                where="bench: protocol",
                expected="a simulated die",
                advice="Use the protocol source_monitor.",
            )
        rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)).ravel().tolist(), turn])
        exact = (*response.neuron_currents, response.outputs)
        read = tuple(np.asarray(c) * (1 + bench.read_noise * rng.standard_normal(np.shape(c))) for c in exact)
        return cls(read, np.asarray(response.converged))

    def at(self, layer: int, neurons: np.ndarray) -> np.ndarray:
        """Current into neurons ``[configurations, n]`` of a layer, ``[dies, configurations, n, currents]``."""
        count = np.arange(len(neurons))[:, None]
        read = np.moveaxis(self.currents[layer], 2, 3)
        return read[:, count, neurons]


class _Table(NamedTuple):
    """Readings as columns; what was sent, received, and whether it converged, ``[dies, readings]``."""

    columns: dict[str, np.ndarray]
    sent: np.ndarray
    received: np.ndarray
    converged: np.ndarray


def _slopes(wiring: Wiring, probed: _Probed, bench: Bench) -> _Table:
    """Every neuron that sends: the current into it and the current into whoever it feeds."""
    parts = []
    last = len(wiring.sources)
    n_out = probed.currents[-1].shape[-1]
    for layer in range(last + 1):
        if layer < last:
            neuron = wiring.sources[layer]
        else:
            neuron = np.broadcast_to(np.arange(n_out), (len(wiring.partners), n_out))
        target = np.broadcast_to(np.arange(neuron.shape[1]), neuron.shape)
        before = wiring.sources[layer - 1] if layer else None
        source = np.full_like(neuron, -1) if before is None else np.take_along_axis(before, neuron, 1)
        own, sent = probed.at(layer, neuron), probed.at(layer + 1, target)
        monitor = target if layer < last else np.full_like(target, -1)
        columns = {"layer": layer, "neuron": neuron, "source": source, "monitor": monitor, "partner": -1, "setting": 0}
        parts.append(_readings("slope", columns, sent, own, probed.converged, bench))
    return _joined(parts)


def _negatives(wiring: Wiring, plain: _Probed, both: _Probed, setting: int, bench: Bench) -> _Table:
    """Every neuron of the second layer: its current with a negative second source, and without."""
    count = both.converged.shape[1]
    source, partner = wiring.sources[0][:count], wiring.partners[:count]
    neuron = np.broadcast_to(np.arange(source.shape[1]), source.shape)
    converged = both.converged & plain.converged[:, :count]
    columns = {"layer": 1, "neuron": neuron, "source": source, "monitor": -1, "partner": partner, "setting": setting}
    return _readings("negative", columns, both.at(1, neuron), plain.at(1, neuron), converged, bench)


def _readings(
    kind: str, columns: dict[str, np.ndarray | int], sent: np.ndarray, probed: np.ndarray, converged: np.ndarray,
    bench: Bench,
) -> _Table:  # fmt: skip
    """Flat columns for arrays ``[dies, configurations, n, currents]``; `converged` is per configuration and current."""
    dies, *grid = sent.shape
    spread = {k: np.broadcast_to(np.asarray(v)[..., None], grid).ravel() for k, v in columns.items()}
    spread["kind"] = np.full(int(np.prod(grid)), kind)
    spread["repeat"] = np.broadcast_to(np.arange(grid[0])[:, None, None], grid).ravel()
    spread["input_current"] = np.broadcast_to(np.asarray(bench.currents), grid).ravel()
    fine = np.broadcast_to(converged[:, :, None], sent.shape)
    return _Table(spread, sent.reshape(dies, -1), probed.reshape(dies, -1), fine.reshape(dies, -1))


def _joined(parts: list[_Table]) -> _Table:
    columns = {k: np.concatenate([part.columns[k] for part in parts]) for k in parts[0].columns}
    sent, received, converged = (
        np.concatenate(arrays, axis=1)
        for arrays in zip(*((part.sent, part.received, part.converged) for part in parts), strict=True)
    )
    return _Table(columns, sent, received, converged)
