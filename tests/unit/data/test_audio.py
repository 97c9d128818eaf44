"""Readers of recordings: what they read, and how they say what is wrong."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from anamorph.data import sphere, wav
from anamorph.errors import BadInput

SOUND = np.array([0, 1, -1, 32767, -32768, 300], np.int16)


def _wave(sound: np.ndarray = SOUND, channels: int = 1, width: int = 2, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(width)
        made.setframerate(rate)
        made.writeframes(sound.astype("<i2").tobytes())
    return stream.getvalue()


def _sphere(order: str = "10", data: bytes | None = None, **fields: str | None) -> bytes:
    known: dict[str, str | None] = {
        "channel_count": "-i 1", "sample_count": f"-i {len(SOUND)}", "sample_rate": "-i 20000",
        "sample_n_bytes": "-i 2", "sample_byte_format": f"-s2 {order}", "sample_coding": "-s3 pcm",
    }  # fmt: skip
    lines = [f"{name} {value}" for name, value in (known | fields).items() if value is not None]
    header = "\n".join(["NIST_1A", "   1024", *lines, "end_head", ""])
    body = SOUND.astype({"01": "<i2"}.get(order, ">i2")).tobytes() if data is None else data
    return header.ljust(1024).encode() + body


def test_a_wave_file_comes_back() -> None:
    np.testing.assert_array_equal(wav.parse(_wave(), 8000, "x") * 32768, SOUND)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a wave file, or damaged"),
        (b"OggS" + bytes(100), "not a wave file, or damaged"),
        (_wave()[:20], "not a wave file, or damaged"),
        (_wave()[:-3], "empty, or cut short; expected 6 samples; got 4"),
        (_wave(np.array([])), "empty, or cut short; expected 1 samples; got 0"),
        (_wave(channels=2), "expected 1 channel of 16 bits at 8000 Hz; got 2 of 16 bits at 8000 Hz"),
        (_wave(width=1), "got 1 of 8 bits"),
        (_wave(rate=16000), "at 16000 Hz"),
    ],
)
def test_what_is_no_such_wave_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=f"^a.wav: .*{message}"):
        wav.parse(content, 8000, "a.wav")


@pytest.mark.parametrize("order", ["01", "10"])
def test_a_sphere_file_comes_back_in_either_byte_order(order: str) -> None:
    np.testing.assert_array_equal(sphere.parse(_sphere(order), 20_000, "x") * 32768, SOUND)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF", "not a SPHERE file"),
        (b"NIST_1A\n   many\n" + bytes(2000), "not a SPHERE file"),
        (_sphere()[:500], "its header is cut short"),
        (_sphere().replace(b"end_head", b"end_hand"), "its header is cut short"),
        (b"NIST_1A\n9999999\n" + bytes(2000), "its header is cut short; expected 9999999 bytes"),
        (_sphere()[:-2], "empty, or cut short; expected 6 samples; got 5"),
        (_sphere(sample_coding="-s26 pcm,embedded-shorten-v2.00"), "got pcm,embedded-shorten-v2.00.*sph2pipe -p"),
        (_sphere(sample_rate="-i 16000"), "expected sample_rate 20000; got 16000"),
        (_sphere(channel_count="-i 2"), "expected channel_count 1; got 2"),
        (_sphere(sample_n_bytes=None), "expected sample_n_bytes 2; got no such field"),
        (_sphere(sample_count=None), "no number of samples"),
        (_sphere(sample_count="-i 10**9"), "no number of samples"),
        (_sphere(order="1"), "unknown byte order; expected sample_byte_format 01 or 10; got '1'"),
    ],
)
def test_what_is_no_such_sphere_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=f"^a.sph: .*{message}"):
        sphere.parse(content, 20_000, "a.sph")
