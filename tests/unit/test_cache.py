"""The cache: made once, made again where damaged, never an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anamorph.cache import cache_folder, code_digest, kept_arrays
from anamorph.substrate.current_mirror.stage import Stage, stage_of
from anamorph.technology import Technology


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.asked += 1
        return {"a": np.arange(3.0), "b": np.array(True)}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_arrays_are_made_once_per_key() -> None:
    make = Maker()
    first, second = (kept_arrays("trial", "key", make) for _ in range(2))
    assert make.asked == 1
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    kept_arrays("trial", "another key", make)
    assert make.asked == 2


@pytest.mark.parametrize("keep", [0, 40, -30])
def test_a_damaged_file_is_made_again(keep: int) -> None:
    make = Maker()
    kept_arrays("trial", "key", make)
    (file,) = cache_folder("trial").iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    assert np.array_equal(kept_arrays("trial", "key", make)["a"], np.arange(3.0))
    assert make.asked == 2
    kept_arrays("trial", "key", make)
    assert make.asked == 2, "the new file is sound"


def test_objects_are_never_unpickled() -> None:
    make = Maker()
    kept_arrays("trial", "key", make)
    (file,) = cache_folder("trial").iterdir()
    with file.open("wb") as out:
        np.savez(out, a=np.array([{}], dtype=object))
    assert kept_arrays("trial", "key", make)["a"].dtype == float
    assert make.asked == 2


def test_a_cache_that_cannot_be_written_costs_time_alone(own_cache: Path) -> None:
    (own_cache / "anamorph").write_text("a file where the folder should be")
    make = Maker()
    for _ in range(2):
        assert np.array_equal(kept_arrays("trial", "key", make)["a"], np.arange(3.0))
    assert make.asked == 2
    assert not list(own_cache.glob("**/*.part"))


def test_other_code_has_another_digest() -> None:
    assert code_digest("cell") == code_digest("cell")
    assert code_digest("cell") != code_digest("cell", "device")


def test_a_stage_from_disk_equals_the_one_that_was_solved(cmos180: Technology) -> None:
    solved, loaded = Stage.make(cmos180, 1).arrays(), stage_of(cmos180, 1).arrays()
    (file,) = cache_folder("tables").iterdir()
    with np.load(file, allow_pickle=False) as kept:
        assert set(kept.files) == set(solved) == set(loaded)
        for name, value in solved.items():
            assert np.array_equal(value, kept[name]), name
            assert np.array_equal(value, loaded[name]), name
