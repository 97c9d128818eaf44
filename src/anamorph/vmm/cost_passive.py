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

import numpy as np

from anamorph.processor.components import Library
from anamorph.processor.components.component import Numbers
from anamorph.technology.memory import Memory
from anamorph.vmm.block import Energy
from anamorph.vmm.cost_active import Flags, Parts, Sizes
from anamorph.vmm.lines import Lines, linear_read_voltage, lines_of, slot_of, wire_error

#: Clocks that an amplitude stands before it is converted, beside those that lines ask for.
INS_CLOCKS = 4
#: Share of a slot in which an edge has to be over.
EDGE = 0.5
#: Currents of sense amplifiers over what they need in small signals.
SLEWING = 2.0


def passive_parts(memory: Memory, lib: Library, size: Sizes, encoding: str) -> Parts:
    """One of the three encodings."""
    v, cells, analog = memory.values("lines"), memory.values("passive"), lib.figures["analog"]
    lines = lines_of(memory, size.rows, size.columns)
    slot = slot_of(lines, lib.clock)
    if encoding == "ins":
        read = linear_read_voltage(memory, size.input_bits)
        on, settle = np.maximum(INS_CLOCKS * lib.clock, slot), np.maximum(INS_CLOCKS * lib.clock, slot)
        integrated, copies = None, 1.0
        source = lib.dac
    else:
        read = np.broadcast_to(cells["v_read"], np.shape(slot))
        settle = EDGE * slot
        source = lib.pulse if encoding == "exp" else lib.serial
        if encoding == "exp":
            on, integrated, copies = 2.0**size.input_bits * slot, (2.0**size.input_bits - 1) * slot, 1.0
        else:
            on, integrated, copies = size.input_bits * (slot + lib.clock), slot, 2.0
    swing = np.broadcast_to(cells["swing_max"], np.shape(slot))
    full_current = size.rows * cells["g_max"] * read
    sample = analog["sense_capacitance"] + 2.0**size.output_bits * analog["unit_capacitor"]
    hold = sample if integrated is None else np.maximum(sample, full_current * integrated / swing)
    noise_gain = 1 + swing / read if integrated is None else 1 + lines.c_output / hold
    bias, stages = _amplifier(lib, size, lines.c_output + sample, noise_gain, settle)
    bias = np.maximum(bias, full_current)
    mean = cells["g_max"] * (0.25 + 0.75 / cells["g_ratio"])
    # the supply feeds a line through its driver, whatever the read voltage is
    cell_power = 2 * mean * read * v["v_dd"]
    flowing = on if encoding != "lin" else size.input_bits * slot
    convert = lib.adc.latency(size.output_bits)
    terms = {
        "array": Energy(cell_data=0.5 * cell_power * flowing, row_data=_swing_energy(memory, lines, size, encoding)),
        "input": Energy(
            row=source.energy(size.input_bits)
            + (analog["buffer_current"] * v["v_dd"] * on if encoding == "ins" else 0.0)
        ),
        "integration": Energy(column=2 * (bias * (on + convert) + copies * hold * swing) * v["v_dd"]),
        "conversion": Energy(column=lib.adc.energy(size.output_bits)),
    }
    area = {
        "input": size.rows * (source.area(size.input_bits) + v["driver_area"]
                              + (analog["buffer_area"] if encoding == "ins" else 0.0)),
        "integration": size.columns * 2 * (stages * analog["stage_area"]
                                           + copies * hold / analog["capacitor_density"]),
        "conversion": size.columns * lib.adc.area(size.output_bits),
    }  # fmt: skip
    leakage = size.rows * source.leakage(size.input_bits) + size.columns * lib.adc.leakage(size.output_bits)
    interval = np.maximum(on, convert)
    bounds = _bounds(memory, lib, size, lines, slot, read, encoding)
    return Parts(on + convert, interval, terms, area, leakage, cells["g_max"] * read, swing, bounds)


def _amplifier(
    lib: Library, size: Sizes, load: Numbers, noise_gain: Numbers, settle: Numbers
) -> tuple[Numbers, Numbers]:
    """Bias of a sense amplifier, A, and how many stages it has."""
    analog = lib.figures["analog"]
    g_m = (size.output_bits + 1) * np.log(2) * noise_gain * load / settle
    gain = 2.0 ** (size.output_bits + 1) * noise_gain
    stages = np.maximum(1.0, np.ceil(np.log(gain) / np.log(analog["stage_gain"])))
    return SLEWING * stages * g_m / analog["gm_over_i"], stages


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
