"""Training networks on spoken digits without and with the slopes of a die."""

from __future__ import annotations

from anamorph.papers.binas_2016.measurements._large import Large, models
from anamorph.papers.measure import Context, Findings


def measure(context: Context) -> Findings:
    """Behavioural accuracies by the recipe of the experiment `spoken_digits`, on the stand-in for TIDIGITS."""
    return Findings(models(Large.of(context, "spoken_digits"), "speech"))
