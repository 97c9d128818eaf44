r"""Cost of multipliers whose cells are resistors: amplifiers must hold the output lines still.

A sense amplifier with feedback keeps its line at virtual ground, against the noise gain F of its feedback: with a
resistor that makes Delta V of the full-scale current of N rows at V_read, ``F = 1 + Delta V / V_read``, whatever N and
G are; with an integrating capacitor ``F = 1 + C_line / C``. To settle to half a bit in t,

    g_m = (p + 1) ln 2 F (C_line + C_sample) / t,

each stage is biased at ``g_m / (g_m/I)``, and a gain of ``2^(p+1) F`` takes so many stages. Both lines of an output
have an amplifier, and it sinks at least their full-scale current. INS has the whole input time to settle, LIN and EXP
have half a slot, as edges come at any time: that is why passive cells favour amplitudes (Bavandpour et al. 2019,
section II). The integrated charge ``N G V_read t`` asks for a capacitor, in EXP for a large one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anamorph.processor.components import Library
from anamorph.processor.components.component import Component, Numbers
from anamorph.processor.components.integrator import EDGE, amplifier
from anamorph.technology.memory import Memory
from anamorph.vmm.block import Energy
from anamorph.vmm.cost_active import Flags, Parts, Sizes
from anamorph.vmm.lines import Lines, linear_read_voltage, lines_of, slot_of, wire_error

#: Clocks that an amplitude stands before it is converted, beside those that lines ask for.
INS_CLOCKS = 4


class _Drive(NamedTuple):
    """How inputs come in: what drives a row, full-scale voltage, times."""

    source: Component
    read: Numbers
    on: Numbers  # how long inputs take, s
    flowing: Numbers  # how long cells carry current, s
    settle: Numbers  # what the amplifier has to settle, s
    integrated: Numbers | None  # time over which a full-scale current is integrated, s
    capacitors: float  # per line


def passive_parts(memory: Memory, lib: Library, size: Sizes, encoding: str) -> Parts:
    """One of the three encodings."""
    v, cells, analog = memory.values("lines"), memory.values("passive"), lib.figures["analog"]
    lines = lines_of(memory, size.rows, size.columns)
    slot = slot_of(lines, lib.clock)
    drive = _drive(memory, lib, size, slot, encoding)
    swing = np.broadcast_to(cells["swing_max"], np.shape(slot))
    bias, stages, hold = _sense(memory, lib, size, lines, drive, swing)
    # the supply feeds a line through its driver, whatever the read voltage is
    mean = 2 * cells["g_max"] * (0.25 + 0.75 / cells["g_ratio"]) * drive.read * v["v_dd"]
    buffers = encoding == "ins"  # amplitudes have to be driven into the rows
    convert = lib.adc.latency(size.output_bits)
    terms = {
        "array": Energy(cell_data=0.5 * mean * drive.flowing, row_data=_swing_energy(memory, lines, size, encoding)),
        "input": Energy(
            row=drive.source.energy(size.input_bits) + buffers * analog["buffer_current"] * v["v_dd"] * drive.on
        ),
        "integration": Energy(column=2 * (bias * (drive.on + convert) + drive.capacitors * hold * swing) * v["v_dd"]),
        "conversion": Energy(column=lib.adc.energy(size.output_bits)),
    }
    row = drive.source.area(size.input_bits) + v["driver_area"] + buffers * analog["buffer_area"]
    line = stages * analog["stage_area"] + drive.capacitors * hold / analog["capacitor_density"]
    area = {
        "input": size.rows * row,
        "integration": size.columns * 2 * line,
        "conversion": size.columns * lib.adc.area(size.output_bits),
    }
    leakage = size.rows * drive.source.leakage(size.input_bits) + size.columns * lib.adc.leakage(size.output_bits)
    return Parts(
        drive.on + convert, np.maximum(drive.on, convert), terms, area, leakage, cells["g_max"] * drive.read, swing,
        _bounds(memory, lib, size, lines, slot, drive.read, encoding),
    )  # fmt: skip


def _drive(memory: Memory, lib: Library, size: Sizes, slot: Numbers, encoding: str) -> _Drive:
    if encoding == "ins":
        on = np.maximum(INS_CLOCKS * lib.clock, slot)
        return _Drive(lib.dac, linear_read_voltage(memory, size.input_bits), on, on, on, None, 1.0)
    read = np.broadcast_to(memory.value("passive", "v_read"), np.shape(slot))
    if encoding == "exp":
        on = 2.0**size.input_bits * slot
        return _Drive(lib.pulse, read, on, on, EDGE * slot, on - slot, 1.0)
    flowing = size.input_bits * slot
    return _Drive(lib.serial, read, flowing + size.input_bits * lib.clock, flowing, EDGE * slot, slot, 2.0)


def _sense(
    memory: Memory, lib: Library, size: Sizes, lines: Lines, drive: _Drive, swing: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Bias of a line's amplifier, A, its stages, and the capacitance that holds what it gives, F."""
    analog = lib.figures["analog"]
    full_current = size.rows * memory.value("passive", "g_max") * drive.read
    sample = analog["sense_capacitance"] + 2.0**size.output_bits * analog["unit_capacitor"]
    if drive.integrated is None:
        hold, noise_gain = sample, 1 + swing / drive.read
    else:
        hold = np.maximum(sample, full_current * drive.integrated / swing)
        noise_gain = 1 + lines.c_output / hold
    bias, stages = amplifier(analog, size.output_bits, lines.c_output + sample, noise_gain, drive.settle)
    return np.maximum(bias, full_current), stages, hold


def _swing_energy(memory: Memory, lines: Lines, size: Sizes, encoding: str) -> Numbers:
    """Charging an input line, J per row with inputs at half of full scale: once, or for every second bit."""
    v = memory.values("lines")
    times = 0.5 * size.input_bits if encoding == "lin" else 1.0
    return times * lines.c_input * memory.value("passive", "v_read") * v["v_dd"]


def _bounds(
    memory: Memory, lib: Library, size: Sizes, lines: Lines, slot: Numbers, read: Numbers, encoding: str
) -> Flags:
    half_bit = 0.5 / 2.0**size.output_bits
    line = np.asarray(slot > lib.clock)
    return {
        "input lines bound the slot": line & (encoding != "ins"),
        "the sense amplifier's bandwidth": np.logical_not(line) & (encoding != "ins"),
        "the sense amplifier's current": np.broadcast_to(encoding == "ins", np.shape(slot)),
        "bent I-V bounds the read voltage": np.asarray(read) < memory.value("passive", "v_read"),
        "wire resistance bounds the precision": wire_error(memory, lines, size.rows, size.columns) > half_bit,
    }
