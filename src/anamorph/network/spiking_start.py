"""Where training of a spiking network begins: random weights, of a size that keeps excitations within the range."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from anamorph.network.spiking import Lookup, Structure
from anamorph.network.spiking_loss import SHARPNESS

#: Excitation of a neuron at the start when all that it sees is fully on, as a share of its range.
START = 0.6


class State(NamedTuple):
    """What is trained: logarithms of weights, in units of `start_scales`.

    Attributes:
        synapses: of each layer, taps x neurons; with inhibitory ones two such, excitatory first.
        gains: of each neuron, over `anamorph.network.spiking_loss.SLOWER`.
        biases: of each neuron.
        sharpness: of the decision, likewise over `SLOWER`.
    """

    synapses: tuple[Array, ...]
    gains: tuple[Array, ...]
    biases: tuple[Array, ...]
    sharpness: Array


def start_scales(
    structure: Structure, activations: tuple[Lookup, ...], x_min: float, signed: bool
) -> tuple[float, ...]:  # fmt: skip
    """So that excitations begin within the range; with inhibition, what a source's least output gives can be undone."""
    room, swing, found = START * (1 - x_min), 1.0, []
    for (taps, _), f in zip(structure.shapes, activations, strict=True):
        found.append(room / taps / swing)
        swing = 1 - float(f(jnp.asarray(x_min))) if signed else 1.0
    return tuple(found)


def random_state(structure: Structure, signed: bool, key: PRNGKeyArray) -> State:
    """Logarithms of weights about one; of inhibitory ones, where there are any, about a seventh."""
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    rng = np.random.default_rng(words)
    synapses = [np.log(rng.uniform(0.05, 2.0, shape)) for shape in structure.shapes]
    biases = [np.full(n, -3.0) for _, n in structure.shapes]
    if signed:
        synapses = [np.stack([u, np.log(rng.uniform(0.05, 0.3, u.shape))]) for u in synapses]
        biases = [np.stack([u, u]) for u in biases]
    as_float = lambda arrays: tuple(jnp.asarray(a, jnp.float32) for a in arrays)  # noqa: E731
    gains = [np.zeros(n) for _, n in structure.shapes]
    return State(as_float(synapses), as_float(gains), as_float(biases), jnp.asarray(SHARPNESS, jnp.float32))


def random_states(structure: Structure, signed: bool, key: PRNGKeyArray, starts: int) -> State:
    """Several with a leading axis; the first is that of `key` itself, however many there are."""
    others = jax.random.fold_in(key, 0)
    keys = [key, *(jax.random.fold_in(others, index) for index in range(1, starts))]
    return jax.tree.map(lambda *parts: jnp.stack(parts), *(random_state(structure, signed, k) for k in keys))
