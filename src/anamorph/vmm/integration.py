r"""One integration of cells' currents on their lines: charge, its noise, leakage, and the line's own motion.

``q = sum_i c_i (on_i + o (1 - on_i)) + leak``, with o the share that a cell conducts while its input is off; then the
line's fall u(q) (`drain.fallen`). Noise of the charge is that of its electrons: variance ``shot * q``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.vmm.dies import VmmDie
from anamorph.vmm.drain import fallen
from anamorph.vmm.magnitudes import Magnitudes


def charge(
    on: Float[Array, "patterns rows"], currents: Float[Array, "lines rows columns"], m: Magnitudes, die: VmmDie
) -> Float[Array, "lines patterns columns"]:
    """q of every line, without noise."""
    driven = jnp.einsum("pr,lrc->lpc", on, currents)
    always = m.off * jnp.sum(currents, axis=1)[:, None]
    return (1 - m.off) * driven + always + (m.leak * (1 + m.leak_spread * die.leak))[:, None]


def noisy(
    q: Float[Array, "*any"], variance: Float[Array, "*any"] | Float[Array, ""] | float, key: PRNGKeyArray | None
) -> Float[Array, "*any"]:
    """With normal noise of this variance; without a key, none."""
    if key is None:
        return q
    # the root's slope at zero is infinite
    return q + jnp.sqrt(jnp.maximum(variance, 0) + 1e-30) * jax.random.normal(key, q.shape, q.dtype)


def integrated(
    on: Float[Array, "patterns rows"],
    currents: Float[Array, "lines rows columns"],
    m: Magnitudes,
    die: VmmDie,
    key: PRNGKeyArray | None,
) -> Float[Array, "lines patterns columns"]:
    """Signal of every line after one integration on its first capacitor."""
    q = charge(on, currents, m, die)
    q = noisy(q, m.shot * jax.lax.stop_gradient(q), key)
    return fallen(q, m.bend) / (1 + m.capacitor * die.capacitor[0])[:, None]
