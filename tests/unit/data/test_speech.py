"""Spoken digits as features: padding, stretching, scaling; the two data sets, on sounds of our own making."""

from __future__ import annotations

import hashlib
import io
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from anamorph.data import parts, registry, spoken, tidigits
from anamorph.data.speech import N_COEFFICIENTS, SKIP, Preparation, Recording, speech_task
from anamorph.errors import BadInput


def sound(seed: int, seconds: float, rate: int) -> np.ndarray:
    """Noise of a colour of its own, not too loud."""
    rng = np.random.default_rng(seed)
    return 0.1 * np.convolve(rng.normal(size=int(seconds * rate)), rng.normal(size=5), "same")


def wave_bytes(samples: np.ndarray, rate: int) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as made:
        made.setparams((1, 2, rate, 0, "NONE", ""))
        made.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()


def _recordings(n: int, seed: int, rate: int = 8000) -> list[Recording]:
    return [Recording(sound(seed + i, 0.2 + 0.15 * (i % 5), rate), i % 10) for i in range(n)]


def _task(**changed):
    return speech_task("toy", _recordings(20, 0), _recordings(6, 100), 8000, "made up", Preparation(**changed))


def test_each_training_recording_is_taken_at_every_stretch() -> None:
    task = _task()
    assert task.x_train.shape == (100, 132) and task.x_test.shape == (6, 132)
    assert task.y_train.tolist() == [i % 10 for i in range(20) for _ in range(5)]
    alone = _task(stretch=(1.0,))
    assert alone.x_train.shape == (20, 132)


@pytest.mark.parametrize("padding", ["silence", "zeros"])
@pytest.mark.parametrize("inverted", [False, True])
def test_every_sample_has_the_wanted_mean(padding: str, inverted: bool) -> None:
    task = _task(padding=padding, inverted=inverted, mean=0.02)
    # float64 rounding of a sum of 132 values
    np.testing.assert_allclose(np.concatenate([task.x_train, task.x_test]).mean(axis=1), 0.02, rtol=1e-13)
    assert task.x_train.min() >= 0


def test_slices_that_a_recording_does_not_have_are_silent() -> None:
    task = _task(stretch=(1.0,))
    n_slices = [1 + int(len(r.samples) / (SKIP * 8000)) for r in _recordings(20, 0)]
    for sample, count in zip(task.x_train.reshape(20, -1, N_COEFFICIENTS), n_slices, strict=True):
        assert (sample[count:] == 0).all() and (sample[:count] > 0).any(axis=1).all()


def test_zeros_before_scaling_are_no_silence() -> None:
    last = _task(padding="zeros", stretch=(1.0,)).x_train.reshape(20, -1, N_COEFFICIENTS)[0, 4:8]
    assert (last > 0).any()


def test_an_inverted_sample_is_low_where_the_other_is_high() -> None:
    plain, turned = _task(stretch=(1.0,)), _task(stretch=(1.0,), inverted=True)
    heard = plain.x_train[4] > 0
    ratio = np.corrcoef(plain.x_train[4, heard], turned.x_train[4, heard])[0, 1]
    assert ratio < -0.999  # 1 minus it, but for the factor of the mean


def test_test_values_beyond_the_training_range_are_counted() -> None:
    same = speech_task("toy", _recordings(20, 0), _recordings(20, 0), 8000, "", Preparation(stretch=(1.0,)))
    assert same.n_clipped == 0
    np.testing.assert_array_equal(same.x_train, same.x_test)
    assert _task(stretch=(1.0,)).n_clipped > 0  # six other sounds against twenty


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"padding": "noise"}, "no padding named 'noise'. Known: silence, zeros"),
        ({"stretch": ()}, "no such stretch"),
        ({"stretch": (1.0, 0.0)}, "no such stretch; expected factors from 0.1 to 10"),
        ({"stretch": (float("nan"),)}, "no such stretch"),
        ({"mean": 1.5}, "no such mean"),
    ],
)
def test_choices_that_make_no_sense_are_refused(changed: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        _task(**changed)


@pytest.fixture
def folder(given: Path, monkeypatch) -> Path:
    """Two speakers, ten digits, seven recordings each: five of them test."""
    made = given / "spoken_digits/recordings"
    made.mkdir(parents=True)
    hashes = {}
    for seed, (digit, who, index) in enumerate((d, w, i) for d in range(10) for w in ("ann", "bob") for i in range(7)):
        content = wave_bytes(sound(seed, 0.2 + 0.01 * index, 8000), 8000)
        (made / f"{digit}_{who}_{index}.wav").write_bytes(content)
        hashes[f"{digit}_{who}_{index}.wav"] = hashlib.sha256(content).hexdigest()[:16]
    monkeypatch.setattr(spoken, "recordings", lambda: spoken.Recordings("spoken_digits/recordings", hashes))
    return made


def test_recordings_zero_to_four_test(folder: Path) -> None:
    task = spoken.spoken_digits(stretch=(1.0,))
    assert task.x_train.shape == (40, 132) and task.x_test.shape == (100, 132)
    some = spoken.spoken_digits(20, 10, stretch=(1.0,))
    assert np.bincount(some.y_train).tolist() == [2] * 10 and np.bincount(some.y_test).tolist() == [1] * 10


def test_a_recording_that_is_missing_or_damaged_is_named(folder: Path) -> None:
    path = folder / "3_bob_6.wav"
    content = path.read_bytes()
    path.write_bytes(content[:-2])
    with pytest.raises(BadInput, match="3_bob_6.wav: its content is not that of the official file"):
        spoken.spoken_digits()
    path.write_bytes(bytes(2 << 20))
    with pytest.raises(BadInput, match="3_bob_6.wav: too large"):
        spoken.spoken_digits()
    path.unlink()
    with pytest.raises(BadInput, match="3_bob_6.wav: a recording is missing"):
        spoken.spoken_digits()


def test_the_list_of_hashes_names_every_recording() -> None:
    names = spoken.recordings().hashes
    assert len(names) == 3000 and "7_jackson_32.wav" in names
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in names.values())


