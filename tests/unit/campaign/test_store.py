"""A campaign's folder: its own plan, whole files, one owner; everything else is named and refused."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anamorph.campaign import Axis, Campaign, Point, read, run, store
from anamorph.errors import BadInput
from anamorph.run_folder import RunFolder

LOT = Campaign("lot", 5, (Axis("die", range(6)), Axis("gain", (0.1, 0.2))))
SHARD = "points-000004-000007.npz"


def work(point: Point) -> dict[str, Any]:
    return {"y": np.random.default_rng(point.entropy()).normal(size=4)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run(LOT, work, tmp_path / "lot", shard_size=4, progress=False)
    return tmp_path / "lot"


def _again(folder: Path, campaign: Campaign = LOT) -> Any:
    return run(campaign, work, folder, shard_size=4, progress=False)


def test_a_folder_holds_a_manifest_and_one_file_per_shard(folder: Path) -> None:
    names = ["campaign.json", "points-000000-000003.npz", SHARD, "points-000008-000011.npz"]
    assert sorted(os.listdir(folder)) == names
    there = json.loads((folder / "campaign.json").read_text())
    assert there["plan_sha256"] == LOT.digest and there["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (Campaign("lots", 5, LOT.axes), "name"),
        (Campaign("lot", 6, LOT.axes), "seed"),
        (Campaign("lot", 5, LOT.axes[::-1]), "axes"),
        (Campaign("lot", 5, LOT.axes, "card v2"), "code"),
    ],
)
def test_another_plans_folder_is_refused(folder: Path, other: Campaign, differs: str) -> None:
    with pytest.raises(BadInput, match=f"belongs to another plan; got another {differs}"):
        _again(folder, other)


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="no campaign's.*thesis.txt"):
        _again(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.txt"]
    with pytest.raises(BadInput, match="not a campaign's folder"):
        read(tmp_path)
    with pytest.raises(BadInput, match="cannot make the campaign's folder"):
        _again(tmp_path / "thesis.txt")


def test_a_folder_at_work_is_refused_but_can_be_read(folder: Path) -> None:
    with RunFolder(folder):
        with pytest.raises(BadInput, match="another run is at work"):
            _again(folder)
        assert read(folder)["y"].notnull().all()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.find(np.load(path)["value.y"].tobytes())
    content[at + 5] ^= 1
    path.write_bytes(content)


def _pickled(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, plan=np.array([LOT], dtype=object), failed=np.array([""] * 4))


def _compressed(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, plan=np.array(LOT.digest), failed=np.array([""] * 4))


def _other_plan(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, plan=np.array("0" * 64), failed=np.array([""] * 4))


def _other_size(path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(stream, plan=np.array(LOT.digest), failed=np.array([""] * 3))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "cut short"),
        (_flip, "differs from its checksum"),
        (_pickled, "not a readable shard"),
        (_compressed, "compressed"),
        (_other_plan, "another plan"),
        (_other_size, "does not hold the points 4 to 7"),
        (lambda path: path.write_bytes(b""), "not a readable shard"),
        (lambda path: path.write_bytes(pickle.dumps({"y": 1})), "not a readable shard"),
    ],
)
def test_a_broken_or_foreign_shard_is_named_and_made_again_when_removed(folder: Path, damage: Any, said: str) -> None:
    before = read(folder)
    damage(folder / SHARD)
    for attempt in (_again, read):
        with pytest.raises(BadInput, match=said) as caught:
            attempt(folder)
        assert caught.value.where == str(folder / SHARD) and "Remove the file" in caught.value.message
    (folder / SHARD).unlink()
    assert read(folder)["y"].isnull().sum() == 16
    assert _again(folder).identical(before)


def test_no_single_changed_bit_of_a_shard_goes_unnoticed(folder: Path) -> None:
    """Any bit: the numbers are then refused, or they are the same."""
    before, whole = read(folder), (folder / SHARD).read_bytes()
    refused = 0
    for bit in np.random.default_rng(0).integers(8 * len(whole), size=300):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << (bit % 8)
        (folder / SHARD).write_bytes(content)
        try:
            assert read(folder).identical(before)
        except BadInput:
            refused += 1
    assert refused > 150


def test_points_held_twice_are_refused(folder: Path) -> None:
    (folder / "points-000005-000008.npz").write_bytes((folder / SHARD).read_bytes())
    with pytest.raises(BadInput, match="another file holds too"):
        _again(folder)
    os.rename(folder / "points-000005-000008.npz", folder / "points-000012-000015.npz")
    with pytest.raises(BadInput, match="does not hold the points 12 to 15"):
        _again(folder)


def test_other_versions_may_read_a_campaign_but_not_go_on_with_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(folder)
    monkeypatch.setattr(store, "versions", lambda: {"anamorph": "99"})
    assert _again(folder).identical(before)
    (folder / SHARD).unlink()
    with pytest.raises(BadInput, match="other versions of the packages"):
        _again(folder)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": "lot"}', '{"name": 3, "seed": 1, "axes": 7, "code": ""}'])
def test_a_broken_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / "campaign.json").write_text(content)
    for attempt in (_again, read):
        with pytest.raises(BadInput, match="manifest|another plan|usable name"):
            attempt(folder)


def test_the_table_can_be_written_as_netcdf(folder: Path, tmp_path: Path) -> None:
    import xarray as xr

    found = read(folder)
    found.to_netcdf(tmp_path / "lot.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "lot.nc", engine="h5netcdf") as stored:
        assert np.array_equal(stored["y"], found["y"]) and stored.attrs["plan_sha256"] == LOT.digest
