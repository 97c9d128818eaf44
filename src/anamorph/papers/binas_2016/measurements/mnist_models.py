"""Training 196-100-50-10 networks on MNIST without and with the slopes of a die."""

from __future__ import annotations

from anamorph.papers.binas_2016.measurements._large import Large, models
from anamorph.papers.measure import Context, Findings


def measure(context: Context) -> Findings:
    """Behavioural accuracies by the recipe of the experiment `mnist14`, which goes past the paper's."""
    large = Large.of(context, "mnist14")
    return Findings(models(large, "mnist"))
