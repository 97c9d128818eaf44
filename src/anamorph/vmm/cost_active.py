r"""Cost of multipliers whose cells are current sources: pulses (EXP), bits (LIN), or mirrored currents (INS).

**EXP** (time domain). Input: a reset slot and ``2^p - 1`` slots of tau; a pulse lasts x of them. Both lines of an
output lose charge; then equal currents discharge them until a latch trips each, and the time between is the result:
``2^p_out`` clocks. With I the largest current of a cell and N rows,

    C Delta V = N I (2^p - 1) tau,    C >= C_line + C_sense,

so either I is the memory's and C what follows, or C is the line's own and I what follows. Either way a vector takes
``2 C Delta V V_DD`` per output, as both lines end at the same voltage.

**LIN** (successive integration and division). Each bit, least significant first, is integrated for one slot and halved
in another by sharing with an equal capacitor: ``C Delta V = N I tau``, four capacitors per output, which match to a
quarter of an input's least significant bit. Conversion as above.

**INS** (gate-coupled). A current per row sets its gate line, ``C_in n U_T / I_b`` being its time constant with a buffer
of bias I_b; cells mirror it; the lines' currents are integrated for as long as N I takes to move C by Delta V, and a
converter of the successive-approximation kind reads the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from anamorph.processor.components import Library
from anamorph.processor.components.component import Numbers
from anamorph.technology.memory import Memory
from anamorph.vmm.block import Energy
from anamorph.vmm.lines import BOLTZMANN_T, NOISE_MARGIN, U_T, Lines, lines_of, slot_of, swing_of

#: What bounds a design -> where it does.
Flags = dict[str, Bool[np.ndarray, "..."] | np.bool_ | bool]
#: Of two inputs or weights at half of full scale on average, on the two lines of a pair together.
MEAN_PRODUCT = 0.25
#: Input current of a mirror over the largest of a cell.
MIRROR_RATIO = 1.0


@dataclass(frozen=True)
class Sizes:
    """Precision and size of blocks: arrays of one shape."""

    input_bits: Numbers
    weight_bits: Numbers
    output_bits: Numbers
    rows: Numbers
    columns: Numbers


@dataclass(frozen=True)
class Parts:
    """What the encodings work out differently; the rest of a block is common to all."""

    time: Numbers
    interval: Numbers
    terms: dict[str, Energy]
    area: dict[str, Numbers]
    leakage: Numbers
    current: Numbers
    swing: Numbers
    bounds: Flags


def exp_parts(memory: Memory, lib: Library, size: Sizes) -> Parts:
    """Duration of one pulse per input, time between two ramps as output."""
    lines = lines_of(memory, size.rows, size.columns)
    slot = slot_of(lines, lib.clock)
    steps = 2.0**size.input_bits - 1
    load = _load(memory, lib, size, lines, steps * slot)
    time = (steps + 1) * slot + 2.0**size.output_bits * lib.clock
    ramps = 2 * load.swing * memory.value("lines", "v_dd")
    terms = {
        "array": Energy(row=_pulse(memory, lines) * steps / (steps + 1), column=ramps * load.line),
        "input": Energy(row=lib.pulse.energy(size.input_bits), fixed=_counting(lib, size.input_bits, size.rows)),
        "integration": Energy(column=ramps * (load.total - load.line)),
        "conversion": _tdc_energy(lib, size),
    }
    area = {
        "input": size.rows * (lib.pulse.area(size.input_bits) + memory.value("lines", "driver_area")),
        "integration": size.columns * 2 * _capacitor_area(lib, load.total - load.line),
        "conversion": size.columns * lib.tdc.area(size.output_bits) + lib.counter.area(size.output_bits),
    }
    leakage = size.rows * lib.pulse.leakage(size.input_bits) + size.columns * lib.tdc.leakage(size.output_bits)
    return Parts(time, time, terms, area, leakage, load.current, load.swing, _bounds(memory, lib, size, load, slot))


def lin_parts(memory: Memory, lib: Library, size: Sizes) -> Parts:
    """Bit by bit with successive integration and division."""
    lines = lines_of(memory, size.rows, size.columns)
    slot = slot_of(lines, lib.clock)
    load = _load(memory, lib, size, lines, slot, least=_matched(lib, size.input_bits))
    time = size.input_bits * (slot + lib.clock) + 2.0**size.output_bits * lib.clock
    v_dd = memory.value("lines", "v_dd")
    # what the bits take from the lines, and the ramps that end it
    drawn = (size.input_bits * MEAN_PRODUCT + 2) * load.swing * v_dd
    terms = {
        "array": Energy(row_data=0.5 * size.input_bits * _pulse(memory, lines), column=drawn * load.line),
        "input": Energy(row=lib.serial.energy(size.input_bits)),
        "integration": Energy(column=drawn * (load.total - load.line)),
        "conversion": _tdc_energy(lib, size),
    }
    area = {
        "input": size.rows * (lib.serial.area(size.input_bits) + memory.value("lines", "driver_area")),
        # the line is one of the two that share; its partner has to be made
        "integration": size.columns * 2 * _capacitor_area(lib, 2 * load.total - load.line),
        "conversion": size.columns * lib.tdc.area(size.output_bits) + lib.counter.area(size.output_bits),
    }
    leakage = size.rows * lib.serial.leakage(size.input_bits) + size.columns * lib.tdc.leakage(size.output_bits)
    return Parts(time, time, terms, area, leakage, load.current, load.swing, _bounds(memory, lib, size, load, slot))


def ins_parts(memory: Memory, lib: Library, size: Sizes) -> Parts:
    """A current per row, mirrored by gate-coupled cells."""
    analog, v = lib.figures["analog"], memory.values("lines")
    active = memory.values("active")
    lines = lines_of(memory, size.rows, size.columns)
    settle = lines.c_input * active["slope_factor"] * U_T / analog["buffer_current"] * (size.input_bits + 1) * np.log(2)
    settle = np.maximum(settle, lib.clock)
    load = _load(memory, lib, size, lines, None)
    integrate = np.maximum(load.total * load.swing / (size.rows * load.current), lib.clock)
    on, convert = settle + integrate, lib.adc.latency(size.output_bits)
    mirrored = MIRROR_RATIO * load.current * 0.5 * v["v_dd"] * on
    terms = {
        "array": Energy(cell_data=MEAN_PRODUCT * load.current * v["v_dd"] * on),
        "input": Energy(
            row=lib.dac.energy(size.input_bits) + analog["buffer_current"] * v["v_dd"] * on, row_data=mirrored
        ),
        "integration": Energy(column=2 * load.total * load.swing * v["v_dd"]),
        "conversion": Energy(column=lib.adc.energy(size.output_bits)),
    }
    area = {
        "input": size.rows * (lib.dac.area(size.input_bits) + analog["buffer_area"]),
        "integration": size.columns * 2 * (_capacitor_area(lib, load.total - load.line) + analog["stage_area"]),
        "conversion": size.columns * lib.adc.area(size.output_bits),
    }
    leakage = size.rows * lib.dac.leakage(size.input_bits) + size.columns * lib.adc.leakage(size.output_bits)
    bounds = {
        "gate lines settle slowly": settle > integrate + lib.clock,
        "the converter takes longest": convert > on,
        **_bounds(memory, lib, size, load, None),
    }
    return Parts(on + convert, np.maximum(on, convert), terms, area, leakage, load.current, load.swing, bounds)


@dataclass(frozen=True)
class _Load:
    """An output line: its own capacitance with what reads it, that with the load capacitor, swing and cell current."""

    line: Numbers
    total: Numbers
    swing: Numbers
    current: Numbers
    bound_by_line: Bool[np.ndarray, "..."] | np.bool_


def _matched(lib: Library, bits: Numbers) -> Numbers:
    """Capacitance whose copies differ by a quarter of a least significant bit, F."""
    return 1e-15 * (lib.figures["analog"]["capacitor_matching"] * 4 * 2.0**bits) ** 2


def _load(
    memory: Memory, lib: Library, size: Sizes, lines: Lines, duration: Numbers | None, least: Numbers = 0.0
) -> _Load:
    """For full-scale currents of so long a duration; without one, for what noise asks and the memory's current."""
    analog, i_max = lib.figures["analog"], memory.value("active", "i_max")
    swing = swing_of(memory, size.output_bits)
    line = lines.c_output + analog["sense_capacitance"]
    quiet = BOLTZMANN_T / (swing / 2.0**size.output_bits / (2 * NOISE_MARGIN)) ** 2  # kT/C within the noise margin
    least = np.maximum(np.maximum(line, quiet), least)
    if duration is None:
        return _Load(line, least, swing, np.broadcast_to(i_max, np.shape(line)), np.zeros(np.shape(line), bool))
    total = np.maximum(least, size.rows * i_max * duration / swing)
    current = total * swing / (size.rows * duration)
    return _Load(line, total, swing, current, total <= least)


