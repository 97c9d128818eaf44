"""What happens around ngspice: it is absent, old, silent, slow, or pretends."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from anamorph.circuit import ngspice
from anamorph.circuit.netlist import Cell, Resistor, VoltageSource
from anamorph.errors import AnamorphError, BadInput, NotConverged
from anamorph.technology import Technology

DIVIDER = Cell("divider", (), (VoltageSource("s", "a"), Resistor("up", "a", "b", 1e3), Resistor("down", "b", "0", 3e3)))


def stand_in(folder: Path, script: str) -> str:
    """A program that is called as ngspice is."""
    path = folder / "ngspice"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_absence_is_said_with_the_cure(cmos180: Technology, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert ngspice.available() is None
    with pytest.raises(BadInput, match="not found on the path.*apt-get install ngspice"):
        ngspice.operating_points(DIVIDER, cmos180, {"s": 1.0})


def test_an_old_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stand_in(tmp_path, "echo '** ngspice-31 : Circuit level simulation program'")
    monkeypatch.setattr(shutil, "which", lambda _: program)
    assert ngspice.available() == "31"
    with pytest.raises(BadInput, match="too old; expected version 39 or newer; got 31"):
        ngspice.run("* t\n.end\n")


def test_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "echo 'doAnalyses: TRAN:  Timestep too small'; exit 1")
    with pytest.raises(NotConverged, match="Timestep too small"):
        ngspice.run("* t\n.end\n", program=program)
    program = stand_in(tmp_path, "echo 'Error: unknown subckt'; exit 1")
    with pytest.raises(AnamorphError, match=r"failed \(status 1\).*unknown subckt"):
        ngspice.run("* t\n.end\n", program=program)


def test_results_cut_short_are_a_failure(tmp_path: Path) -> None:
    head = r"No. Variables: 2\nNo. Points: 2\nVariables:\n\t0\tv(a)\tvoltage\n\t1\tv(b)\tvoltage\nBinary:\n"
    program = stand_in(tmp_path, f"printf '{head}12345678' > result.raw")
    with pytest.raises(AnamorphError, match="failed"):
        ngspice.run("* t\n.end\n", program=program)


def test_a_pretended_operating_point_is_refused(tmp_path: Path) -> None:
    head = r"No. Variables: 1\nNo. Points: 1\nVariables:\n\t0\tv(a)\tvoltage\nBinary:\n12345678"
    program = stand_in(tmp_path, f"printf '{head}' > result.raw")
    assert ngspice.run("* t\n.end\n", program=program)["v(a)"].shape == (1,)
    program = stand_in(tmp_path, f"printf '{head}' > result.raw; echo 'Note: Transient op started'")
    with pytest.raises(NotConverged, match="short transient"):
        ngspice.run("* t\n.end\n", program=program)


def test_time_runs_out(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "exec sleep 30")
    with pytest.raises(NotConverged, match="did not finish; expected 0.2 s at most"):
        ngspice.run("* t\n.end\n", program=program, timeout=0.2)


def test_batches_that_do_not_broadcast(cmos180: Technology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stand_in(tmp_path, "echo ngspice-39")
    monkeypatch.setattr(shutil, "which", lambda _: program)
    with pytest.raises(BadInput, match="do not broadcast"):
        ngspice.operating_points(DIVIDER, cmos180, {"s": np.zeros(3)}, np.zeros((2, 0)))
    with pytest.raises(BadInput, match="empty batch"):
        ngspice.operating_points(DIVIDER, cmos180, {"s": np.zeros(0)})
    with pytest.raises(BadInput, match="start: wrong shape; expected 1 node voltages"):
        ngspice.operating_points(DIVIDER, cmos180, {"s": 1.0}, start=np.zeros(2))
