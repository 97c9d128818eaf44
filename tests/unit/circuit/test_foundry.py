"""Netlists for the user's simulator: one circuit in two spellings, complete, and safe whatever it is given."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pytest

from anamorph.circuit.bit_sources import bits_as_sources
from anamorph.circuit.dialect import dialect
from anamorph.circuit.foundry import MANNERS, netlist
from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Instance, Resistor, VoltageSource
from anamorph.circuit.pdk import Include, Models
from anamorph.errors import BadInput
from anamorph.substrate.current_mirror.chip import chip

DRIVES = {"vdd": 1.8, "out_0": 0.35, "out_1": 0.35, "i_in_0": 1e-9, "i_in_1": 2e-9, "i_in_2": 3e-9}
BUILT_IN = {"capacitor": 2, "resistor": 2, "vsource": 2, "isource": 2, "nmos": 4, "pmos": 4}


class Line(NamedTuple):
    """One element, whichever way it was spelled."""

    scope: str
    name: str
    nodes: tuple[str, ...]
    master: str
    parameters: dict[str, str]


class Circuit(NamedTuple):
    elements: list[Line]
    ports: dict[str, tuple[str, ...]]
    parameters: dict[str, tuple[str, ...]]
    other: list[str]


def _pairs(words: list[str]) -> dict[str, str]:
    found = dict(word.split("=", 1) for word in words)
    assert len(found) == len(words)
    return {name: re.sub(r"^[{(]|[)}]$", "", value) for name, value in found.items()}


def read_spice(text: str) -> Circuit:
    """A SPICE netlist, by its own rules: the first letter says what a line is."""
    circuit, scope = Circuit([], {}, {}, []), ""
    masters = {"c": ("capacitor", "c"), "r": ("resistor", "r"), "v": ("vsource", "dc"), "i": ("isource", "dc")}
    for line in text.splitlines()[1:]:
        words = line.split()
        if words[0] == ".subckt":
            assert scope == ""
            scope = words[1]
            assert scope not in circuit.ports
            circuit.ports[scope] = tuple(w for w in words[2:] if "=" not in w)
            circuit.parameters[scope] = tuple(_pairs([w for w in words[2:] if "=" in w]))
        elif words[0] == ".ends":
            assert words == [".ends", scope] and scope
            scope = ""
        elif words[0].startswith("."):
            assert scope == ""
            circuit.other.append(line)
        elif words[0][0] in "mx":
            plain = [w for w in words if "=" not in w]
            nodes, master = tuple(plain[1:-1]), plain[-1]
            circuit.elements.append(Line(scope, words[0], nodes, master, _pairs(words[len(plain) :])))
        else:
            name, a, b, *dc, value = words
            assert dc == (["dc"] if name[0] in "vi" else [])
            master, parameter = masters[name[0]]
            circuit.elements.append(Line(scope, name, (a, b), master, _pairs([f"{parameter}={value}"])))
    assert scope == ""
    return circuit


def read_spectre(text: str) -> Circuit:
    """A Spectre netlist: ``name (nodes) master parameters``, and statements."""
    circuit, scope = Circuit([], {}, {}, []), ""
    for line in text.splitlines()[1:]:
        if found := re.fullmatch(r"subckt (\w+) \(([\w ]+)\)", line):
            assert scope == ""
            scope = found[1]
            assert scope not in circuit.ports
            circuit.ports[scope], circuit.parameters[scope] = tuple(found[2].split()), ()
        elif line.startswith("parameters "):
            circuit.parameters[scope] = tuple(_pairs(line.split()[1:]))
        elif line.startswith("ends "):
            assert line == f"ends {scope}" and scope
            scope = ""
        elif found := re.fullmatch(r"(\w+) \(([\w ]+)\) (\w+)((?: \w+=[\w.+()-]+)*)", line):
            name, nodes, master, parameters = found.groups()
            circuit.elements.append(Line(scope, name, tuple(nodes.split()), master, _pairs(parameters.split())))
        else:
            assert scope == ""
            circuit.other.append(line)
    assert scope == ""
    return circuit


READERS = {"ngspice": read_spice, "spectre": read_spectre}


def check(circuit: Circuit) -> None:
    """Every call has its master's ports and parameters; no name is used twice in a scope."""
    for line in circuit.elements:
        if line.master in BUILT_IN:
            assert len(line.nodes) == BUILT_IN[line.master], line
        else:
            assert len(line.nodes) == len(circuit.ports[line.master]), line
            assert tuple(line.parameters) == circuit.parameters[line.master], line
    for scope in {line.scope for line in circuit.elements}:
        here = [line for line in circuit.elements if line.scope == scope]
        names, nodes = [line.name for line in here], {node for line in here for node in line.nodes} - {"0"}
        assert len(set(names)) == len(names) and not nodes & {*names, *circuit.parameters.get(scope, ())}
        assert all(node == node.lower() for node in (*nodes, *names))
        # a node that one terminal touches is a slip of the writer: the cells have none
        for node in nodes - {*circuit.ports.get(scope, ())}:
            assert sum(line.nodes.count(node) for line in here) > 1, node


