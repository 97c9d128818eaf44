"""Recordings in RIFF wave files: one channel of 16-bit samples."""

from __future__ import annotations

import io
import wave

import numpy as np
from jaxtyping import Float

from anamorph.errors import BadInput

#: A recording of one spoken digit has less: 26 s at 20 kHz.
MAX_BYTES = 1 << 20


def parse(content: bytes, sample_rate: int, where: str) -> Float[np.ndarray, " samples"]:
    """The samples of a wave file, from -1 to 1.

    Args:
        content: the whole file.
        sample_rate: that it must have, Hz.
        where: the file, for messages.

    Raises:
        BadInput: no wave file, cut short, empty, not one channel of 16 bits, or another sample rate.
    """
    try:
        with wave.open(io.BytesIO(content)) as stream:
            found = (stream.getnchannels(), 8 * stream.getsampwidth(), stream.getframerate())
            n_samples = stream.getnframes()
            frames = stream.readframes(n_samples)
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends within its header"
        raise BadInput(f"not a wave file, or damaged ({reason})", where=where) from None
    if found != (1, 16, sample_rate):
        raise BadInput(
            "not a recording of this kind", where=where, expected=f"1 channel of 16 bits at {sample_rate} Hz",
            got=f"{found[0]} of {found[1]} bits at {found[2]} Hz",
        )  # fmt: skip
    return samples(frames, n_samples, "<i2", where)


def samples(data: bytes, n_samples: int, kind: str, where: str) -> Float[np.ndarray, " samples"]:
    """16-bit samples as floats from -1 to 1.

    Args:
        data: what follows the header.
        n_samples: as the header says.
        kind: ``"<i2"`` or ``">i2"``.
        where: the file, for messages.

    Raises:
        BadInput: none, or fewer than the header says.
    """
    if n_samples < 1 or len(data) < 2 * n_samples:
        raise BadInput(
            "empty, or cut short", where=where, expected=f"{max(n_samples, 1)} samples", got=f"{len(data) // 2}"
        )
    return np.frombuffer(data, kind, count=n_samples) / 32768.0
