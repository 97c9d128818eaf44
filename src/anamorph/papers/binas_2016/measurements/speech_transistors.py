"""Measuring, fine-tuning, programming and running dies on spoken digits."""

from __future__ import annotations

from anamorph.papers.binas_2016.measurements._large import Large, transistors
from anamorph.papers.measure import Context, Findings


def measure(context: Context) -> Findings:
    """The official test split of the stand-in data through every transistor of many dies."""
    large = Large.of(context, "spoken_digits")
    return Findings({"speech_transistors": transistors(large, "speech")})
