"""The rectifier of output neurons, with a gradient by which a silent one can be called."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.custom_vjp
def output_rectifier(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """``max(0, x)``, for the last layer of a network that is trained.

    The derivative of a rectifier is zero where it is silent, so an output that is silent for all samples stays so,
    however much its class misses it: coarse weights leave many starts there. Backwards, what would raise a silent
    output (a negative gradient of the loss) passes here as if it were active; what would lower it further stops, as
    that changes nothing. Where the output is active the derivative is the exact one.
    """
    return jnp.maximum(x, 0)


def _forward(x: Array) -> tuple[Array, Array]:
    return output_rectifier(x), x > 0


def _backward(active: Array, gradient: Array) -> tuple[Array]:
    return (jnp.where(active | (gradient < 0), gradient, 0.0),)


output_rectifier.defvjp(_forward, _backward)
