"""What training of spiking networks makes small: wrong answers, and excitations where no neuron was characterised."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

#: How much slower the sharpness of the decision is learned than a weight.
SLOWER = 0.2
#: Its logarithm at the start, over `SLOWER`.
SHARPNESS = 0.7 / SLOWER


def cross_entropy(
    y: Float[Array, "n classes"], labels: Int[Array, " n"], sharpness: Array, rise: Array, focus: float = 0.0
) -> Array:
    """Of outputs in units of how far images move them; `rise` is how much counts of what no image moves."""
    centred = y - y.mean(axis=1, keepdims=True)
    spread = jnp.sqrt(jnp.mean(jnp.var(centred, axis=0)) + 1e-12)
    logits = jnp.exp(SLOWER * sharpness) * (centred - (1 - rise) * centred.mean(axis=0)) / spread
    entropy = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    if focus:
        q = jnp.maximum(focus * rise, 1e-3)
        entropy = -jnp.expm1(-q * entropy) / q
    return entropy.mean()


def outside(excitations: tuple[Array, ...]) -> Array:
    """Mean square of what lies above 1."""
    return jnp.asarray(sum(jnp.mean(jax.nn.relu(x - 1) ** 2) for x in excitations))
