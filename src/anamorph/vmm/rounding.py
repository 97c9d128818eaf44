"""Rounding to bits, with a gradient that passes straight through inside the range and not outside it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

#: Values midway between two steps go up, whatever the last bits of a sum: so much below the middle counts as it, steps.
TIE = 1e-6


def straight_through(
    exact: Float[Array, "*any"], rounded: Float[Array, "*any"], low: float, high: float
) -> Float[Array, "*any"]:
    """`rounded`, with the derivative of `exact` where that is within the range."""
    inside = (exact >= low) & (exact <= high)
    return jax.lax.stop_gradient(rounded) + jnp.where(inside, exact - jax.lax.stop_gradient(exact), 0.0)


def to_steps(x: Float[Array, "*any"], low: float, high: float, step: float) -> Float[Array, "*any"]:
    """The nearest multiple of `step` within the range."""
    nearest = step * jnp.floor(x / step + (0.5 + TIE))
    return straight_through(x, jnp.clip(nearest, low, high), low, high)


def weight_steps(bits: int) -> int:
    """Steps from zero to the largest weight, a sign taken off: 7 for 4 bits; 1 for one bit, which has a sign alone."""
    return max(2 ** (bits - 1) - 1, 1)


def weights_to_bits(w: Float[Array, "*any"], bits: int) -> Float[Array, "*any"]:
    """Weights in -1..1 on the levels of so many bits, sign included; one bit has no zero."""
    if bits == 1:
        return straight_through(w, jnp.where(w < 0, -1.0, 1.0).astype(w.dtype), -1.0, 1.0)
    return to_steps(w, -1.0, 1.0, 1 / weight_steps(bits))


def inputs_to_bits(x: Float[Array, "*any"], bits: int) -> Float[Array, "*any"]:
    """Inputs in 0..1 on the levels of so many bits."""
    return to_steps(x, 0.0, 1.0, 1 / (2**bits - 1))


def outputs_to_bits(y: Float[Array, "*any"], bits: int, span: float, rectify: bool) -> Float[Array, "*any"]:
    """Outputs on the levels of a converter: from -span to span with a zero, or from 0 to span."""
    low, steps = (0.0, 2**bits - 1) if rectify else (-span, weight_steps(bits))
    return to_steps(y, low, span, span / steps)
