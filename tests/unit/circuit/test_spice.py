"""The deck as text: safe whatever it is given, complete, and honest about its names."""

from __future__ import annotations

import re

import numpy as np
import pytest

from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit import spice_hierarchy
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Instance, Resistor, VoltageSource
from anamorph.circuit.spice import Transient, deck, safe_title
from anamorph.errors import BadInput
from anamorph.technology import Technology

#: Every kind of line that a deck may hold. A command line of ngspice is none of them.
LEGAL = re.compile(
    r"\* .*|\.func \w+\([a-z,]+\) \{[^{}]*\}|\.subckt( [\w=.+-]+)+|\.ends|\.end|\.op|\+ .*|[XRCIVBFG]\S+ .+"
    r"|\.options( \w+=[\w.+-]+)+|\.nodeset v\([\w.]+\)=\S+|\.save [vi]\([\w.]+\)|\.tran( [\w.+-]+){4}"
)
DRIVES = {"i_in": 15e-9, "vdd": 1.8, "out": 0.35}


def bench() -> Cell:
    """A soma, a synapse of weight +5, and their sources."""
    ports = {"v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}
    bits = {"w_sign": "0", "w_0": "vdd", "w_1": "0", "w_2": "vdd"}
    return Cell(
        "bench",
        (),
        (
            Instance("soma", soma(), {"i_in": "i_in", **ports}),
            Instance("syn", synapse(), {"i_out": "out", **ports, **bits}),
            CurrentSource("i_in", "i_in"),
            VoltageSource("vdd", "vdd"),
            VoltageSource("out", "out"),
        ),
    )


@pytest.mark.parametrize(
    "title",
    [
        "x\n.control\nshell touch /tmp/pwned\n.endc",
        "x\r.control\rshell id",
        "ng_script",
        "#shell id",
        "a\x00b\u2028.include /etc/passwd",
        "y" * 10_000,
        '"; $(id) `id` {1/0}',
    ],
)
def test_a_hostile_title_stays_a_comment(cmos180: Technology, title: str) -> None:
    lines = deck(bench(), cmos180, DRIVES, title=title).text.splitlines()
    assert lines[0].startswith("* anamorph: ")
    assert re.fullmatch(r"[A-Za-z0-9 _.-]{0,80}", safe_title(title))
    assert len(lines) == len(deck(bench(), cmos180, DRIVES).text.splitlines())
    assert [line for line in lines if not LEGAL.fullmatch(line)] == []


def test_every_line_of_a_transient_is_of_a_known_kind(cmos180: Technology) -> None:
    drives = DRIVES | {"i_in": ([1e-9, 2e-9], [0.0, 1e-8])}
    written = deck(bench(), cmos180, drives, transient=Transient(1e-6), start={"v_p": 1.4})
    lines = written.text.splitlines()
    assert [line for line in lines if not LEGAL.fullmatch(line)] == []
    # a wave that begins later holds its first value until then
    assert "Ii_in 0 i_in pwl(0.0 0.0 1e-09 0.0 2e-09 1e-08)" in lines
    assert ".tran 1e-08 1e-06 0.0 1e-08" in lines


def test_the_hierarchy_is_kept(cmos180: Technology) -> None:
    written = deck(bench(), cmos180, DRIVES)
    lines = written.text.splitlines()
    assert sum(line.startswith(".subckt soma ") for line in lines) == 1
    assert sum(line.startswith(".subckt synapse ") for line in lines) == 1
    assert written.nodes["syn.x_1"] == "xsyn.x_1"
    assert written.nodes["v_p"] == "v_p"
    assert written.sources == {"vdd": "vvdd", "out": "vout"}


def test_deviations_reach_instances_in_netlist_order(cmos180: Technology) -> None:
    shifts = np.arange(16) * 1e-3
    lines = deck(bench(), cmos180, DRIVES, shifts).text.splitlines()
    given = {line.split()[0]: re.findall(r"dv\d+=(\S+)", line) for line in lines if line.startswith("Xs")}
    assert [float(x) for x in given["Xsoma"]] == shifts[:5].tolist()
    assert [float(x) for x in given["Xsyn"]] == shifts[5:].tolist()


def test_a_large_cell_is_expanded_in_place(cmos180: Technology, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spice_hierarchy, "MAX_PARAMETERS", 5)
    shifts = np.arange(16) * 1e-3
    written = deck(bench(), cmos180, DRIVES, shifts)
    lines = written.text.splitlines()
    assert sum(line.startswith(".subckt synapse") for line in lines) == 0
    assert sum(line.startswith("Xsoma ") for line in lines) == 1
    own = [float(line.rpartition("=")[2]) for line in lines if line.startswith("Xsyn_m")]
    assert own == shifts[5:].tolist()
    assert written.nodes["syn.x_1"] == "syn_x_1"


def test_names_that_ngspice_would_confuse_stay_apart(cmos180: Technology) -> None:
    names = ("a", "A", "gnd", "GND", "time", "sub_x")
    inner = Cell("Sub", ("a",), (Resistor("R", "a", "x", 1.0), Resistor("r", "x", "0", 1.0)))
    cell = Cell(
        "top",
        (),
        (
            VoltageSource("src", "a"),
            *(Resistor(f"R{k}", n, "0", 1.0) for k, n in enumerate(names)),
            *(Resistor(f"S{k}", n, "a", 1.0) for k, n in enumerate(names) if n != "a"),
            Instance("sub", inner, {"a": "A"}),
        ),
    )
    nodes = deck(cell, cmos180, {"src": 1.0}).nodes
    assert len(set(nodes.values())) == len(nodes) == len(names) + 1
    assert not {"0", "gnd", "time"} & set(nodes.values())


def test_values_survive_to_the_last_bit(cmos180: Technology) -> None:
    third = 1e-15 / 3
    cell = Cell("c", (), (Capacitor("C", "a", "0", third), VoltageSource("s", "a")))
    lines = deck(cell, cmos180, {"s": 2 / 3}).text.splitlines()
    assert float(next(line for line in lines if line.startswith("Cc ")).split()[-1]) == third
    assert float(next(line for line in lines if line.startswith("Vs ")).split()[-1]) == 2 / 3


def test_two_cells_of_one_name_are_refused(cmos180: Technology) -> None:
    one = Cell("part", ("p",), (Resistor("r", "p", "0", 1.0),))
    other = Cell("part", ("p",), (Resistor("r", "p", "0", 2.0),))
    cell = Cell("top", (), (Instance("a", one, {"p": "p"}), Instance("b", other, {"p": "p"}), VoltageSource("s", "p")))
    with pytest.raises(BadInput, match="share a name"):
        deck(cell, cmos180, {"s": 1.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drives": {"vdd": 1.8, "out": 0.35}}, "no value for source 'i_in'"),
        ({"drives": DRIVES | {"i_inn": 0.0}}, "no source 'i_inn' to drive.*Did you mean 'i_in'"),
        ({"drives": DRIVES | {"vdd": float("nan")}}, "vdd: not a finite number"),
        ({"drives": DRIVES | {"vdd": ([0.0], [1.8])}}, "a wave drives an operating point"),
        ({"drives": DRIVES | {"vdd": ([1.0, 0.0], [1.0, 1.8])}, "transient": Transient(1.0)}, "not a wave"),
        ({"transient": Transient(1e-6, 2e-6)}, "impossible times"),
        ({"deviations": np.zeros(15)}, "expected 16 finite numbers; got an array of shape"),
        ({"deviations": np.full(16, np.nan)}, "got a NaN or infinity"),
        ({"start": {"v_q": 1.0}}, "no node 'v_q'.*Did you mean"),
    ],
)
def test_bad_input_is_named(cmos180: Technology, change: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        deck(**({"cell": bench(), "technology": cmos180, "drives": DRIVES} | change))


def test_no_name_can_carry_a_line_break() -> None:
    for name in ("a\n.control", "a b", "a;b", "a)", "a.b", "$a", ""):
        with pytest.raises(BadInput, match="not a usable name"):
            Cell("c", (), (VoltageSource("s", name), Resistor("r", name, "0", 1.0)))
        with pytest.raises(BadInput, match="not a usable name"):
            Cell("c", (), (VoltageSource(name, "a"), Resistor("r", "a", "0", 1.0)))
    with pytest.raises(BadInput, match="unknown polarity"):
        Cell("c", ("a",), (Fet("m", "n\n.control", "a", "a", "0", "0", 1e-6, 1e-6),))
