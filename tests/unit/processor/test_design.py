"""What a processor may be, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from anamorph.errors import BadInput
from anamorph.processor.design import Processor, from_mapping
from anamorph.processor.designs import designs_of


def test_a_memory_brings_its_cell_and_the_encoding_of_the_case_study() -> None:
    assert (Processor("1t1r").cell.name, Processor("1t1r").encoding) == ("1t1r_active", "lin")
    assert (Processor("3d_nand").encoding, Processor("2d_nor").encoding) == ("exp", "ins")
    assert Processor("1t1r_passive").encoding == "lin"
    stack = Processor(block_rows=100, block_columns=50, stack=3)
    assert (stack.multiplier().rows, stack.multiplier().columns) == (300, 50)
    assert replace(stack, accumulation="digital").multiplier().rows == 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": "2d_nr"}, "Did you mean '2d_nor'"),
        ({"encoding": "linear"}, "no such encoding"),
        ({"accumulation": "none"}, "no such accumulation"),
        ({"input_bits": 0}, "input_bits out of range; expected 1 to 16; got 0"),
        ({"block_rows": 70_000}, "block_rows out of range; expected 1 to 65536"),
        ({"copies": True}, "copies out of range"),
        ({"blocks": 10, "stack": 4}, "no whole number of stacks of 4"),
        ({"busbits": 3}, "no such parameter 'busbits'.* Did you mean 'bus_bits'"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        from_mapping(given)


def test_designs_go_to_arrays_and_back() -> None:
    made = [Processor(block_rows=64, copies=3), Processor(block_rows=128, blocks=8, edram_bytes=1000)]
    both = designs_of(made)
    assert [both.one(i) for i in range(len(both))] == made
    assert both.part(np.array([1])).one(0) == made[1]
    with pytest.raises(BadInput, match="more than one memory"):
        designs_of([Processor("2d_nor"), Processor("3d_nand")])
    with pytest.raises(BadInput, match="no designs"):
        designs_of([])
