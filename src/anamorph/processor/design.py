"""One processor: memory, encoding, bits, blocks and how they share periphery, memory, bus, auxiliary unit.

The architecture is that of Bavandpour et al. 2019, Fig. 2a: one embedded memory for activations, a chain of buffers in
front of the blocks, a grid of multiplier blocks, neurons that integrate and digitise, and a digital auxiliary unit.
`stack` blocks share their bit lines and one array of neurons; in a three-dimensional memory a block also holds many
planes of cells, of which one multiplies at a time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from anamorph.errors import BadInput, nearest
from anamorph.vmm import design as vmm_design

#: Memories by the names of the paper: the kind of cell and the encoding of its case study (section III).
MEMORIES = {"2d_nor": ("2d_nor", "ins"), "1t1r": ("1t1r_active", "lin"), "3d_nand": ("3d_nand", "exp")}
#: Encoding of other cells when none is asked for.
OTHER_ENCODING = "lin"
ACCUMULATIONS = ("analog", "digital")
#: Whole numbers and their legal ranges; None where a value may be left to what the network needs.
RANGES = {
    "input_bits": (1, 16), "weight_bits": (1, 16), "output_bits": (1, 16), "block_rows": (1, 65536),
    "block_columns": (1, 65536), "stack": (1, 64), "copies": (1, 4096), "blocks": (1, 10**9),
    "edram_bytes": (1, 2**40), "bus_bits": (8, 65536), "aux_lanes": (1, 65536),
}  # fmt: skip
#: What may be left to the network.
OPEN = ("blocks", "edram_bytes")


@dataclass(frozen=True)
class Processor:
    """A design, checked when it is made.

    Attributes:
        memory: one of `MEMORIES`, or a kind of cell of `anamorph.vmm.design.CELLS`.
        encoding: of the inputs; by default that of the memory in the paper's case study.
        input_bits, weight_bits, output_bits: precision, signs included; activations are stored with the wider of
            inputs and outputs.
        block_rows, block_columns: inputs and outputs of a block.
        stack: blocks that share bit lines and neurons.
        accumulation: how parts of a matrix with more rows than a block are summed: "analog" on the shared bit lines of
            a stack (and digitally between stacks), or "digital", block by block in turns.
        copies: how often the layer with most vectors is stored, so that as many of its vectors are multiplied at once;
            others in proportion to their vectors.
        pipelined: each layer has blocks of its own and works on an inference of its own; otherwise one layer at a time
            on all blocks.
        blocks: on the chip; None for as many as the network needs.
        edram_bytes: memory for activations; None for as much as the network needs.
        bus_bits: width of the bus between memory and blocks, and of the memory's port.
        aux_lanes: operations that the auxiliary unit does per clock period.
        node: of the logic and periphery, as "55 nm".
    """

    memory: str = "2d_nor"
    encoding: str = ""
    input_bits: int = 4
    weight_bits: int = 4
    output_bits: int = 4
    block_rows: int = 256
    block_columns: int = 256
    stack: int = 4
    accumulation: str = "analog"
    copies: int = 1
    pipelined: bool = False
    blocks: int | None = None
    edram_bytes: int | None = None
    bus_bits: int = 256
    aux_lanes: int = 64
    node: str = "55 nm"

    def __post_init__(self) -> None:
        if self.memory not in MEMORIES and self.memory not in vmm_design.CELLS:
            known = [*MEMORIES, *vmm_design.CELLS]
            raise BadInput(f"no such memory '{self.memory}'", where="processor", expected=", ".join(MEMORIES),
                           advice=nearest(self.memory, known))  # fmt: skip
        if not self.encoding:
            object.__setattr__(self, "encoding", MEMORIES.get(self.memory, ("", OTHER_ENCODING))[1])
        vmm_design.encoding(self.encoding)
        if self.accumulation not in ACCUMULATIONS:
            raise BadInput(f"no such accumulation '{self.accumulation}'", where="processor",
                           expected=" or ".join(ACCUMULATIONS))  # fmt: skip
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is None and name in OPEN:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise BadInput(f"{name} out of range", where="processor", expected=f"{low} to {high}", got=repr(value))
        if self.blocks is not None and self.blocks % self.stack:
            raise BadInput(f"{self.blocks} blocks are no whole number of stacks of {self.stack}", where="processor",
                           advice="Give another number, or stack=1 for neurons of each block's own.")  # fmt: skip

    @property
    def cell(self) -> vmm_design.Cell:
        """The kind of memory cell."""
        return cell_of(self.memory)

    @property
    def encoder(self) -> vmm_design.Encoding:
        """The encoding of inputs."""
        return vmm_design.encoding(self.encoding)

    @property
    def summed(self) -> int:
        """Blocks whose currents add up on shared bit lines."""
        return self.stack if self.accumulation == "analog" else 1

    @property
    def value_bits(self) -> int:
        """Bits of a stored activation."""
        return max(self.input_bits, self.output_bits)

    def multiplier(self) -> vmm_design.Design:
        """What multiplies at once in a stack: the rows of all blocks that are summed on its lines."""
        return vmm_design.Design(self.cell, self.encoder, self.input_bits, self.weight_bits, self.output_bits,
                                 self.block_rows * self.summed, self.block_columns)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """All parameters as plain values."""
        return asdict(self)


def cell_of(memory: str) -> vmm_design.Cell:
    """The kind of cell of a memory's name."""
    return vmm_design.cell(MEMORIES[memory][0] if memory in MEMORIES else memory)


def from_mapping(given: dict[str, Any]) -> Processor:
    """A processor of named parameters.

    Raises:
        BadInput: an unknown name (with the nearest), or a value that is not possible.
    """
    known = Processor.__dataclass_fields__
    for name in given:
        if name not in known:
            raise BadInput(f"no such parameter '{name}'", where="processor", advice=nearest(name, known))
    return Processor(**given)
