"""Recordings in NIST SPHERE files, as the Linguistic Data Consortium ships TIDIGITS: 16-bit pcm.

A SPHERE file begins with ``NIST_1A``, the size of its header, and one line per field, ``name -type value``, up to
``end_head``. Samples follow, in the byte order that the header says. Many copies are compressed with "shorten";
those are refused with the command that unpacks them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.data import wav
from anamorph.errors import BadInput

#: How such a file begins.
MAGIC = b"NIST_1A\n"
#: A header is 1,024 bytes; larger ones exist, but not without bound.
MAX_HEADER = 1 << 16
_ORDERS = {"01": "<i2", "10": ">i2"}


def parse(content: bytes, sample_rate: int, where: str) -> Float[np.ndarray, " samples"]:
    """The samples of a SPHERE file, from -1 to 1.

    Args:
        content: the whole file.
        sample_rate: that it must have, Hz.
        where: the file, for messages.

    Raises:
        BadInput: no SPHERE file, compressed, cut short, not one channel of 16-bit pcm, another sample rate.
    """
    fields, begin = _header(content, where)
    coding = fields.get("sample_coding", "pcm")
    if coding != "pcm":
        raise BadInput(
            "its samples are compressed or coded", where=where, expected="sample_coding pcm", got=coding[:60],
            advice="Unpack it first, for example with `sph2pipe -p -f sph IN OUT`.",
        )  # fmt: skip
    wanted = {"channel_count": "1", "sample_n_bytes": "2", "sample_rate": str(sample_rate)}
    for name, value in wanted.items():
        if fields.get(name) != value:
            raise BadInput(
                "not a recording of this kind", where=where, expected=f"{name} {value}",
                got=fields.get(name, "no such field")[:60],
            )  # fmt: skip
    order, count = fields.get("sample_byte_format", ""), fields.get("sample_count", "")
    if order not in _ORDERS:
        raise BadInput("unknown byte order", where=where, expected="sample_byte_format 01 or 10", got=repr(order[:60]))
    if not _is_number(count):
        raise BadInput("no number of samples", where=where, expected="a sample_count", got=repr(count[:60]))
    return wav.samples(content[begin:], int(count), _ORDERS[order], where)


def _header(content: bytes, where: str) -> tuple[dict[str, str], int]:
    """Fields by name, and where the samples begin."""
    size = content[len(MAGIC) : len(MAGIC) + 8].decode("ascii", "replace").strip()
    if not content.startswith(MAGIC) or not _is_number(size):
        raise BadInput("not a SPHERE file", where=where, expected="it to begin with NIST_1A and a size")
    begin = int(size)
    lines = content[:begin].decode("ascii", "replace").split("\n")
    if begin > MAX_HEADER or len(content) < begin or "end_head" not in lines:
        raise BadInput("its header is cut short", where=where, expected=f"{begin} bytes that hold end_head")
    fields = {}
    for line in lines[2 : lines.index("end_head")]:
        name, _, rest = line.partition(" ")
        fields[name] = rest.partition(" ")[2].strip()
    return fields, begin


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
