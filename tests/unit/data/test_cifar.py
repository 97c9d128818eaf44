"""CIFAR-10 from a folder or an archive, whole or in part; damaged files are named and refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from anamorph.data import cifar
from anamorph.errors import BadInput


def records(labels: list[int], seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    return b"".join(bytes([label]) + rng.bytes(cifar.RECORD - 1) for label in labels)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANAMORPH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = tmp_path / cifar.FOLDER
    made.mkdir()
    (made / "data_batch_3.bin").write_bytes(records([3, 9, 0]))
    (made / "data_batch_4.bin").write_bytes(records([1, 2], 1))
    (made / "test_batch_first2.bin").write_bytes(records([7, 8], 2))
    return made


def test_a_partial_set_is_read_and_says_so(folder: Path) -> None:
    task = cifar.cifar10(train=4)
    assert task.y_train.tolist() == [3, 9, 0, 1] and task.y_test.tolist() == [7, 8]
    assert [text for text in task.warnings if "5 are here" in text] and [t for t in task.warnings if "2 are here" in t]


def test_planes_become_pixels(folder: Path) -> None:
    content = (folder / "data_batch_3.bin").read_bytes()
    planes = np.frombuffer(content[1 : cifar.RECORD], np.uint8).reshape(3, 32, 32)
    image = cifar.read("train").images[0]
    np.testing.assert_array_equal(image[4, 7], planes[:, 4, 7])
    np.testing.assert_allclose(cifar.cifar10().x_train[0].reshape(32, 32, 3)[4, 7], planes[:, 4, 7] / 255)


def test_an_archive_does_as_well(folder: Path) -> None:
    with tarfile.open(folder.parent / cifar.ARCHIVE, "w:gz") as archive:
        for name, content in (("data_batch_5.bin", records([5])), ("test_batch.bin", records([6]))):
            entry = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert cifar.read("train").labels.tolist() == [5] and cifar.read("test").labels.tolist() == [6]


def test_a_file_cut_short_is_named(folder: Path) -> None:
    path = folder / "data_batch_4.bin"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadInput, match=r"whole records"):
        cifar.read("train")


def test_a_label_beyond_the_classes_is_named(folder: Path) -> None:
    (folder / "test_batch.bin").write_bytes(records([3, 11]))
    with pytest.raises(BadInput) as caught:
        cifar.read("test")
    assert "record 1" in str(caught.value)


def test_a_changed_official_file_is_refused(folder: Path) -> None:
    (folder / "data_batch_1.bin").write_bytes(records([1]))
    with pytest.raises(BadInput, match="official"):
        cifar.read("train")


def test_a_damaged_archive_is_refused(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    (folder.parent / cifar.ARCHIVE).write_bytes(b"\x1f\x8b not an archive")
    with pytest.raises(BadInput, match="corrupt"):
        cifar.read("train")


def test_without_one_side_there_is_no_task(folder: Path) -> None:
    (folder / "test_batch_first2.bin").unlink()
    with pytest.raises(BadInput, match="holds no file to test"):
        cifar.cifar10()
