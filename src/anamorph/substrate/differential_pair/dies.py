"""What differs from die to die: the input groups and tails of all synapses, the current sources beside the loads.

Logarithms of factors by which currents are off, normal by the area law (`anamorph.characterise.pair_mismatch`). A load
diode's threshold moves the DC level of an output, which coupling capacitors block, and is left out.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.characterise.pair_mismatch import PairSpreads, drawn_synapses
from anamorph.substrate.contract import Shape


class Deviations(NamedTuple):
    """With a leading axis of dies; one array per weight matrix but for `reading`.

    Attributes:
        inputs: of every group of every synapse, ``[dies, n_in, n_out, 2, bits]``.
        tails: of every synapse, ``[dies, n_in, n_out]``.
        feeds: of the sources that carry what a synapse draws, both sides, ``[dies, n_in, n_out, 2]``; the first synapse
            has none, and a figure that is not used.
        reading: of the pair that reads each output, ``[dies, n_out]``.
    """

    inputs: tuple[Float[Array, "dies _ _ 2 bits"], ...]
    tails: tuple[Float[Array, "dies _ _"], ...]
    feeds: tuple[Float[Array, "dies _ _ 2"], ...]
    reading: Float[Array, "dies _"]


def fabricated(
    key: PRNGKeyArray, n_dies: int, shape: Shape, design: DifferentialPair, spreads: PairSpreads
) -> Deviations:
    """Draw dies; die i follows from the key and i alone."""
    dies = [_die(jax.random.fold_in(key, i), shape, design, spreads) for i in range(n_dies)]
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *dies)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _die(key: PRNGKeyArray, shape: Shape, design: DifferentialPair, spreads: PairSpreads) -> tuple:
    """Of one die, without the axis of dies."""
    inputs, tails, feeds = [], [], []
    for layer, size in enumerate(zip(shape, shape[1:], strict=False)):
        own, fed = jax.random.split(jax.random.fold_in(key, layer))
        groups, tail = drawn_synapses(own, size, design, spreads)
        inputs.append(groups)
        tails.append(tail[..., 0])
        feeds.append(spreads.feed * jax.random.normal(fed, (*size, 2)))
    reading = spreads.tail * jax.random.normal(jax.random.fold_in(key, len(shape)), (shape[-1],))
    return Deviations(tuple(inputs), tuple(tails), tuple(feeds), reading)
