"""A campaign that is killed, wherever that may be, and begun again gives what an undisturbed one gives."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr

from anamorph.campaign import read, run

PROGRAM = Path(__file__).with_name("disturbed.py")


@pytest.fixture(scope="module")
def disturbed() -> ModuleType:
    spec = importlib.util.spec_from_file_location("disturbed", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(*arguments: str) -> dict[str, int]:
    # one thread in the libraries: the program forks
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _bytes(table: xr.Dataset) -> dict[str, tuple[object, ...]]:
    assert table.attrs["plan_sha256"]
    return {str(n): (v.dims, v.dtype.str, v.shape, v.values.tobytes()) for n, v in table.variables.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments_change_no_byte(disturbed: ModuleType, tmp_path: Path, seed: int) -> None:
    """Every attempt has another scheduler and another size of shards as well."""
    count = _run("moments", str(tmp_path / "killed"), str(seed))
    assert count["kills"] >= 3 and count["halfway"] >= 2  # otherwise nothing has been tested
    undisturbed = run(disturbed.LONG, disturbed.work, tmp_path / "calm", progress=False)
    assert _bytes(read(tmp_path / "killed")) == _bytes(undisturbed)
    assert not list((tmp_path / "killed").glob(".partial-*"))


def test_a_kill_before_any_file_operation_changes_no_byte(disturbed: ModuleType, tmp_path: Path) -> None:
    """The folder is made; the manifest and both shards are written in parts, synchronised and renamed."""
    n_steps = _run("steps", str(tmp_path / "killed"))["steps"]
    assert n_steps >= 9  # mkdir, and flush, fsync and rename of three files at the least
    run(disturbed.SHORT, disturbed.work, tmp_path / "calm", shard_size=2, progress=False)
    calm = {path.name: path.read_bytes() for path in (tmp_path / "calm").iterdir()}
    assert len(calm) == 3
    for step in range(1, n_steps + 1):
        killed = {path.name: path.read_bytes() for path in (tmp_path / "killed" / str(step)).iterdir()}
        assert killed == calm, f"killed before file operation {step}"


def test_half_a_file_left_behind_is_harmless(disturbed: ModuleType, tmp_path: Path) -> None:
    run(disturbed.SHORT, disturbed.work, tmp_path / "calm", shard_size=2, progress=False)
    whole = (tmp_path / "calm" / "points-000000-000001.npz").read_bytes()
    (tmp_path / "killed").mkdir()
    for name in ("points-000000-000001.npz", "points-000001-000003.npz", "campaign.json"):
        (tmp_path / "killed" / f".partial-{name}").write_bytes(whole[: len(whole) // 2])
    run(disturbed.SHORT, disturbed.work, tmp_path / "killed", shard_size=2, progress=False)
    for path in (tmp_path / "calm").iterdir():
        assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes()
    assert sorted(os.listdir(tmp_path / "killed")) == sorted(os.listdir(tmp_path / "calm"))
