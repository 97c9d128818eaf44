"""Circuitry that writes memory cells: high-voltage switches of every line, and what write-verify takes.

A cell gets so many pulses per bit of precision, each followed by a reading, and cells are written one after the other.
The plan of a matrix's own weights is `anamorph.vmm.write_verify`'s; this is what to expect of a block.
"""

from __future__ import annotations

import numpy as np

from anamorph.processor.components.component import Component
from anamorph.technology.memory import Memory


def tuning(memory: Memory) -> Component:
    """Of a memory. Bits are those of a weight; size is cells (energy, latency) or lines with switches (area)."""
    write = memory.values("write")
    figures = memory.figures["write"].values()
    pulse = write["v_write"] * write["i_write"] * write["t_pulse"]
    each = write["t_pulse"] + write["t_verify"]
    return Component(
        "tuning", "all cells written once", "of a weight", "cells to write; lines for area",
        "; ".join(dict.fromkeys(figure.source for figure in figures)), "assumed",
        lambda b, n: n * b * write["pulses_per_bit"] * pulse, lambda b, n: n * write["switch_area"] * np.ones_like(b),
        lambda b, n: n * b * write["pulses_per_bit"] * each, lambda b, n: np.zeros_like(b),
    )  # fmt: skip
