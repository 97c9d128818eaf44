"""`anamorph netlist` on a run folder that holds an experiment and a program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from anamorph import cli
from anamorph.experiment import load
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.stages.program import ProgramRecord
from anamorph.stages.user_netlist import PROGRAM

LAYERS = (4, 2, 3)
SMALL = {"chip.layers": "[4, 2, 3]", "network.layers": "[4, 2, 3]", "chip.dies": "2"}
#: Of die 0 and die 1.
SETTINGS = [np.stack([np.full((1, a, b), 3), np.full((1, a, b), -2)]) for a, b in zip(LAYERS, LAYERS[1:], strict=False)]


def make(path: Path, **replace: str) -> Path:
    path.mkdir()
    (path / EXPERIMENT).write_text(load("iris", SMALL | replace).text())
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path / "r")
    with RunFolder(path) as folder:
        ProgramRecord(substrate="current_mirror", settings=tuple(SETTINGS)).save(folder, PROGRAM)
    return path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["netlist", *arguments])


def refused(*arguments: str) -> str:
    found = call(*arguments)
    assert found.exit_code == 2, found.output
    assert found.stderr.startswith("error: ") and len(found.stderr.strip().splitlines()) == 1
    return found.stderr


def test_the_default_is_a_wired_chip_for_ngspice(run: Path) -> None:
    found = call("r")
    assert found.exit_code == 0, found.output
    path = run / "netlist" / "user.cir"
    assert found.stdout == f"netlist: {path}\n"
    lines = path.read_text().splitlines()
    assert lines[0].startswith("* anamorph: iris program of die 0 without")
    assert sum(" synapse" in line and line.startswith("xsynapse_") for line in lines) == 4 * 2 + 2 * 3
    # setting 3 is bits 0 and 1, positive
    assert "xsynapse_0_3_1 v_p_0_3 v_n_0_3 in_1_1 0 vdd vdd 0 vdd synapse" in lines
    assert "dv0" not in path.read_text()


def test_every_option_reaches_the_file(run: Path) -> None:
    found = call(
        *("r", "--dialect", "spectre", "--bits", "sources", "--models", "nch_mac,pch_mac", "--subckt", "--die", "1"),
        *("--include", "my pdk/models.scs:tt", "--include", "more.scs", "--micrometres", "--out", "chip.scs"),
    )
    assert found.exit_code == 0, found.output
    text = (run.parent / "chip.scs").read_text()
    assert 'include "my pdk/models.scs" section=tt\ninclude "more.scs"\n' in text
    assert "simulator lang=spectre\n" in text
    # die 1's program: -2 is the sign and bit 1
    for bit, value in (("sign", "1.8"), ("0", "0"), ("1", "1.8"), ("2", "0")):
        assert f"vw_1_0_2_{bit} (w_1_0_2_{bit} 0) vsource dc={value}\n" in text
    assert "xm0 (i_in g_xm0 0 0) nch_mac w=2.7 l=0.45 " in text
    assert sorted(p.name for p in run.parent.iterdir()) == ["chip.scs", "r"]


def test_deviations_are_those_of_the_die(run: Path) -> None:
    """The same die twice is the same; another die differs; none has none."""
    texts = []
    for die in ("0", "1", "1"):
        assert call("r", "--die", die).exit_code == 0
        lines = (run / "netlist" / "user.cir").read_text().splitlines()
        texts.append([line for line in lines if line.startswith("xsoma_") and "dv4=" in line])
    assert len(texts[0]) == sum(LAYERS) and texts[1] == texts[2]
    assert all(a != b for a, b in zip(texts[0], texts[1], strict=True))


def test_bad_input_is_one_message(run: Path) -> None:
    make(run.parent / "bare")
    make(run.parent / "ideal", substrate="ideal")
    for arguments, said in (
        (("gone",), "gone: not a run folder"),
        (("bare",), "nothing is programmed yet. Run: anamorph program bare"),
        (("ideal",), "no circuit to write"),
        (("r", "--dialect", "hspicee"), "no netlist dialect 'hspicee'"),
        (("r", "--bits", "source"), "Did you mean 'sources'?"),
        (("r", "--models", "nmos"), "two names are needed"),
        (("r", "--models", "n\n.control,p"), "not a usable name"),
        (("r", "--include", 'a"\n.control'), "not a usable path"),
        (("r", "--include", "a:b:c"), "not a usable name"),
        (("r", "--die", "2"), "no such die; expected 0 to 1, or none; got 2"),
        (("r", "--die", "-1"), "not a die"),
        (("r", "--mismatch", "delvt"), "Did you mean 'delvto'?"),
        (("r", "--out", "nowhere/chip.cir"), "nowhere: no such folder"),
    ):
        message = refused(*arguments)
        assert said in message, message
    assert not (run / "netlist").exists()
