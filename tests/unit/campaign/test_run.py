"""Running: the same table for any split and any scheduler, failures as rows, mistakes as errors, nothing lost."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from anamorph.campaign import Axis, Campaign, Point, Scheduler, Serial, Threads, read, run
from anamorph.errors import BadInput, DoesNotFit, Interrupted, NotConverged, OutOfDomain

LOT = Campaign("lot", 5, (Axis("die", range(5)), Axis("corner", ("tt", "ss", "ff"))))


def work(point: Point) -> dict[str, Any]:
    if point["die"] == 0 or point["corner"] == "ff" and point["die"] == 4:
        raise NotConverged("no operating point", where=str(point))
    draw = np.random.default_rng(point.entropy())
    return {"wave": draw.normal(size=(2, 3)), "steps": int(draw.integers(9)), "gain": np.float32(draw.normal())}


@dataclass
class Shuffled:
    """Hands back shards in a random order, as many machines would, and is interrupted after some of them."""

    seed: int
    until: int = 10**9

    def map(self, work, shards) -> Generator:
        order = list(shards)
        random.Random(self.seed).shuffle(order)
        for n, shard in enumerate(order):
            if n == self.until:
                raise KeyboardInterrupt
            yield shard, work(shard)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return run(LOT, work, tmp_path_factory.mktemp("plain"), progress=False)


def test_the_table_has_the_axes_as_dimensions(plain: xr.Dataset) -> None:
    assert plain["wave"].dims == ("die", "corner", "wave_0", "wave_1") and plain["wave"].shape == (5, 3, 2, 3)
    expected = work(Point(LOT, 7))
    found = plain.sel(die=2, corner="ss")
    assert np.array_equal(found["wave"], expected["wave"]) and found["steps"] == expected["steps"]
    assert plain["gain"].dtype == np.float32 and plain["steps"].dtype == np.float64
    assert plain.attrs == {"campaign": "lot", "seed": 5, "plan_sha256": LOT.digest}


def test_a_point_that_failed_is_a_row_of_its_own(plain: xr.Dataset) -> None:
    failed = plain["failed"] != ""
    assert failed.sel(die=0).all() and failed.sel(die=4, corner="ff") and failed.sum() == 4
    assert str(plain["failed"].sel(die=4, corner="ff").values) == (
        "NotConverged: die=4, corner=ff: no operating point."
    )
    for name in ("wave", "steps", "gain"):
        values = plain[name].where(failed, drop=False)
        assert plain[name].notnull().sum() == (~failed).sum() * plain[name][0, 0].size
        assert values.isnull().all()


@settings(max_examples=25)
@given(
    size=st.integers(1, 20),
    scheduler=st.one_of(st.just(Serial()), st.integers(1, 4).map(Threads), st.integers(0, 99).map(Shuffled)),
    stops=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 6), st.integers(1, 7)), max_size=3),
)
def test_the_table_depends_on_the_plan_alone(plain: xr.Dataset, size: int, scheduler: Scheduler, stops: list) -> None:
    """Not on the size of shards, the scheduler, its order, nor on how often it was stopped."""
    with tempfile.TemporaryDirectory() as folder:
        for seed, until, other_size in stops:
            try:
                run(LOT, work, folder, Shuffled(seed, until), shard_size=other_size, progress=False)
            except Interrupted as stopped:
                assert stopped.exit_status == 3
        found = run(LOT, work, folder, scheduler, shard_size=size, progress=False)
        assert read(folder).identical(found)
    assert found.identical(plain)
    for name, variable in plain.variables.items():
        assert found[name].values.tobytes() == variable.values.tobytes() and found[name].dtype == variable.dtype


def test_only_missing_points_are_computed(tmp_path: Path, plain: xr.Dataset) -> None:
    with pytest.raises(Interrupted, match="what is done is kept"):
        run(LOT, work, tmp_path, Shuffled(1, 4), progress=False)
    partly = read(tmp_path)
    done = partly["failed"] != "not computed"
    assert done.sum() == 4
    asked: list[int] = []

    def counted(point: Point) -> dict[str, Any]:
        asked.append(point.index)
        return work(point)

    assert run(LOT, counted, tmp_path, shard_size=4, progress=False).identical(plain)
    assert sorted(asked) == np.flatnonzero(~done.values.ravel()).tolist()
    asked.clear()
    assert run(LOT, counted, tmp_path, progress=False).identical(plain) and not asked


@pytest.mark.parametrize("kind", [NotConverged, OutOfDomain, DoesNotFit])
def test_where_every_point_failed_there_is_no_table(tmp_path: Path, kind: type[Exception]) -> None:
    def hopeless(point: Point) -> dict[str, Any]:
        raise kind("too small")

    for _ in range(2):
        with pytest.raises(NotConverged, match=f"every point failed; got {kind.__name__}: too small"):
            run(LOT, hopeless, tmp_path, progress=False)


@pytest.mark.parametrize("scheduler", [Serial(), Threads(2)])
@pytest.mark.parametrize("error", [ZeroDivisionError("x"), BadInput("x")])
def test_a_mistake_stops_the_campaign_and_what_is_done_is_kept(
    tmp_path: Path, scheduler: Scheduler, error: Exception
) -> None:
    def mistaken(point: Point) -> dict[str, Any]:
        if point.index == 9:
            raise error
        return work(point)

    with pytest.raises(type(error)) as caught:
        run(LOT, mistaken, tmp_path, scheduler, progress=False)
    assert "at die=3, corner=tt of campaign 'lot'" in caught.value.__notes__
    assert read(tmp_path)["failed"].sel(die=0, corner="tt") != "not computed"  # the first is there in any case
    assert run(LOT, work, tmp_path, progress=False)["wave"].sel(die=3).notnull().all()


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({}, "returns named arrays"),
        (3.0, "returns named arrays"),
        ({"a b": 1}, "not a usable name of a result"),
        ({"die": 1}, "'die' is taken"),
        ({"failed": 1}, "'failed' is taken"),
        ({"a": "text"}, "not made of numbers"),
        ({"a": None}, "not made of numbers"),
        ({"a": 2**53 + 1}, "cannot hold"),
        ({"a": np.uint64(2**64 - 1)}, "cannot hold"),
    ],
)
def test_results_that_are_no_named_numbers_are_refused(tmp_path: Path, result: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        run(LOT, lambda point: result, tmp_path, progress=False)


@pytest.mark.parametrize("size", [1, 15])
def test_points_whose_results_differ_in_shape_are_refused(tmp_path: Path, size: int) -> None:
    def ragged(point: Point) -> dict[str, Any]:
        return {"y": np.zeros(2 if point["die"] < 3 else 3)}

    with pytest.raises(BadInput, match="die=3, corner=tt unlike die=0, corner=tt"):
        run(LOT, ragged, tmp_path, shard_size=size, progress=False)


def test_types_do_not_depend_on_failures(tmp_path: Path) -> None:
    one = Campaign("types", 1, (Axis("x", (1,)),))
    given_ = {"a": np.int8(3), "b": True, "c": np.int64(7), "d": np.float16(0.5), "e": 1 + 2j, "f": np.float32(1)}
    found = run(one, lambda point: given_, tmp_path, progress=False)
    kinds = {name: found[name].dtype.name for name in "abcdef"}
    assert kinds == {
        "a": "float32", "b": "float32", "c": "float64", "d": "float32", "e": "complex128", "f": "float32",
    }  # fmt: skip
    assert all(found[name].item() == given_[name] for name in "abcdef")


def test_threads_work_at_the_same_time(tmp_path: Path) -> None:
    """Points that wait for each other pass only if as many are at work; the first shard is alone."""
    barrier = threading.Barrier(3, timeout=30)

    def together(point: Point) -> dict[str, Any]:
        if point.index > 0:
            barrier.wait()
        return {"i": point.index}

    campaign = Campaign("threads", 1, (Axis("x", range(7)),))
    found = run(campaign, together, tmp_path, Threads(3), progress=False)
    assert found["i"].values.tolist() == list(range(7))


def test_arguments_that_make_no_sense_leave_no_folder(tmp_path: Path) -> None:
    for size in (0, -1):
        with pytest.raises(BadInput, match="size of shards"):
            run(LOT, work, tmp_path / "none", shard_size=size)
    with pytest.raises(BadInput, match="number of threads"):
        Threads(0)
    assert not (tmp_path / "none").exists()


def test_progress_is_shown_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(LOT, work, tmp_path)
    shown = capsys.readouterr()
    assert "lot, 4 failed" in shown.err and "15/15 points" in shown.err and shown.out == ""
    run(LOT, work, tmp_path, progress=False)
    assert capsys.readouterr().err == ""
