"""A network of spiking neurons event by event: every spike at its own moment, no time step to choose.

Neurons and synapses are those of `anamorph.characterise.spiking_cell`. Between two events of those it listens to, the
excitation of a neuron is one exponential towards its base (bias, and what synapses give without spikes),

    x(t) = b + (x(t_s) - b) exp(-(t - t_s) / tau),     at a spike of neuron j:  x += w_jk q / tau

and its phase goes on by h(x) dt. Over an interval the phase is advanced by h of the *mean* excitation, which is exact
where h is straight over the range passed; intervals longer than a 128th of tau are divided, so that what curvature
leaves over makes a rate wrong by about 10^-6.

These networks only feed forward, so the queue of events of a whole layer is known before the next one is begun: the
spikes of a layer are merged in the order of time, and all neurons that listen to them are advanced through them at
once (`anamorph.network.spike_layer`). Where neurons see windows, each window is advanced with its own events alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from anamorph.characterise.spiking_cell import SpikingCell
from anamorph.errors import BadInput
from anamorph.network.spike_layer import Group, Trains, advance, constant, trains
from anamorph.network.spike_record import SpikeRecord
from anamorph.network.spiking import Structure, Weights
from anamorph.threads import in_threads

#: Moments at which energy is kept.
MOMENTS = 64
#: What would not fit into memory is refused.
MOST_SPIKES = 200_000_000


@dataclass(frozen=True)
class _Network:
    """All that the images share; `groups` are of all layers but the first."""

    cells: tuple[SpikingCell, ...]
    groups: tuple[tuple[Group, ...], ...]
    loads: tuple[Float[np.ndarray, " _"], ...]  # magnitudes of the weights that each neuron feeds, summed; by layer
    layers: tuple[int, ...]
    duration: float
    clock: Float[np.ndarray, " moments"]


def run_events(
    structure: Structure,
    weights: Weights,
    cell: SpikingCell | Sequence[SpikingCell],
    images: Float[np.ndarray, "images inputs"],
    duration: float,
    key: PRNGKeyArray | None = None,
) -> SpikeRecord:
    """Show images to a network, each as if it were the first.

    Args:
        structure: neurons and synapses.
        weights: of one network.
        cell: neuron and synapse, alike for all; or one for each layer, whose neurons may differ and nothing else.
        images: input currents in units of the cell's.
        duration: how long each is shown, s.
        key: of the phases at which neurons begin, uniform over a period; if left out, all have rested before.

    Returns:
        Spikes, and the energy of ``neurons`` (where the curve has a power) and ``legs`` (where a supply is known): the
        supply times the charge that all mirror legs pass on. Synapses' front ends are left out.

    Raises:
        BadInput: images of another size, a duration that is not positive, or more spikes than `MOST_SPIKES`.
    """
    inputs, where = structure.layers[0], "run_events"
    cells = (cell,) * len(structure.wirings) if isinstance(cell, SpikingCell) else tuple(cell)
    if len(cells) != len(structure.wirings):
        raise BadInput("one cell, or one for each layer", where=where, expected=f"{len(structure.wirings)}",
                       got=f"{len(cells)}")  # fmt: skip
    cell = cells[0]
    if images.ndim != 2 or images.shape[1] != inputs or not len(images) or not np.isfinite(images).all():
        expected = f"finite numbers, [images, {inputs}]"
        raise BadInput("not inputs of this network", where=where, expected=expected, got=f"{images.shape}")
    most = len(images) * structure.n_neurons * duration * max(one.f_max for one in cells)
    if not (math.isfinite(duration) and duration > 0 and most <= MOST_SPIKES):
        expected = f"above 0 s, and no more than {MOST_SPIKES:.0e} spikes"
        raise BadInput("not a usable duration", where=where, expected=expected, got=f"{duration:g} s, {most:.1g}")
    synapses = [np.asarray(w, float) for w in weights.synapses]
    biases = [np.asarray(b, float) for b in weights.biases]
    network = _network(structure, synapses, biases, cells, duration)
    taps = structure.taps(images)
    first = _summed(taps, synapses[0]) + biases[0]
    phases = _phases(key, (len(images), structure.n_neurons), cell.rest_phase)
    found = in_threads(lambda p: _image(network, first[p], phases[p]), range(len(images)), warm=True)
    layers = network.layers
    numbers = [np.concatenate([t.whose + sum(layers[:i]) for i, t in enumerate(f[0])]) for f in found]
    times = np.concatenate([t.times for f in found for t in f[0]])
    energy = {"neurons": np.stack([f[1] for f in found])} if cell.power is not None else {}
    if np.isfinite(cell.v_dd):
        resting = sum(np.abs(b).sum() for b in biases) + cell.rest * sum(load.sum() for load in network.loads)
        currents = _summed(np.abs(taps), np.abs(synapses[0])).sum(axis=1) + resting
        charge = np.stack([f[2] for f in found]) + currents[:, None] * network.clock
        energy["legs"] = cell.v_dd * cell.unit * charge
    shown = np.repeat(np.arange(len(images)), [len(n) for n in numbers])
    return SpikeRecord.of_events(
        layers, len(images), duration, shown, np.concatenate(numbers), times, network.clock, energy,
        f"events; {cell.source}",
    )  # fmt: skip


def _network(
    structure: Structure, synapses: list[np.ndarray], biases: list[np.ndarray], cells: tuple[SpikingCell, ...],
    duration: float,
) -> _Network:  # fmt: skip
    groups, loads = [], []
    behind = structure.layers[1:-1]
    for sources, w, b, n_in in zip(structure.sources[1:], synapses[1:], biases[1:], behind, strict=True):
        groups.append(_groups(sources, w, b + cells[0].rest * w.sum(axis=0)))
        taps = np.broadcast_to(np.arange(n_in)[:, None] if sources is None else sources, w.shape)
        loads.append(np.bincount(taps.ravel(), np.abs(w).ravel(), minlength=n_in))
    clock = np.linspace(0.0, duration, MOMENTS + 1)[1:]
    return _Network(cells, tuple(groups), tuple(loads), structure.layers[1:], duration, clock)


def _groups(sources: np.ndarray | None, w: np.ndarray, bases: np.ndarray) -> tuple[Group, ...]:
    """Neurons by what they listen to."""
    if sources is None:
        return (Group(None, np.arange(w.shape[1]), w, bases),)
    windows, which = np.unique(sources.T, axis=0, return_inverse=True)
    members = [np.flatnonzero(which.ravel() == i) for i in range(len(windows))]
    return tuple(Group(seen, n, w[:, n], bases[n]) for seen, n in zip(windows, members, strict=True))


def _summed(taps: np.ndarray, w: np.ndarray) -> Float[np.ndarray, "images neurons"]:
    return taps @ w if taps.ndim == 2 else np.einsum("ptn,tn->pn", taps, w)


def _phases(key: PRNGKeyArray | None, shape: tuple[int, int], rest: float) -> Float[np.ndarray, "images neurons"]:
    if key is None:
        return np.full(shape, rest)
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist()).uniform(size=shape)


def _image(
    network: _Network, x: Float[np.ndarray, " first"], phases: Float[np.ndarray, " neurons"]
) -> tuple[list[Trains], Float[np.ndarray, " moments"], Float[np.ndarray, " moments"]]:
    """Trains of every layer, energy of the neurons, J, and charge through legs beyond the constant one, s."""
    cells, clock = network.cells, network.clock
    parts = np.split(phases, np.cumsum(network.layers)[:-1])
    train, power = constant(cells[0], x, parts[0], network.duration)
    found, spent, passed = [train], power * clock, np.zeros_like(clock)
    for cell, groups, load, part in zip(cells[1:], network.groups, network.loads, parts[1:], strict=True):
        brought = np.concatenate([[0.0], np.cumsum(train.charges * load[train.whose])])
        passed += brought[np.searchsorted(train.times, clock, side="right")]
        done = [advance(cell, g, part[g.neurons], train, network.duration, clock) for g in groups]
        times, whose, energies = zip(*done, strict=True)
        spent += np.sum(energies, axis=0)
        train = trains(cell, np.concatenate(times), np.concatenate(whose), len(part))
        found.append(train)
    return found, spent, passed
