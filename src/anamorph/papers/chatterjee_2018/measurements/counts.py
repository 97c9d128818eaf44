"""Counting the transistors of generated multipliers."""

from __future__ import annotations

from anamorph.digital.wallace import multiplier
from anamorph.papers.measure import Context, Findings, Measured


def measure(context: Context) -> Findings:
    """Of Wallace trees of AND gates, half and full adders."""
    return Findings({f"transistors_{n}": Measured(float(multiplier(n).transistors), basis="counted") for n in (3, 8)})
