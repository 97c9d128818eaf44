"""What a programmed chip costs: each line with its range, its basis and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anamorph.errors import BadInput, nearest


@dataclass(frozen=True)
class CostLine:
    """One figure in SI units; `low` and `high` bound it.

    `basis` is that of its weakest part: "simulated", "published", "calibrated" or "assumed".
    """

    quantity: str
    value: float
    unit: str
    low: float
    high: float
    basis: str
    source: str
    n: int = 1


@dataclass(frozen=True)
class CostSheet:
    """Lines in the order in which they are shown."""

    lines: tuple[CostLine, ...]

    def line(self, quantity: str) -> CostLine:
        """The line of a quantity.

        Raises:
            BadInput: no such line.
        """
        for line in self.lines:
            if line.quantity == quantity:
                return line
        known = [line.quantity for line in self.lines]
        raise BadInput(f"no cost line '{quantity}'", advice=nearest(quantity, known))

    def metrics(self) -> dict[str, dict[str, Any]]:
        """The lines as `result.json` holds them."""
        return {
            line.quantity: {
                "value": line.value,
                "unit": line.unit,
                "low": line.low,
                "high": line.high,
                "basis": line.basis,
                "n": line.n,
            }
            for line in self.lines
        }
