r"""LIN: an input comes bit by bit, the last bit first; each bit's charge is added and the sum halved.

Successive integration and division: the line's own capacitor C1 integrates one bit's charge, then shares it with C2,
which holds what was before,

    V <- r V + (1 - r) u_b,    r = C2 / (C1 + C2)

so with equal capacitors bit b ends up with the weight ``2^(b - p)``. Every line has its own C1 and C2: r deviates,
and the same deviation acts at every bit. Each bit starts from a line that is charged anew, so the line's motion
(`drain.py`) is that of one bit; leakage and noise come once per bit, and what came earlier is halved with the rest.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.vmm.dies import VmmDie
from anamorph.vmm.integration import integrated, noisy
from anamorph.vmm.magnitudes import Magnitudes


def lines(
    x: Float[Array, "patterns rows"],
    currents: Float[Array, "lines rows columns"],
    m: Magnitudes,
    die: VmmDie,
    key: PRNGKeyArray | None,
    bits: int,
) -> Float[Array, "lines patterns columns"]:
    """Signals of all lines; `x` in 0..1 is rounded to so many bits.

    The derivative is that of one integration of `x` itself: bits have none.
    """
    smooth = integrated(x, currents, m, die, None)
    code = jnp.round(jax.lax.stop_gradient(x) * (2**bits - 1)).astype(jnp.int32)
    planes = ((code[None] >> jnp.arange(bits)[:, None, None]) & 1).astype(x.dtype)
    keys = None if key is None else jax.random.split(key, bits)
    division = (1 + m.capacitor * die.capacitor[1]) / (2 + m.capacitor * die.capacitor.sum(0))
    r = division[:, None]

    def add_and_halve(held: Array, step: tuple[Array, PRNGKeyArray | None]) -> tuple[Array, None]:
        plane, own = step
        of_cells, of_sharing = (None, None) if own is None else jax.random.split(own)
        u = integrated(plane, currents, m, die, of_cells)
        # two equal capacitors share: half of kT/C of one
        return noisy(r * held + (1 - r) * u, m.shared / 2, of_sharing), None

    held = jax.lax.scan(add_and_halve, jnp.zeros_like(smooth), (planes, keys))[0]
    exact = held * 2**bits / (2**bits - 1)
    return smooth + jax.lax.stop_gradient(exact - smooth)