def _pulse(memory: Memory, lines: Lines) -> Numbers:
    """Energy of one pulse on an input line, J."""
    v = memory.values("lines")
    return lines.c_input * v["v_input"] ** 2 / v["pump_efficiency"]


def _capacitor_area(lib: Library, capacitance: Numbers) -> Numbers:
    return capacitance / lib.figures["analog"]["capacitor_density"]


def _counting(lib: Library, bits: Numbers, lanes: Numbers) -> Numbers:
    """A shared counter, one of whose wires changes in every slot along all lanes of a few micrometres, J."""
    wire = lib.figures["wire"]
    per_slot = 0.5 * lanes * LANE * wire["capacitance"] * lib.v_dd**2
    return 2.0**bits * (lib.counter.energy(bits) + per_slot)


#: Width of a lane of input or output circuits, m.
LANE = 2e-6


def _tdc_energy(lib: Library, size: Sizes) -> Energy:
    counting = _counting(lib, size.output_bits, size.columns)
    return Energy(fixed=counting, column=lib.tdc.energy(size.output_bits))


def _bounds(memory: Memory, lib: Library, size: Sizes, load: _Load, slot: Numbers | None) -> Flags:
    """What bounds speed, energy and precision."""
    least_bit = load.swing / 2.0**size.output_bits
    bounds = {
        "drain effects bound the swing": load.swing < memory.value("active", "swing_max"),
        "noise bounds the precision": least_bit < 2 * NOISE_MARGIN * lib.figures["analog"]["comparator_noise"],
    }
    if slot is None:
        return bounds
    line = np.asarray(slot > lib.clock)
    return {
        "input lines bound the slot": line,
        "the clock bounds the slot": np.logical_not(line),
        "line capacitance bounds the current": load.bound_by_line,
        "load capacitors outweigh the lines": load.total > 2 * load.line,
        **bounds,
    }
