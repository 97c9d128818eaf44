r"""INS: an input is the amplitude of one pulse, and lines carry sums of currents.

*Gate-coupled cells* mirror an input current: ``I = c x^(1 + d)``, d the mismatch of a cell's slope and its driver's, to
first order ``c (x + d x ln x)``. *Passive cells* see a voltage, and bend it: ``sinh(k z) / sinh(k)`` of ``z = x s``,
s the share that wires and amplifier leave. Drivers of inputs deviate, one per row.

The line stands at a voltage that falls with its current by up to the swing, so ``u = q e^(-a u)``; to third order that
is ``ln(1 + 2 a q) / 2 a``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.vmm.cells import POWERS, bent
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.drain import fallen
from anamorph.vmm.integration import charge, noisy
from anamorph.vmm.magnitudes import Magnitudes

#: Inputs below this are reckoned as it, in the logarithm alone.
LEAST = 1e-6


def gate_coupled(
    x: Float[Array, "patterns rows"],
    currents: Float[Array, "lines rows columns"],
    m: Magnitudes,
    die: VmmDie,
    key: PRNGKeyArray | None,
) -> Float[Array, "lines patterns columns"]:
    """Signals of all lines of gate-coupled cells."""
    x = x * (1 + m.driver * die.driver)
    q = charge(x, currents, m, die)
    q = q + jnp.einsum("pr,lrc->lpc", x * jnp.log(jnp.maximum(x, LEAST)), currents * m.slope * die.slope)
    q = noisy(q, m.shot * jax.lax.stop_gradient(q), key)
    return fallen(q, 2 * m.bend)


def passive(
    x: Float[Array, "patterns rows"],
    currents: Float[Array, "lines rows columns"],
    share: Float[Array, "lines rows columns"],
    m: Magnitudes,
    die: VmmDie,
    key: PRNGKeyArray | None,
) -> Float[Array, "lines patterns columns"]:
    """Signals of all lines of passive cells; `share` of the voltage is left."""
    x = x * (1 + m.driver * die.driver)
    parts = (
        coefficient * jnp.einsum("pr,lrc->lpc", x**p, currents * share**p)
        for p, coefficient in zip(POWERS, bent(m.curvature), strict=True)
    )
    q = sum(parts) + jnp.zeros((), x.dtype)
    return noisy(q, m.shot * jax.lax.stop_gradient(q), key)