def network() -> Cell:
    """3 inputs, 2 outputs, both signs and every bit."""
    return chip((np.array([[3, -2], [7, 1], [-1, 5]]),), 3)


@pytest.mark.parametrize("subcircuits", [False, True])
@pytest.mark.parametrize("manner", [None, *MANNERS])
@pytest.mark.parametrize("bits", ["wired", "sources"])
def test_both_dialects_say_the_same(bits: str, manner: str | None, subcircuits: bool) -> None:
    cell, drives = network(), DRIVES
    if bits == "sources":
        cell, drives = bits_as_sources(cell, drives)
    shifts = None if manner is None else np.linspace(-0.01, 0.01, sum(1 for _ in cell.fets()))
    models = Models(subcircuits=subcircuits)
    found = {
        name: READERS[name](
            netlist(cell, dialect(name), models, drives, deviations=shifts, manner=manner or "delvto").text
        )
        for name in READERS
    }
    for circuit in found.values():
        check(circuit)
    assert found["ngspice"][:3] == found["spectre"][:3]


def test_what_a_transistor_is_given() -> None:
    """The synapse's bit 2: four units in parallel, with the junctions of one of them."""
    text = netlist(network(), dialect("ngspice"), Models("nch", "pch"), DRIVES).text
    assert (
        "mmp2 x_2 v_p top vdd pch w=2.7e-07 l=5.4e-07 m=4 ad=1.458e-13 as=1.458e-13 pd=1.62e-06 ps=1.62e-06\n" in text
    )
    # a PDK's subcircuit may ignore m, so there are four calls
    text = netlist(network(), dialect("ngspice"), Models("nch", "pch", True, 1e-6), DRIVES).text
    for k in range(4):
        assert f"xmp2_{k} x_2 v_p top vdd pch w=0.27 l=0.54 ad=0.1458 as=0.1458 pd=1.62 ps=1.62\n" in text
    assert "m=" not in text


def test_junctions_that_a_cell_does_not_know_are_left_out() -> None:
    cell = Cell("c", (), (Fet("f", "n", "d", "d", "0", "0", 1e-6, 1e-6), CurrentSource("i", "d")))
    assert "mf (d d 0 0) nmos w=1e-06 l=1e-06\n" in netlist(cell, dialect("spectre"), Models(), {"i": 1e-9}).text


def test_deviations_reach_their_transistors() -> None:
    """In the order of ``fets()``; the p-channel's sign is turned, as VTH0 is negative there."""
    cell = network()
    count = sum(1 for _ in cell.fets())
    shifts = np.arange(1, count + 1) * 1e-4
    circuit = read_spice(netlist(cell, dialect("ngspice"), Models(), DRIVES, deviations=shifts).text)
    calls = [line for line in circuit.elements if line.name[0] == "x"]
    assert [float(v) for line in calls for v in line.parameters.values()] == pytest.approx(shifts.tolist(), rel=1e-11)
    signs = {(line.master, line.parameters["delvto"][0]) for line in circuit.elements if line.name[0] == "m"}
    assert signs == {("nmos", "d"), ("pmos", "-")}


