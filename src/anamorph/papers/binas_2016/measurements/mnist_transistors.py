"""Measuring, fine-tuning, programming and running 196-100-50-10 dies on MNIST."""

from __future__ import annotations

from anamorph.papers.binas_2016.measurements._large import Large, transistors
from anamorph.papers.measure import Context, Findings


def measure(context: Context) -> Findings:
    """All test images through every transistor of many dies; the paper ran 500 through one."""
    large = Large.of(context, "mnist14")
    return Findings({"mnist_transistors": transistors(large, "mnist")})
