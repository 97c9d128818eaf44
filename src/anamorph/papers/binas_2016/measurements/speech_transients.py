"""Transients of a die from one spoken digit to the next."""

from __future__ import annotations

import numpy as np

from anamorph.papers.binas_2016.measurements._large import Large
from anamorph.papers.binas_2016.measurements._transients import CURRENTS, decisions
from anamorph.papers.measure import Context, Findings, Measured


def measure(context: Context) -> Findings:
    """Operations per energy at a mean input current of 15 nA, over 15 us."""
    slow = decisions(Large.of(context, "spoken_digits"), "speech", CURRENTS[:1])[CURRENTS[0]]
    energy = float(np.nanmean(slow.found.energy))
    note = f"Over 15 us at 15 nA. {slow.counted}"
    return Findings({"speech_efficiency": Measured(slow.found.operations / energy, n=slow.n, note=note)})