def test_bits_as_sources_write_the_same_program() -> None:
    cell, drives = bits_as_sources(network(), DRIVES)
    assert list(cell.fets()) == list(network().fets())
    code = {name: drives[f"w_0_0_1_{name}"] for name in ("sign", "0", "1", "2")}
    assert code == {"sign": 1.8, "0": 0.0, "1": 1.8, "2": 0.0}  # -2
    assert [drives[f"w_readout_1_{b}"] for b in ("sign", "0", "1", "2")] == [0.0, 0.0, 0.0, 1.8]  # 4
    assert len(drives) == len(DRIVES) + 8 * 4
    written = netlist(cell, dialect("ngspice"), Models(), drives)
    assert written.sources["w_0_0_1_sign"] == "vw_0_0_1_sign"
    assert "vw_0_0_1_sign w_0_0_1_sign 0 dc 1.8\n" in written.text


def test_bits_that_cannot_be_put_on_sources_are_named() -> None:
    part = Cell("part", ("w_0",), (Resistor("r", "w_0", "0", 1.0),))
    floating = Cell("top", (), (Instance("a", part, {"w_0": "x"}), Instance("b", part, {"w_0": "x"})))
    with pytest.raises(BadInput, match=r"top: a\.w_0: a bit is tied to no rail; got x"):
        bits_as_sources(floating, {})
    with pytest.raises(BadInput, match="no bits"):
        bits_as_sources(Cell("top", (), (VoltageSource("s", "a"), Resistor("r", "a", "0", 1.0))), {"s": 1.0})
    with pytest.raises(BadInput, match="no value for source 'vdd'"):
        bits_as_sources(network(), {})


def awkward() -> Cell:
    """Names that simulators fold together or take for their own."""
    size = 1e-6, 1e-6
    low = Cell(
        "nmos",
        ("GND", "dv0"),
        (
            Resistor("r", "GND", "time", 1e5),
            Resistor("R", "time", "TIME", 2e5),
            Resistor("s", "TIME", "dv0", 3e5),
            Capacitor("subckt", "TIME", "0", 1e-15),
            Fet("M", "n", "GND", "time", "dv0", "0", *size, m=2),
        ),
    )
    mid = Cell(
        "subckt",
        ("ends", "vsource"),
        (
            Instance("a", low, {"GND": "ends", "dv0": "xa"}),
            Instance("A", low, {"GND": "xa", "dv0": "vsource"}),
            Fet("m", "p", "ends", "xa", "vsource", "0", *size),
        ),
    )
    return Cell(
        "top",
        (),
        (
            VoltageSource("ll", "pi"),
            Instance("x", mid, {"ends": "pi", "vsource": "vll"}),
            Instance("X", mid, {"ends": "vll", "vsource": "0"}),
        ),
    )


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("subcircuits", [False, True])
def test_awkward_names_stay_apart(name: str, manner: str, subcircuits: bool) -> None:
    written = netlist(
        awkward(),
        dialect(name),
        Models(subcircuits=subcircuits),
        {"ll": 1.5},
        deviations=np.full(6, 1e-3),
        manner=manner,
    )
    circuit = READERS[name](written.text)
    check(circuit)
    nodes = {node for line in circuit.elements for node in line.nodes} | {*circuit.ports}
    assert not nodes & ({*dialect(name).reserved, "nmos", "pmos"} - {"0"})
    assert written.sources == {"ll": "vll_2"}  # the node of that name came first


@pytest.mark.parametrize("name", READERS)
def test_a_hostile_title_stays_a_comment(name: str) -> None:
    plain = netlist(network(), dialect(name), Models(), DRIVES).text.splitlines()
    for title in ("x\n.control\nshell id\n.endc", "x\r.control", "\u2028include /etc/passwd", '"; `id` {1/0} \\'):
        lines = netlist(network(), dialect(name), Models(), DRIVES, title=title).text.splitlines()
        assert lines[1:] == plain[1:] and re.fullmatch(r"(\*|//) anamorph: [A-Za-z0-9 _.-]*", lines[0])


