"""Networks on dies whose every transistor deviates by the area law, with noise on top.

What `anamorph.mixed_signal.monte_carlo.frozen_deviations` leaves open, how large the deviation of a weight is, follows
here from the sizes of the cell's transistors: `anamorph.characterise.pair_mismatch`. Deviations go with the weight;
offsets are taken as blocked by the coupling capacitors.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from anamorph.cell.differential_pair import DifferentialPair, standard
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.pair_mismatch import PairSpreads, drawn_synapses, made_weights, pair_spreads
from anamorph.errors import BadInput
from anamorph.mixed_signal.monte_carlo import Errors, Evaluation, evaluated
from anamorph.mixed_signal.network import MacNetwork, Weights
from anamorph.technology import Technology

#: Sizes of a cell, and how far its transistors are expected to deviate.
Cell = tuple[DifferentialPair, PairSpreads]


def cell_spreads(technology: Technology, n_bits: int, bias: float, area: float = 1.0) -> Cell:
    """The cell of that many bits, made for a tail current (A), and what its transistors make one expect.

    Args:
        technology: of its transistors.
        n_bits: of a weight.
        bias: tail current, A.
        area: of every transistor, in units of the design's: deviations fall with its square root.

    Raises:
        BadInput: an area that is none.
        OutOfDomain: a bias for which there is no size.
    """
    if not (np.isfinite(area) and area > 0):
        raise BadInput("not an area", where="dies: area", expected="above 0", got=f"{area}")
    design = sized(technology, bias, standard(n_bits))
    spreads = pair_spreads(technology, design)
    return design, PairSpreads(*(one / area**0.5 for one in spreads))


def made(
    weights: Sequence[Weights], design: DifferentialPair, spreads: PairSpreads, key: PRNGKeyArray, limit: float
) -> tuple[Weights, ...]:
    """What one die makes of weights and biases that are multiples of ``1 / (2^n_bits - 1)``."""

    def on_die(w: jax.Array, own: PRNGKeyArray) -> jax.Array:
        code = jnp.round(jnp.abs(w) * design.full_code).astype(jnp.int32)
        drawn = drawn_synapses(own, w.shape, design, spreads, limit)
        return (jnp.sign(w) * made_weights(code, *drawn, design)[0]).astype(w.dtype)

    found = []
    for number, one in enumerate(weights):
        synapses, bias = jax.random.split(jax.random.fold_in(key, number))
        found.append(one._replace(synapses=on_die(one.synapses, synapses), bias=on_die(one.bias, bias)))
    return tuple(found)


def mismatched(
    network: MacNetwork,
    weights: tuple[Weights, ...],
    x: Float[np.ndarray, "images features"],
    labels: Int[np.ndarray, " images"],
    cell: Cell,
    dies: int,
    key: PRNGKeyArray,
    *,
    sigma: float = 0.0,
    limit: float = np.inf,
) -> Errors:
    """Errors of dies, all under the same fresh noise.

    Args:
        network: layers.
        weights: rounded to the cell's bits.
        x: images, values from 0 to 1 in units of full scale.
        labels: their classes.
        cell: as of `cell_spreads`.
        dies: how many.
        key: of dies and noise. Die ``i`` depends on `key` and ``i`` alone.
        sigma: of the noise of every branch, in units of the largest weight.
        limit: no transistor deviates by more than so many standard deviations (the paper's "+-3 sigma").

    Raises:
        BadInput: no dies.
    """
    if dies < 1:
        raise BadInput("no dies", where="dies", expected="1 or more", got=str(dies))
    keys = [jax.random.fold_in(key, number) for number in range(dies)]
    asked = [Evaluation(made(weights, *cell, own, limit), sigma, number) for number, own in enumerate(keys)]
    errors = evaluated(network, asked, x, labels, key, of_branches=True)
    return Errors(errors[None], np.array([sigma]))
