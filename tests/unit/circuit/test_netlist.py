"""A netlist that cannot be a circuit is refused, and the message names the place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anamorph.circuit.netlist import (
    Capacitor,
    Cell,
    CurrentSource,
    Fet,
    Instance,
    Resistor,
    VoltageSource,
    check_name,
)
from anamorph.errors import BadInput

DIVIDER = Cell("divider", ("top", "mid"), (Resistor("R1", "top", "mid", 1e3), Resistor("R2", "mid", "0", 1e3)))
FET = Fet("M1", "n", "d", "g", "s", "0", 1e-6, 1e-6)

HOSTILE = [
    "a b",
    "a\n.control",
    "x\nshell true",
    "a;b",
    "$(true)",
    "`true`",
    "a.b",
    "a'b",
    'a"b',
    "1a",
    "",
    "a" * 64,
    "é",
    "a\x00",
    "a\n",
    "../x",
    "a=1",
    ".end",
    "*",
    "a{b}",
]


def refusal(name: str, ports: tuple[str, ...], *elements: object) -> str:
    with pytest.raises(BadInput) as caught:
        Cell(name, ports, elements)  # pyright: ignore[reportArgumentType]
    return str(caught.value)


def test_floating_port_is_named() -> None:
    message = refusal("amp", ("top", "out"), Resistor("R1", "top", "0", 1e3))
    assert message == "cell amp: out: floating port: nothing touches it."


def test_floating_node_is_named() -> None:
    message = refusal("amp", ("top",), Resistor("R1", "top", "x", 1e3))
    assert message == "cell amp: x: floating node: only one terminal touches it."


@pytest.mark.parametrize("kind", [Resistor, Capacitor])
def test_shorted_element_is_named(kind: type[Resistor] | type[Capacitor]) -> None:
    message = refusal("amp", ("a",), kind("E1", "a", "a", 1e-12))
    assert message == "cell amp: E1: both terminals on one node; got a."


def test_shorted_transistor_is_named() -> None:
    message = refusal("amp", ("d", "g"), replace(FET, source="d"))
    assert message == "cell amp: M1: drain and source are shorted; got both on node d."


def test_repeated_element_is_named() -> None:
    twice = (Resistor("R1", "a", "0", 1.0), Resistor("R1", "a", "0", 1.0))
    assert refusal("amp", ("a",), *twice) == "cell amp: element named twice: R1."


def test_repeated_port_is_named() -> None:
    assert refusal("amp", ("a", "a"), Resistor("R1", "a", "0", 1.0)) == "cell amp: port named twice: a."


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_everywhere(name: str) -> None:
    r = Resistor("R1", "a", "0", 1.0)
    for attempt in (
        lambda: check_name(name, "here"),
        lambda: Cell(name, ("a",), (r,)),
        lambda: Cell("amp", (name,), (replace(r, a=name),)),
        lambda: Cell("amp", ("a",), (replace(r, name=name),)),
        lambda: Cell("amp", ("a",), (r, Resistor("R2", name, "0", 1.0), Resistor("R3", name, "a", 1.0))),
        lambda: Cell("amp", ("d", "g", "s"), (replace(FET, bulk=name),)),
        lambda: Cell("amp", ("a",), (r, CurrentSource("I1", name), Capacitor("C1", name, "a", 1.0))),
        lambda: Cell("amp", ("a",), (r, VoltageSource(name, "a"))),
        lambda: Cell("amp", ("a",), (Instance(name, DIVIDER, {"top": "a", "mid": "0"}),)),
    ):
        with pytest.raises(BadInput, match="not a usable name"):
            attempt()


def test_hostile_name_is_shown_escaped() -> None:
    message = refusal("a\n.control", (), Resistor("R1", "a", "0", 1.0))
    assert "\n" not in message and r"'a\n.control'" in message


@pytest.mark.parametrize("name", ["a", "_x", "R_12", "Z" * 63])
def test_ordinary_names_pass(name: str) -> None:
    check_name(name, "here")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("kind", [Resistor, Capacitor])
def test_impossible_values(kind: type[Resistor] | type[Capacitor], value: float) -> None:
    message = refusal("amp", ("a",), kind("E1", "a", "0", value))
    assert message.startswith("cell amp: E1: impossible value; expected")


def test_infinite_value() -> None:
    assert "impossible value" in refusal("amp", ("a",), Resistor("R1", "a", "0", float("inf")))


@pytest.mark.parametrize("changes", [{"w": 0.0}, {"l": -1e-6}, {"w": float("nan")}, {"m": 0}])
def test_impossible_transistor_sizes(changes: dict) -> None:
    message = refusal("amp", ("d", "g", "s"), replace(FET, **changes))
    assert message.startswith("cell amp: M1: impossible size; expected w > 0, l > 0, m >= 1; got ")


def test_unknown_polarity() -> None:
    message = refusal("amp", ("d", "g", "s"), replace(FET, polarity="x"))
    assert message == "cell amp: M1: unknown polarity; expected 'n' or 'p'; got 'x'."


def test_unconnected_port_of_an_instance() -> None:
    message = refusal("top", ("a",), Instance("X1", DIVIDER, {"top": "a"}), Resistor("R1", "a", "0", 1.0))
    assert message == "cell top: X1: port 'mid' of cell divider is not connected."


def test_unknown_port_of_an_instance_names_the_nearest() -> None:
    inner = Instance("X1", DIVIDER, {"top": "a", "mit": "b"})
    message = refusal("top", ("a", "b"), inner)
    assert message == "cell top: X1: no port 'mit' on cell divider. Did you mean 'mid'?"


def test_two_cells_of_one_name() -> None:
    other = Cell("divider", ("top", "mid"), (Resistor("R1", "top", "mid", 2e3), Resistor("R2", "mid", "0", 1e3)))
    nodes = {"top": "a", "mid": "b"}
    top = Cell("top", ("a", "b"), (Instance("X1", DIVIDER, nodes), Instance("X2", other, nodes)))
    with pytest.raises(BadInput, match="cell divider: two different cells share a name"):
        top.cells()


def test_transistors_are_listed_by_hierarchical_name() -> None:
    inverter = Cell("half", ("d", "g", "s"), (FET,))
    nodes = {"d": "a", "g": "b", "s": "0"}
    middle = Cell("middle", ("a", "b"), (Instance("X1", inverter, nodes), Instance("X2", inverter, nodes)))
    top = Cell(
        "top",
        ("a", "b"),
        (Instance("Y", middle, {"a": "a", "b": "b"}), replace(FET, drain="a", gate="b", source="0")),
    )
    assert [name for name, _ in top.fets()] == ["Y.X1.M1", "Y.X2.M1", "M1"]
    assert list(top.cells()) == ["half", "middle"]  # children first


def test_inner_nodes_keep_their_order() -> None:
    cell = Cell("c", ("a",), tuple(Resistor(f"R{i}", x, y, 1.0) for i, (x, y) in enumerate(["az", "zb", "b0"])))
    assert cell.inner_nodes == ("z", "b")