@pytest.mark.parametrize(
    "path",
    [
        "", " ", "a\n.control", "a\r", 'a"b', "a'b", "a;b", "a$b", "`id`", "a\\b", "a{b}", "a//b", "a\x00", "a\u2028b",
        "a\x85b", "*a", "a b ", "x" * 1001, "a\tb", "a|b", "<a", "a&b", "a:b",
    ],
)  # fmt: skip
def test_an_include_cannot_become_a_command(path: str) -> None:
    with pytest.raises(BadInput, match="not a usable path"):
        Include(path)


def test_includes_and_sections() -> None:
    includes = [Include("../my pdk/a,b (1).lib", "tt"), Include("\u00e9.scs")]
    text = netlist(network(), dialect("ngspice"), Models(), DRIVES, includes=includes).text
    assert '.lib "../my pdk/a,b (1).lib" tt\n.include "\u00e9.scs"\n' in text
    text = netlist(network(), dialect("spectre"), Models(), DRIVES, includes=includes).text
    assert 'include "../my pdk/a,b (1).lib" section=tt\ninclude "\u00e9.scs"\n' in text
    with pytest.raises(BadInput, match="include: section: not a usable name"):
        Include("a", "tt\n.control")


def test_saved_currents() -> None:
    spice = netlist(network(), dialect("ngspice"), Models(), DRIVES, saved=["out_0"]).text.splitlines()
    assert spice[-3:] == [".save i(vout_0)", ".op", ".end"]
    spectre = netlist(network(), dialect("spectre"), Models(), DRIVES, saved=["out_0"]).text.splitlines()
    assert spectre[-2:] == ["save vout_0:p", "dcop dc"]
    assert spectre[1] == "simulator lang=spectre"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drives": {"vdd": 1.8}}, "no value for source 'i_in_0'"),
        ({"drives": DRIVES | {"vddd": 1.0}}, "no source 'vddd' to drive.*Did you mean 'vdd'"),
        ({"drives": DRIVES | {"vdd": float("inf")}}, "vdd: not a finite number"),
        ({"deviations": np.zeros(3)}, "not the deviations of this circuit; expected 113 finite numbers"),
        ({"deviations": np.full(113, np.nan)}, "not the deviations of this circuit"),
        ({"manner": "delvt"}, "no manner 'delvt'.*Did you mean 'delvto'"),
        ({"saved": ["out_2"]}, "no source 'out_2' to save the current of.*Did you mean"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    good = {"cell": network(), "dialect": dialect("ngspice"), "models": Models(), "drives": DRIVES}
    with pytest.raises(BadInput, match=message):
        netlist(**(good | change))


def test_bad_models_and_cells_are_named() -> None:
    for name in ("n\n.control", "", "n mos", "n=1", "nmos.1"):
        with pytest.raises(BadInput, match="transistor model: not a usable name"):
            Models(n=name)
    with pytest.raises(BadInput, match="one model for both"):
        Models("mos", "MOS")
    with pytest.raises(BadInput, match="no netlist dialect 'spektre'.*Did you mean 'spectre'"):
        dialect("spektre")
    inner = Cell("inner", ("a",), (VoltageSource("s", "a"), Resistor("r", "a", "0", 1.0)))
    cell = Cell("top", (), (Instance("x", inner, {"a": "n"}), Resistor("r", "n", "0", 1.0)))
    with pytest.raises(BadInput, match="inner: s: a source inside an instance"):
        netlist(cell, dialect("ngspice"), Models(), {"s": 1.0})
    one, other = (Cell("part", ("p",), (Resistor("r", "p", "0", r),)) for r in (1.0, 2.0))
    cell = Cell("top", (), (Instance("a", one, {"p": "p"}), Instance("b", other, {"p": "p"}), VoltageSource("s", "p")))
    with pytest.raises(BadInput, match="share a name"):
        netlist(cell, dialect("ngspice"), Models(), {"s": 1.0})
