"""`anamorph processor run` and `sweep`: what they print and write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anamorph import cli


def test_run_prints_layers_totals_and_writes_a_folder(tmp_path: Path) -> None:
    out, numbers = tmp_path / "run", tmp_path / "numbers.json"
    given = ["processor", "run", "lenet5", "--memory", "1t1r", "--block", "64x32", "--copies", "2"]
    done = CliRunner().invoke(cli.app, [*given, "--out", str(out), "--json", str(numbers)])
    assert done.exit_code == 0, done.output
    assert "C3" in done.output and "schedule checked" in done.output and "energy efficiency" in done.output
    result = json.loads((out / "result.json").read_text())
    assert result == json.loads(numbers.read_text())
    assert result["processor"]["block_columns"] == 32 and result["metrics"]["latency"]["value"] > 0
    assert len(result["layers"]) == 7 and set(result["memories"]) == {"2d_nor", "1t1r", "3d_nand"}
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    schedule = json.loads((out / "schedule.json").read_text())
    assert schedule["tasks"][-1]["end"] == pytest.approx(result["metrics"]["latency"]["value"])
    again = CliRunner().invoke(cli.app, [*given, "--pipelined", "--out", str(out)])
    assert again.exit_code == 2 and "belongs to another experiment" in again.output


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["run", "lenet"], "Did you mean 'lenet5'"),
        (["run", "lenet5", "--memory", "2dnor"], "Did you mean '2d_nor'"),
        (["run", "lenet5", "--block", "64"], "not a block; expected ROWSxCOLUMNS"),
        (["run", "lenet5", "--edram", "3 m"], "wrong unit"),
        (["run", "lenet5", "--blocks", "4"], "is larger than the chip"),
        (["run", "lenet5", "--memory", "3d_nand", "--encoding", "ins"], "cannot work"),
        (["sweep", "lenet5", "--vary", "stak=1,2"], "Did you mean 'stack'"),
    ],
)
def test_processors_that_cannot_be(given: list[str], message: str) -> None:
    done = CliRunner().invoke(cli.app, ["processor", *given])
    assert done.exit_code == 2 and message in " ".join(done.output.split()), done.output


def test_sweep_prints_the_front_and_writes_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    vary = ["--vary", "memory=2d_nor,3d_nand", "--vary", "block=64:256"]
    done = CliRunner().invoke(cli.app, ["processor", "sweep", "lenet5", *vary, "--out", str(out)])
    assert done.exit_code == 0, done.output
    result = json.loads((out / "result.json").read_text())
    assert result["designs"] == 6 and result["complete"] and 0 < len(result["front"]) <= 6
    assert f"{len(result['front'])} of which no other beats" in " ".join(done.output.split())
    assert (out / "report.html").is_file()
