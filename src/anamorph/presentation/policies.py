"""What a policy of presentation costs and gets right, from the transients of the test samples.

An answer counts as right when it is the label's *and* final at the moment when it is read (the time to output of Binas
et al. 2016, section 3.5): an output that passes through the right class on its way does not count, with any policy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from anamorph.presentation.law import Law
from anamorph.substrate.current_mirror.dynamics import Dynamics

#: How far an input's current may be scaled down and up.
SCALES = (0.25, 4.0)


@dataclass(frozen=True)
class Outcome:
    """One policy on the test samples.

    Attributes:
        time: until each answer is read, s.
        energy: of each, J.
        right: final and of the right class.
        final: final.
    """

    time: Float[np.ndarray, " patterns"]
    energy: Float[np.ndarray, " patterns"]
    right: Bool[np.ndarray, " patterns"]
    final: Bool[np.ndarray, " patterns"]


def stopped(found: Dynamics, stops: Float[np.ndarray, " patterns"], labels: Int[np.ndarray, " patterns"]) -> Outcome:
    """Read every answer at its own time (s), at the end of the transient at the latest.

    Patterns whose transient did not converge have no energy, and count as wrong.
    """
    stops = np.minimum(stops, found.presentation)
    times = np.concatenate([[0.0], found.run_times])
    energies = np.concatenate([np.zeros((len(stops), 1)), found.energy_by], axis=1)
    energy = np.array([np.interp(t, times, row) for t, row in zip(stops, energies, strict=True)])
    final = found.converged & (np.where(np.isfinite(found.time_to_output), found.time_to_output, np.inf) <= stops)
    return Outcome(stops, energy, final & (found.classes == labels), final)


def own_times(found: Dynamics) -> Float[np.ndarray, " patterns"]:
    """Each pattern's own time to output, s, and the whole presentation where there is none: what nobody can know."""
    return np.where(np.isfinite(found.time_to_output), found.time_to_output, found.presentation)


def scales(law: Law, log_times: Float[np.ndarray, " patterns"], presentation: float) -> Float[np.ndarray, " patterns"]:
    """Factors on the input currents at which patterns that need ``exp(log_times)`` (s) need just the presentation.

    Raises nothing: a law whose exponent is not positive knows no scale, and leaves all currents as they are.
    """
    if law.exponent <= 0:
        return np.ones_like(log_times)
    wanted = np.exp((log_times - np.log(presentation)) / law.exponent)
    return np.clip(wanted, *SCALES)
