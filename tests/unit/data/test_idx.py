"""The idx reader: what it reads, and how it says what is wrong."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from anamorph.data import idx
from anamorph.errors import BadInput


def test_images_and_labels_come_back() -> None:
    image = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    content = bytes((0, 0, 8, 3)) + struct.pack(">3I", 2, 3, 4) + image.tobytes()
    np.testing.assert_array_equal(idx.parse(content, 3, "x"), image)
    assert idx.parse(bytes((0, 0, 8, 1, 0, 0, 0, 2, 7, 9)), 1, "y").tolist() == [7, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got nothing"),
        (b"\x1f\x8b\x08\x00", "expected it to begin with 00000801"),
        (bytes((0, 0, 13, 1, 0, 0, 0, 0)), "not an idx file of this kind.*got 00000d01"),
        (bytes((0, 0, 8, 3, 0, 0, 0, 0)), "not an idx file of this kind.*got 00000803"),
        (bytes((0, 0, 8, 1, 0, 0)), "cut short within its header; expected 8 bytes; got 6"),
        (bytes((0, 0, 8, 1, 0, 0, 0, 3, 1, 2)), "expected 3 values for 3; got 2"),
        (bytes((0, 0, 8, 1, 0, 0, 0, 1, 1, 2)), "expected 1 values for 1; got 2"),
        (bytes((0, 0, 8, 1, 255, 255, 255, 255, 1)), "expected 4294967295 values"),
    ],
)
def test_what_is_no_idx_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=f"^labels: .*{message}"):
        idx.parse(content, 1, "labels")
