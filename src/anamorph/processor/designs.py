"""Many processors of one memory, encoding and node at once: whole-number parameters as arrays over designs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from anamorph.errors import BadInput
from anamorph.processor.design import OPEN, Processor, cell_of
from anamorph.vmm import design as vmm_design

Whole = Int[np.ndarray, " designs"]
#: What all designs of one `Designs` share.
COMMON = ("memory", "encoding", "accumulation", "pipelined", "node")
#: What each has for itself.
EACH = (
    "input_bits", "weight_bits", "output_bits", "block_rows", "block_columns", "stack", "copies", "blocks",
    "edram_bytes", "bus_bits", "aux_lanes",
)  # fmt: skip


@dataclass(frozen=True)
class Designs:
    """As `Processor`, with arrays; 0 in `blocks` and `edram_bytes` for as much as the network needs."""

    memory: str
    encoding: str
    accumulation: str
    pipelined: bool
    node: str
    input_bits: Whole
    weight_bits: Whole
    output_bits: Whole
    block_rows: Whole
    block_columns: Whole
    stack: Whole
    copies: Whole
    blocks: Whole
    edram_bytes: Whole
    bus_bits: Whole
    aux_lanes: Whole

    def __len__(self) -> int:
        return len(self.input_bits)

    @property
    def cell(self) -> vmm_design.Cell:
        """The kind of memory cell."""
        return cell_of(self.memory)

    @property
    def encoder(self) -> vmm_design.Encoding:
        """The encoding of inputs."""
        return vmm_design.encoding(self.encoding)

    @property
    def summed(self) -> Whole:
        """Blocks whose currents add up on shared bit lines."""
        return self.stack if self.accumulation == "analog" else np.ones_like(self.stack)

    @property
    def value_bits(self) -> Whole:
        """Bits of a stored activation."""
        return np.maximum(self.input_bits, self.output_bits)

    def part(self, chosen: slice | np.ndarray) -> Designs:
        """Some of them."""
        common: dict[str, Any] = {name: getattr(self, name) for name in COMMON}
        return Designs(**common, **{name: getattr(self, name)[chosen] for name in EACH})

    def one(self, index: int) -> Processor:
        """One of them, checked."""
        given: dict[str, Any] = {name: getattr(self, name) for name in COMMON}
        given |= {name: int(getattr(self, name)[index]) for name in EACH}
        given |= {name: given[name] or None for name in OPEN}
        return Processor(**given)


def designs_of(processors: Sequence[Processor]) -> Designs:
    """Processors as arrays.

    Raises:
        BadInput: none, or processors that differ in what `COMMON` names.
    """
    if not processors:
        raise BadInput("no designs", where="processor")
    common: dict[str, Any] = {name: getattr(processors[0], name) for name in COMMON}
    for name, value in common.items():
        if any(getattr(one, name) != value for one in processors):
            raise BadInput(f"designs of more than one {name}", where="processor", advice="Evaluate them apart.")
    common |= {name: np.array([getattr(one, name) or 0 for one in processors], np.int64) for name in EACH}
    return Designs(**common)
