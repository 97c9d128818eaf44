r"""Lines and cells of a multiplier: capacitances from geometry, the swing that precision allows, slots.

**Swing.** The current of a subthreshold cell depends on its drain by ``kappa = sigma / (n U_T) + lambda`` per volt, so
a line that is discharged by Delta V follows ``(1 - exp(-kappa q)) / kappa`` instead of the charge q over capacitance.
Once the ends are calibrated, the largest deviation from the straight line is ``kappa Delta V^2 / 8``. Half of an
output's least significant bit, ``Delta V / 2^(p+1)``, is allowed, so

    Delta V = min(swing_max, 4 / (2^p kappa)).

**Slot.** An input line of N cells is a distributed RC line. A slot lasts one clock, or three times 0.5 R C if that is
longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anamorph.processor.components.component import Numbers
from anamorph.technology.memory import Memory

#: Thermal voltage at 27 degrees Celsius, V.
U_T = 0.02585
BOLTZMANN_T = 1.380649e-23 * 300.15
#: An output's least significant bit is at least so many standard deviations of noise.
NOISE_MARGIN = 2.0
#: Settling of an input line: so many times R C / 2.
LINE_SETTLING = 3.0


@dataclass(frozen=True)
class Lines:
    """Lines of a block of rows x columns weights; a signed weight is a pair of cells, on two output lines.

    Attributes:
        c_input: of one input line, F.
        c_output: of one output line, F.
        r_input, r_output: from end to end, ohm.
    """

    c_input: Numbers
    c_output: Numbers
    r_input: Numbers
    r_output: Numbers


def lines_of(memory: Memory, rows: Numbers, columns: Numbers) -> Lines:
    """Capacitance and resistance of the lines, from pitch and cell."""
    v = memory.values("lines")
    per_input = v["c_input"] + v["pitch_input"] * v["c_wire"]
    per_output = v["c_output"] + v["pitch_output"] * v["c_wire"]
    return Lines(
        2 * columns * per_input, rows * per_output, 2 * columns * v["r_input"], rows * v["r_output"]
    )  # fmt: skip


def slot_of(lines: Lines, clock: float) -> Numbers:
    """Unit duration of an input pulse, s."""
    return np.maximum(clock, LINE_SETTLING * 0.5 * lines.r_input * lines.c_input)


def drain_effect(memory: Memory) -> float:
    """kappa: relative change of an active cell's current per volt of its drain, 1/V."""
    v = memory.values("active")
    return v["dibl"] / (v["slope_factor"] * U_T) + v["clm"]


def swing_of(memory: Memory, output_bits: Numbers) -> Numbers:
    """Swing of an output line of active cells that leaves `output_bits`, V."""
    return np.minimum(memory.value("active", "swing_max"), 4.0 / (2.0**output_bits * drain_effect(memory)))


def linear_read_voltage(memory: Memory, input_bits: Numbers) -> Numbers:
    """Voltage of a full-scale amplitude whose cells stay within half a bit of ohmic, V.

    ``I = G sinh(beta V)/beta`` is ``G V (1 + (beta V)^2/6)``; calibrated at full scale, the deviation is at most
    ``2/(3 sqrt 3)`` of ``(beta V)^2/6``.
    """
    v = memory.values("passive")
    if v["nonlinearity"] == 0:
        return np.broadcast_to(np.asarray(v["v_read"]), np.shape(input_bits))
    allowed = np.sqrt(6.0 * 1.5 * np.sqrt(3.0) / 2.0 ** (np.asarray(input_bits, float) + 1)) / v["nonlinearity"]
    return np.minimum(v["v_read"], allowed)


def wire_error(memory: Memory, lines: Lines, rows: Numbers, columns: Numbers) -> Numbers:
    """Relative loss at a passive cell at the far ends of its lines, weights at random.

    Current that all cells of a line carry drops over half of its resistance: ``G (2 M R_input + N R_output) / 2`` with
    the mean conductance of a cell, of a pair of which one has half of the largest on average.
    """
    v = memory.values("passive")
    mean = v["g_max"] * (0.25 + 0.75 / v["g_ratio"])
    return 0.5 * mean * (2 * columns * lines.r_input + rows * lines.r_output)
