"""Numbers with units as a reader sees them in a report."""

from __future__ import annotations

from anamorph.units import show


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """`anamorph.units.show` with the micro sign: ``quantity(1.5e-5, "s")`` is ``"15 µs"``.

    Thousands are written out (``"3,100 µm²"``), and number and unit stay on one line (no-break space). The
    command line and ``result.json`` keep plain letters.
    """
    number, _, shown = show(value, unit, digits).partition(" ")
    if "e+" in number and abs(float(number)) < 1e7:
        number = f"{float(number):,.0f}"
    if shown.startswith("u") and not unit.startswith("u"):
        shown = f"µ{shown[1:]}"
    return f"{number}\u00a0{shown}" if shown else number


def percent(share: float, digits: int = 3) -> str:
    """A share of 1 in per cent: ``percent(0.967)`` is ``"96.7 %"``."""
    return quantity(share, "%", digits)
