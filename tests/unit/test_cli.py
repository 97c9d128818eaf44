"""The command line as a script meets it: exit status, one message, what is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import anamorph
from anamorph import cli, doctor
from anamorph.circuit import ngspice
from anamorph.stages import drive

SMALL = [
    *("--set", "substrate=ideal", "--set", "chip.dies=2", "--set", "training.epochs=30"),
    *("--set", "bench.repeats=1", "--set", "bench.currents=['50 nA', '300 nA']"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def refused(*arguments: str) -> str:
    """The one line on stderr of a command that must exit with status 2."""
    found = call(*arguments)
    assert found.exit_code == 2, found.output
    assert "Traceback" not in found.output
    lines = found.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), found.stderr
    return lines[0]


def test_run_ends_with_a_table_and_the_report(tmp_path) -> None:
    found = call("run", "iris", "--out", "mine", "--seed", "5", *SMALL)
    assert found.exit_code == 0, found.output
    assert "accuracy, compensated" in found.stdout
    assert found.stdout.strip().splitlines()[-1] == f"report: {tmp_path / 'mine' / 'report.html'}"
    assert json.loads(Path("mine/result.json").read_text())["provenance"]["seed"] == 5


def test_stage_verbs_build_on_one_another() -> None:
    assert call("characterise", "iris", "--out", "r", *SMALL).exit_code == 0
    assert Path("r/characterisation.nc").exists() and not Path("r/training.json").exists()
    for verb, artefact in (
        ("train", "training.json"),
        ("program", "program/compensated.json"),
        ("verify", "verdict.json"),
        ("cost", "cost.json"),
        ("report", "result.json"),
    ):
        assert not Path("r", artefact).exists()
        found = call(verb, "r")
        assert found.exit_code == 0, found.output
        assert Path("r", artefact).exists()
    direct = call("run", "iris", "--out", "s", *SMALL)
    assert direct.exit_code == 0, direct.output
    assert Path("r/result.json").read_bytes() == Path("s/result.json").read_bytes()


def test_bad_input_leaves_nothing_behind(tmp_path) -> None:
    for setting, said in (
        ("chip.diez=3", "Did you mean 'dies'?"),
        ("data.input_max=325", "without its unit"),
        ("network.layers=[4, 7]", "number of layers"),
        ("chip.dies=nan", "whole number"),
    ):
        assert said in refused("run", "iris", "--set", setting)
    assert "Did you mean 'iris'?" in refused("run", "irris")
    assert list(tmp_path.iterdir()) == []


def test_output_folders_that_are_taken_are_refused() -> None:
    assert call("run", "iris", "--out", "r", *SMALL).exit_code == 0
    before = Path("r/result.json").read_bytes()
    assert "complete run" in refused("run", "iris", "--out", "r", *SMALL)
    assert "another experiment" in refused("run", "iris", "--out", "r", "--seed", "9", *SMALL)
    assert Path("r/result.json").read_bytes() == before
    Path("notes").mkdir()
    Path("notes/a.txt").write_text("x")
    assert "no run folder" in refused("run", "iris", "--out", "notes", *SMALL)
    assert "its own experiment" in refused("train", "r", "--seed", "1")


def test_a_card_that_is_missing_is_named(tmp_path) -> None:
    path = tmp_path / "e.toml"
    text = drive.load("iris").text()
    path.write_text(text.replace('"cmos180"', '"gone.toml"'))
    found = call("run", str(path))
    assert found.exit_code == 2
    assert "gone.toml: no such technology card" in found.stderr
    assert not Path("runs").exists()
    assert "Did you mean 'cmos180'?" in call("run", "iris", "--set", "technology=cmos18").stderr
    assert not Path("runs").exists()


def test_hostile_names_are_refused_before_anything_is_written(tmp_path) -> None:
    for setting in ("name=../../x", "name=.control", 'title="a\\n.control"', "name=$(date)"):
        refused("run", "iris", "--set", setting)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_keeps_what_is_done_and_resumes(monkeypatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("anamorph.flow.verify_all", stop)
        found = call("run", "iris", *SMALL)
    assert found.exit_code == 3
    assert "interrupted" in found.stderr and "The same command goes on" in found.stderr
    assert Path("runs/iris-001/training.json").exists()
    again = call("run", "iris", *SMALL)
    assert again.exit_code == 0, again.output
    assert again.stdout.strip().endswith("runs/iris-001/report.html")
    assert [p.name for p in Path("runs").iterdir()] == ["iris-001"]


def test_verify_spice_says_what_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(ngspice, "available", lambda: None)
    assert call("verify", "iris", "--out", "r", *SMALL).exit_code == 0
    found = call("verify", "r", "--spice")
    assert found.exit_code == 2
    assert "ngspice was not found" in found.stderr and "apt-get install ngspice" in found.stderr


def test_list_names_what_there_is() -> None:
    found = call("list")
    assert found.exit_code == 0
    words = found.stdout.split()
    assert {
        "experiments:",
        "iris",
        "substrates:",
        "current_mirror",
        "ideal",
        "technologies:",
        "cmos180",
    } <= set(words)


def test_version() -> None:
    assert call("--version").stdout.strip() == f"anamorph {anamorph.__version__}"


def test_doctor_says_what_is_optional_and_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(ngspice, "available", lambda: None)
    text = doctor.examine()
    line = next(line for line in text.splitlines() if "ngspice" in line)
    assert line.startswith("optional") and "apt-get install ngspice" in line
    monkeypatch.setattr(ngspice, "available", lambda: "39")
    assert "ok        ngspice" in doctor.examine()
    monkeypatch.setattr(doctor, "REQUIRED", ("no-such-package-at-all",))
    assert "missing   no-such-package-at-all" in doctor.examine()


def test_usage_errors_exit_with_2() -> None:
    assert call("run").exit_code == 2
    assert call("run", "iris", "--sed", "1").exit_code == 2


def test_listing_loads_neither_circuits_nor_plots() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from anamorph.cli import app;"
        "assert CliRunner().invoke(app, ['list']).exit_code == 0;"
        "print([m for m in ('plotly', 'xarray', 'sklearn', 'optax', 'equinox') if m in sys.modules])"
    )
    source = Path(anamorph.__file__).parents[1]
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
