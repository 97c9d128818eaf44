"""Networks of memory-cell multipliers, joined by converters that rectify."""

from anamorph.substrate.crossbar.crossbar import Crossbar

__all__ = ["Crossbar"]
