"""`anamorph reproduce` as a script meets it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from anamorph import cli
from anamorph.cli_output import Progress
from anamorph.errors import NotConverged
from anamorph.papers import measure
from anamorph.papers.measure import Context, Findings, Measured, Measurement


@pytest.fixture(autouse=True)
def two_measurements(tmp_path, monkeypatch) -> dict[str, Measurement]:
    """Counts that are exact, a measurement that fails, and nothing else."""
    counts = Findings({"synapses": Measured(25100.0, basis="counted"), "transistors": Measured(300_000.0)})

    def fail(context: Context) -> Findings:
        raise NotConverged("no [operating] point")

    found = {
        "counts": Measurement("counts", "Counting", lambda context: counts),
        "gains": Measurement("gains", "Failing", fail),
    }
    monkeypatch.setattr(measure, "find", lambda paper: found)
    monkeypatch.chdir(tmp_path)
    return found


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["reproduce", *arguments])


def test_a_table_json_and_a_page() -> None:
    found = call("binas_2016", "--quick", "--json", "rows.json", "--out", "mine")
    assert found.exit_code == 0, found.output
    rows = {row["id"]: row for row in json.loads(Path("rows.json").read_text())}
    assert rows["synapses"]["status"] == "agree" and rows["synapses"]["here"] == 25100
    assert rows["transistors"]["status"] == "worse"
    assert rows["negative_ratio"]["status"] == "missed" and "no [operating] point" in rows["negative_ratio"]["note"]
    assert rows["unit_weight"]["status"] == "not comparable"
    assert rows["mnist_transistors"]["note"].startswith("Not measured by this version.")
    lines = found.stdout.splitlines()
    assert any("25,000" in line and "25,100" in line and line.rstrip().endswith("agree") for line in lines)
    assert "missed: gains: no [operating] point." in lines
    assert lines[-1] == f"page: {Path('mine/ledger.html').absolute()}"
    assert Path("mine/ledger.html").stat().st_size > 0
    assert "counts" in found.stderr and "Counting" in found.stderr


def test_a_folder_by_default_and_nothing_measured_twice() -> None:
    assert call("binas_2016").exit_code == 0
    again = call("binas_2016")
    assert again.exit_code == 0 and "Counting" not in again.stderr
    assert [path.name for path in Path("runs").iterdir()] == ["reproduce-binas_2016"]


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path) -> None:
    for arguments, said in (
        (("binas_2015",), "Did you mean 'binas_2016'?"),
        (("binas_2016", "--json", "nowhere/rows.json"), "the folder of the file does not exist"),
        (("binas_2016", "--json", str(tmp_path)), "a folder is in the way"),
        (("binas_2016", "--out", "/dev/null/x"), "/dev/null/x"),
    ):
        found = call(*arguments)
        assert found.exit_code == 2, found.output
        assert found.stderr.startswith("error: ") and len(found.stderr.splitlines()) == 1
        assert said in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_exits_with_3_and_the_same_command_goes_on(two_measurements) -> None:
    def stop(context: Context) -> Findings:
        raise KeyboardInterrupt

    whole = two_measurements["gains"]
    two_measurements["gains"] = Measurement("gains", "Stopping", stop)
    found = call("binas_2016", "--json", "rows.json")
    assert found.exit_code == 3 and "The same command goes on" in found.stderr
    assert not Path("rows.json").exists()
    two_measurements["gains"] = whole
    again = call("binas_2016", "--json", "rows.json")
    assert again.exit_code == 0 and "Counting" not in again.stderr
    assert Path("rows.json").exists()


def test_papers_are_listed() -> None:
    found = CliRunner().invoke(cli.app, ["list"])
    assert "papers:\n  bavandpour_2019\n  binas_2016\n" in found.stdout


def test_a_waiting_reader_is_told_what_is_done() -> None:
    progress = Progress({"times": "Timing"})
    progress.console = Console(file=io.StringIO(), force_terminal=True)
    with progress:
        progress.tell("nothing is being done yet")
        progress("times")
        progress.tell("die [red]")
        assert progress._status.status == "times: Timing: die \\[red]"  # no markup
