r"""How far a line's own motion spoils the charge on it: barrier lowering and channel-length modulation.

All cells of a line see the same drain voltage, and in weak inversion its change multiplies all their currents by
the same factor (`anamorph.device.memory_cell.drain_factor`). For a fall u from where the line starts,

    du/dq = exp(-a u),    u = ln(1 + a q) / a,    a = sigma / (n U_T) + lambda / (1 + lambda V_0)

with q the fall that constant currents would make, sigma the lowering of the barrier (V/V), lambda the modulation, V_0
the voltage at the start; lambda's own factor is taken as the exponential of the same slope, and saturation as
complete. So neither the order nor the length of pulses counts, only their charge.

A converter that is calibrated at both ends of a swing S leaves an error of a S^2 / 8 in between: half a step of
4 / (a S) steps. Each doubling of the swing takes one bit.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.vmm.physics import Physics

#: Points on which a line's error is looked for.
POINTS = 2001
#: Below this, ``ln(1 + z) / z`` is its series.
SMALL = 1e-4


def steepness(physics: Physics) -> float:
    """a: relative loss of current per volt of fall, 1/V; zero for a passive cell, whose line is held still."""
    if not physics.active:
        return 0.0
    barrier = physics.dibl / (physics.slope_factor * physics.thermal)
    return barrier + physics.clm / (1 + physics.clm * physics.drain)


def fallen(q: Float[Array, "*any"], a: Float[Array, ""] | float) -> Float[Array, "*any"]:
    """u of q, `a` in units of 1/q; also for an `a` of zero, for which it is q."""
    z = a * q
    small = jnp.abs(z) < SMALL
    safe = jnp.where(small, 1.0, z)
    # the next term is 1e-13
    return q * jnp.where(small, 1 - z / 2 + z**2 / 3, jnp.log1p(safe) / safe)


def line_bits(physics: Physics, swing: float | None = None) -> float:
    """Effective precision of one line that moves by `swing` (V; the design's if left out), calibrated at both ends.

    Half a step is the largest distance from the straight line; infinite for a passive cell.
    """
    a = steepness(physics)
    if not a:
        return math.inf
    q = np.linspace(0, physics.swing if swing is None else swing, POINTS)
    u = np.log1p(a * q) / a
    return math.log2(u[-1] / (2 * np.abs(u - q * u[-1] / q[-1]).max()))
