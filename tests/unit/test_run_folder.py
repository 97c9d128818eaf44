"""Run folders: whole files only, one owner, resumed or refused."""

from __future__ import annotations

import os

import pytest

from anamorph import run_folder
from anamorph.errors import BadInput

TEXT = 'name = "a"\nseed = 1\n'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finish(folder: run_folder.RunFolder) -> None:
    folder.write_json(run_folder.RESULT, {})


def test_folders_are_numbered_and_the_newest_incomplete_one_goes_on() -> None:
    with run_folder.open_for("a", TEXT) as first:
        assert first.path.name == "a-001"
        finish(first)
    with run_folder.open_for("a", TEXT) as second:
        assert second.path.name == "a-002"
    with run_folder.open_for("a", TEXT) as resumed:
        assert resumed.path.name == "a-002"
    with run_folder.open_for("a", TEXT + "x = 1\n") as other:
        assert other.path.name == "a-003"


def test_a_complete_folder_is_refused() -> None:
    with run_folder.open_for("a", TEXT, run_folder.Path("out")) as folder:
        finish(folder)
    with pytest.raises(BadInput, match="complete run"):
        run_folder.open_for("a", TEXT, run_folder.Path("out"))
    run_folder.open_for("a", TEXT, run_folder.Path("out"), complete=True).close()


def test_another_experiments_folder_is_refused() -> None:
    run_folder.open_for("a", TEXT, run_folder.Path("out")).close()
    with pytest.raises(BadInput, match="another experiment"):
        run_folder.open_for("a", TEXT.replace("1", "2"), run_folder.Path("out"))


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="no run folder.*thesis.txt"):
        run_folder.open_for("a", TEXT, tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_a_file_in_the_way_is_refused(tmp_path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(BadInput, match="a file is in the way"):
        run_folder.open_for("a", TEXT, tmp_path / "out")


def test_an_impossible_path_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot make the run folder"):
        run_folder.open_for("a", TEXT, run_folder.Path("a\0b"))


def test_one_process_at_a_time(tmp_path) -> None:
    with run_folder.open_for("a", TEXT, tmp_path / "out"):
        with pytest.raises(BadInput, match="another run is at work"):
            run_folder.open_for("a", TEXT, tmp_path / "out")
    run_folder.open_for("a", TEXT, tmp_path / "out").close()


def test_a_folder_at_work_is_passed_over() -> None:
    with run_folder.open_for("a", TEXT) as first, run_folder.open_for("a", TEXT) as second:
        assert (first.path.name, second.path.name) == ("a-001", "a-002")


def test_a_failed_write_leaves_nothing(tmp_path) -> None:
    with run_folder.open_for("a", TEXT, tmp_path / "out") as folder:

        def fail(path) -> None:
            path.write_text("half")
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError):
            folder.write("program/x.json", fail)
        assert not folder.has("program/x.json")
        assert os.listdir(tmp_path / "out" / "program") == []


def test_keep_makes_once() -> None:
    made = []

    def make() -> str:
        made.append(1)
        return "value"

    def save(value: str, path: run_folder.Path) -> None:
        path.write_text(value)

    with run_folder.open_for("a", TEXT) as folder:
        for _ in range(2):
            kept = folder.keep("x.txt", make, save, lambda p: p.read_text())
            assert kept == "value"
    assert made == [1]


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff", b"[" * 100_000])
def test_json_cut_short_is_refused(content: bytes) -> None:
    with run_folder.open_for("a", TEXT) as folder:
        (folder.path / "x.json").write_bytes(content)
        with pytest.raises(BadInput, match="not a JSON file, or cut short"):
            folder.read_json("x.json")


def test_nan_is_not_written() -> None:
    with run_folder.open_for("a", TEXT) as folder:
        with pytest.raises(ValueError, match="JSON"):
            folder.write_json("x.json", float("nan"))
        assert not folder.has("x.json")
