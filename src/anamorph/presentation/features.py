"""What is known of an input before it is shown: its current, and what the trained model makes of it.

The input's current costs one summation. The model's currents cost a forward pass in software, as much as the answer
itself: they say how much of the time is predictable at all, and suit a host that has run the model anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.characterise.transfer import Transfer
from anamorph.substrate.contract import Substrate

#: Smallest share of the input's current, and smallest lead, that a feature tells from none.
FAINT = 1e-3
CURRENT = "input current"


def current_features(currents: Float[np.ndarray, "patterns n_in"]) -> Float[np.ndarray, "patterns 1"]:
    """Logarithm of the total input current (in A)."""
    return np.log(np.maximum(currents.sum(axis=1, keepdims=True), 1e-15))


def model_features(
    substrate: Substrate,
    transfer: Transfer,
    weights: Sequence[Float[np.ndarray | Array, "_ _"]],
    x: Float[np.ndarray, "patterns n_in"],
) -> tuple[tuple[str, ...], Float[np.ndarray, "patterns features"]]:
    """Logarithms of what the model of one chip answers: ratios, which do not depend on the input's scale.

    Args:
        substrate: kind of circuit.
        transfer: measured characteristics; those of the first chip are used.
        weights: of that chip, one array per weight matrix.
        x: inputs, 1 being full scale; those that are missing are zero.

    Returns:
        Names, and for each pattern: every hidden layer's current and the largest output over the input's, and the lead
        of that output over the second one, as a share of it.
    """
    layers = (weights[0].shape[0], *(w.shape[1] for w in weights))
    one = jax.tree.map(lambda a: a[0], transfer.select(layers))
    y = substrate.layer(one, 0, None, jnp.asarray(np.pad(x, ((0, 0), (0, layers[0] - x.shape[1])))))
    total = np.maximum(np.asarray(y.sum(-1)), FAINT)
    hidden = []
    for index, matrix in enumerate(weights, start=1):
        y = substrate.layer(one, index, jnp.asarray(matrix), y)
        hidden.append(np.asarray(y.sum(-1)) / total)
    outputs = np.sort(np.asarray(y), axis=-1)
    first, second = outputs[:, -1], outputs[:, -2] if outputs.shape[1] > 1 else np.zeros(len(outputs))
    lead = (first - second) / np.maximum(first, FAINT * total)
    names = (*(f"current of hidden layer {k}" for k in range(1, len(weights))), "largest output", "lead")
    columns = [*hidden[:-1], first / total, lead]
    return names, np.log(np.maximum(np.stack(columns, axis=-1), FAINT))