def test_an_archive_becomes_the_folder(folder: Path, cache: Path, monkeypatch, tmp_path) -> None:
    from anamorph.data import download

    part = spoken.recordings()
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in folder.iterdir():
            made.write(path, f"fsdd-1.0.10/recordings/{path.name}")
    monkeypatch.delenv("ANAMORPH_DATA")
    assert part.here is None
    (cache / "spoken_digits").mkdir(parents=True)
    monkeypatch.setattr(download, "fetch", lambda *_: archive)
    parts.obtain("spoken_digits", [part])
    assert part.here == cache / "spoken_digits/recordings" and not archive.exists()
    assert spoken.spoken_digits(2, 2).x_train.shape == (10, 132)


def test_the_official_recordings(real_data: Callable[[str], None]) -> None:
    real_data("spoken_digits/recordings")
    task = spoken.spoken_digits(120, stretch=(1.0,))
    assert np.bincount(task.y_test).tolist() == [30] * 10
    assert np.bincount(task.y_train).tolist() == [12] * 10
    assert task.x_train.max() < 1


@pytest.fixture
def corpus(given: Path) -> Path:
    made = given / "tidigits"
    for side, group, speaker in (("train", "man", "ae"), ("train", "girl", "zz"), ("test", "woman", "ab")):
        home = made / "data" / side / group / speaker
        home.mkdir(parents=True)
        for seed, word in enumerate("zo123456789"):
            for take in "ab":
                samples = sound(seed, 0.3, 20_000)
                (home / f"{word}{take}.wav").write_bytes(wave_bytes(samples, 20_000))
        (home / "17a.wav").write_bytes(b"a string of digits is not looked at")
    return made


def test_tidigits_is_read_from_the_users_copy(corpus: Path) -> None:
    task = registry.load_task("tidigits", jax.random.key(0), stretch=(1.0,))
    assert task.x_train.shape == (44, 132) and task.x_test.shape == (22, 132)
    assert np.bincount(task.y_test).tolist() == [4] + [2] * 9  # zero and oh are one digit
    assert np.bincount(registry.load_task("tidigits", jax.random.key(0), 11, 11).y_test).tolist() == [2] + [1] * 9


def test_a_sphere_file_of_tidigits_is_read(corpus: Path) -> None:
    path = corpus / "data/test/woman/ab/5b.wav"
    header = "NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i 6000\nsample_rate -i 20000\nsample_n_bytes -i 2\n"
    header += "sample_byte_format -s2 01\nsample_coding -s3 pcm\nend_head\n"
    before = tidigits.tidigits(stretch=(1.0,))
    path.write_bytes(header.ljust(1024).encode() + path.read_bytes()[44:])  # the same samples behind another header
    np.testing.assert_array_equal(tidigits.tidigits(stretch=(1.0,)).x_test, before.x_test)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(BadInput, match="5b.wav: empty, or cut short; expected 6000 samples"):
        tidigits.tidigits()


def test_a_folder_of_another_layout_is_refused(given: Path) -> None:
    (given / "tidigits/train/1a").mkdir(parents=True)
    with pytest.raises(BadInput, match="tidigits: holds no isolated digits to train.*SPEAKER/1a.wav"):
        tidigits.tidigits()


def test_without_a_copy_the_message_says_who_has_it(given: Path, cache: Path) -> None:
    with pytest.raises(BadInput) as caught:
        registry.load_task("tidigits", jax.random.key(0))
    message = str(caught.value)
    assert "is licensed and cannot be downloaded" in message and "LDC93S10" in message
    assert f"in one of {given}, {cache}" in message
