"""EXP: an input is the duration of one pulse, so a cell's charge is its current times that duration.

One integration over all slots of the input (`integration.py`); sampled on the line's capacitor, with kT/C.
"""

from __future__ import annotations

import jax
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
) -> Float[Array, "lines patterns columns"]:
    """Signals of all lines; `x` in 0..1 is the share of the longest duration."""
    of_cells, of_sample = (None, None) if key is None else jax.random.split(key)
    return noisy(integrated(x, currents, m, die, of_cells), m.shared, of_sample)
