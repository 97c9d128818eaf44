"""The idx format of MNIST's files: a magic number, sizes as big-endian 32-bit integers, then the values.

Only unsigned bytes (type 0x08) are read, because MNIST has nothing else.
"""

from __future__ import annotations

import math
import struct

import numpy as np
from jaxtyping import UInt8

from anamorph.errors import BadInput

#: Type code of unsigned bytes, the third byte of the magic number.
UNSIGNED_BYTE = 0x08


def parse(content: bytes, n_dimensions: int, where: str) -> UInt8[np.ndarray, "..."]:
    """The array of an idx file, read-only.

    Args:
        content: the whole file, decompressed.
        n_dimensions: 1 for labels, 3 for images.
        where: the file, for messages.

    Raises:
        BadInput: another magic number, another number of dimensions, sizes that disagree with the content.
    """
    magic = bytes((0, 0, UNSIGNED_BYTE, n_dimensions))
    if content[:4] != magic:
        raise BadInput(
            "not an idx file of this kind", where=where,
            expected=f"it to begin with {magic.hex()} (unsigned bytes, {n_dimensions} dimensions)",
            got=content[:4].hex() or "nothing",
        )  # fmt: skip
    begin = 4 + 4 * n_dimensions
    if len(content) < begin:
        raise BadInput("cut short within its header", where=where, expected=f"{begin} bytes", got=f"{len(content)}")
    shape = struct.unpack(f">{n_dimensions}I", content[4:begin])
    if len(content) - begin != math.prod(shape):
        raise BadInput(
            "its header and its length disagree", where=where,
            expected=f"{math.prod(shape)} values for {' x '.join(map(str, shape))}", got=f"{len(content) - begin}",
        )  # fmt: skip
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
