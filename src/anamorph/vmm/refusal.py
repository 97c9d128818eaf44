"""Why a cell, an encoding, a precision and a size cannot work together."""

from __future__ import annotations

import numpy as np

from anamorph.processor.components import Library, library
from anamorph.processor.components.component import Numbers
from anamorph.technology.memory import Memory, load_memory
from anamorph.vmm.cost import block_costs
from anamorph.vmm.design import Cell, Design, Encoding
from anamorph.vmm.lines import NOISE_MARGIN, drain_effect, linear_read_voltage, lines_of, swing_of, wire_error

#: Below this, offsets of amplifiers outweigh what they read, V.
LEAST_READ = 0.02
#: A reason, and where it applies.
Reasons = list[tuple[str, np.ndarray | np.bool_ | bool]]
NOT_MIRRORED = "its gate mirrors no current, so amplitudes have nothing to be coded in"
STACKED = "amplitudes on select lines would need the array to be designed anew (Bavandpour et al. 2019, Fig. 1)"


def refusal(design: Design, card: Memory | None = None) -> str | None:
    """Why a design cannot work, or None where it can."""
    found = refusals(
        design.cell, design.encoding, design.input_bits, design.weight_bits, design.output_bits, design.rows,
        design.columns, card,
    )  # fmt: skip
    return str(found) or None


def refusals(
    cell: Cell,
    encoding: Encoding,
    input_bits: Numbers,
    weight_bits: Numbers,
    output_bits: Numbers,
    rows: Numbers,
    columns: Numbers,
    card: Memory | None = None,
) -> np.ndarray:
    """The same for arrays that broadcast: texts, empty where a design can work.

    Raises:
        BadInput: as `block_costs`.
    """
    memory = card or load_memory(cell.memory)
    given = (input_bits, weight_bits, output_bits, rows, columns)
    arrays = [np.asarray(a, float) for a in np.broadcast_arrays(*given)]
    text = np.full(arrays[0].shape, "", dtype=object)
    if encoding.name == "ins" and cell.active and not cell.gate_coupled:
        text[...] = STACKED if memory.planes > 1 else NOT_MIRRORED
        return text
    reasons: Reasons = _tuning(memory, cell, arrays[1])
    reasons += _active(memory, cell, encoding, arrays) if cell.active else _passive(memory, encoding, arrays)
    for reason, applies in reasons:
        text = np.where((text == "") & applies, reason, text)
    return text


def most_bits(memory: Memory) -> int:
    """Output bits that the drain's effect and noise leave at most, of active cells; 16 where they bound nothing."""
    bits = np.arange(1, 17, dtype=float)
    fine = ~_too_fine(memory, _periphery(memory), bits)
    return int(bits[fine].max()) if fine.any() else 0


def _tuning(memory: Memory, cell: Cell, weight_bits: np.ndarray) -> Reasons:
    """A cell of a signed pair holds the magnitude: 2^(w-1) - 1 steps; tuning may miss by half a step."""
    error = memory.value("active" if cell.active else "passive", "tuning_error")
    steps = np.maximum(2.0 ** (weight_bits - 1) - 1, 1)
    most = int(np.floor(np.log2(1 / (2 * error) + 1) + 1)) if error > 0 else 16
    return [(f"cells are tuned to {100 * error:.2g} % of the largest weight: {most} bits with the sign",
             error > 0.5 / steps)]  # fmt: skip


def _active(memory: Memory, cell: Cell, encoding: Encoding, arrays: list[np.ndarray]) -> Reasons:
    cost = block_costs(cell, encoding, *arrays, card=memory)
    v = memory.values("active")
    steps = np.maximum(2.0 ** (arrays[1] - 1) - 1, 1)
    most = most_bits(memory)
    return [
        (f"cells of zero weight carry {v['i_min'] * 1e9:.3g} nA, more than half a step",
         v["i_min"] > 0.5 * cost.current / steps),
        (f"currents change by {100 * drain_effect(memory):.0f} % per volt of the drain, and noise asks for swing: "
         f"{most} output bits", _too_fine(memory, _periphery(memory), arrays[2])),
        (f"the largest current would leave weak inversion ({v['i_weak'] * 1e9:.3g} nA)", cost.current > v["i_weak"]),
    ]  # fmt: skip


def _passive(memory: Memory, encoding: Encoding, arrays: list[np.ndarray]) -> Reasons:
    input_bits, _, output_bits, rows, columns = arrays
    loss = wire_error(memory, lines_of(memory, rows, columns), rows, columns)
    reasons: Reasons = [("lines lose more than a bit of the output in their resistance: take fewer cells, or bits",
                loss > 1 / 2.0**output_bits)]  # fmt: skip
    if encoding.name == "ins":
        read = linear_read_voltage(memory, input_bits)
        reasons.append((f"their bent I-V leaves less than {1e3 * LEAST_READ:.0f} mV for amplitudes", read < LEAST_READ))
    return reasons


def _too_fine(memory: Memory, lib: Library, output_bits: Numbers) -> np.ndarray:
    """Whether an output's least significant bit drowns in noise, at the swing that the drain's effect leaves."""
    noise = lib.figures["analog"]["comparator_noise"]
    return np.asarray(swing_of(memory, output_bits) / 2.0**output_bits < 2 * NOISE_MARGIN * noise)


def _periphery(memory: Memory) -> Library:
    return library(f"{memory.value('lines', 'node') * 1e9:.6g} nm")
