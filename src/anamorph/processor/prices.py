"""What one use of each component of a design takes, and how large each is: arrays over designs, SI units.

What follows from the architecture: the memory's port is as wide as the bus, which carries a word at a time. The
memory stands in the middle of a square of blocks, so that along wires a block is half a side away on average and a
whole one at most; the former counts for energy, the latter for time, area and leakage. A network that leaves blocks
free has those around the memory, and what is beyond them, blocks, control and bus, is switched off. The memory is
made of banks that take turns: it keeps up with the bus, and its access time delays only the first word of a pass.
Functions on the way to memory are as many lanes as a word has values, sums of parts as many as there are neurons. The
auxiliary unit computes with twice the bits of a value and four more, as sums of products need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from anamorph.processor.arrays import COUNTED
from anamorph.processor.components import Component, Library
from anamorph.processor.designs import Designs

#: Of a bank of the memory: 64 KB, the macro that its figures are of.
BANK_BITS = 8.0 * 2**16
Row = Float[np.ndarray, " designs"]
#: kind of elementary operation -> components of the auxiliary unit that one takes.
UNITS = {
    "pooling": ("adder",), "addition": ("adder",), "elementwise product": ("multiplier",),
    "vector product": ("multiplier", "adder"), "activation": ("activation",),
    "normalisation": ("multiplier", "adder"), "softmax": ("activation", "adder", "divider"), "reduction": ("adder",),
    "selection": ("adder",), "quantisation": ("shift_add",),
}  # fmt: skip


@dataclass(frozen=True)
class Prices:
    """Of one use, and of the whole chip.

    Attributes:
        word: seconds per word on the bus.
        begin: seconds until the first word of a transfer is there.
        access: energy of reading or writing a word in memory.
        transfer: energy of a bit on the bus.
        shift: energy of one value moving by one stage of the chain.
        add: energy of adding a partial sum.
        add_time: seconds that one addition takes.
        command: energy of a command to one block.
        operation: energy of an elementary operation, ``[kinds, designs]``.
        idle: leakage of memory, control, bus and auxiliary unit by name, W.
        area: by name, m².
    """

    word: Row
    begin: Row
    access: Row
    transfer: Row
    shift: Row
    add: Row
    add_time: Row
    command: Row
    operation: Float[np.ndarray, "kinds designs"]
    idle: dict[str, Row]
    area: dict[str, Row]


def prices(
    designs: Designs,
    stacks: Row,
    occupied: Row,
    library: Library,
    stack_area: dict[str, Row],
    held_bits: Row,
    memory_bits: Row,
) -> Prices:
    """Prices of designs.

    Args:
        designs: processors.
        stacks: on each chip.
        occupied: of these, those in use.
        library: of components.
        stack_area: area of one stack by part, m².
        held_bits: of the memory that are in use; the rest is switched off.
        memory_bits: of the memory.
    """
    d = designs
    width, value = d.bus_bits.astype(float), d.value_bits.astype(float)
    lanes = np.ceil(width / value)
    wide = 2 * value + 4
    blocks = stacks * d.stack
    address = np.ceil(np.log2(np.maximum(blocks, 2)))
    part = {name: _part(library, name) for name in ("edram", "bus", "buffer", "adder", "control", "activation")}
    bank = np.minimum(memory_bits, BANK_BITS)
    each = sum(stack_area.values())
    side = np.sqrt(stacks * each + part["edram"].area(width, memory_bits))
    near = np.sqrt(occupied * each + part["edram"].area(width, held_bits))
    inputs = d.input_bits.astype(float)
    stages = blocks * d.block_rows
    one = np.ones(len(d))
    unit = {name: _part(library, name) for parts in UNITS.values() for name in parts}
    aux = d.aux_lanes.astype(float)
    sums = d.output_bits + 8.0
    area = {name: stacks * value for name, value in stack_area.items()} | {
        "buffer": part["buffer"].area(inputs, stages),
        "memory": part["edram"].area(width, memory_bits),
        "bus": part["bus"].area(width, side),
        "sums and functions": part["adder"].area(sums, blocks / d.stack * d.block_columns)
        + part["activation"].area(value, lanes),
        "auxiliary unit": np.sum([one_.area(wide, aux) for one_ in unit.values()], axis=0),
        "control": part["control"].area(address, blocks),
    }
    idle = {
        "memory": part["edram"].leakage(width, held_bits),
        "bus": part["bus"].leakage(width, near),
        "auxiliary unit": np.sum([one_.leakage(wide, aux) for one_ in unit.values()], axis=0),
        "control": part["control"].leakage(address, occupied * d.stack),
    }
    per_unit = {name: one_.energy(wide, one) for name, one_ in unit.items()}
    return Prices(
        word=np.maximum(library.clock, part["bus"].latency(width, near)),
        begin=part["edram"].latency(width, bank) + part["bus"].latency(width, near),
        access=part["edram"].energy(width, bank), transfer=part["bus"].energy(one, near / 2),
        shift=part["buffer"].energy(inputs, one), add=part["adder"].energy(sums, one),
        add_time=part["adder"].latency(sums, one), command=part["control"].energy(address, blocks),
        operation=np.stack([np.sum([per_unit[name] for name in UNITS[kind]], axis=0) for kind in COUNTED]),
        idle=idle, area=area,
    )  # fmt: skip


def _part(library: Library, name: str) -> Component:
    return getattr(library, name)
