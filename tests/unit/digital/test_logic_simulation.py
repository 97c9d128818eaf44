"""Transitions, glitches and states: counted by hand where a hand can, and against a loop over single values."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.digital.gates import KINDS, Builder, Netlist
from anamorph.digital.logic_simulation import simulate
from anamorph.digital.wallace import multiplier
from anamorph.errors import BadInput


def glitching() -> Netlist:
    """y = a and not a: settled always low, and high for one gate's delay whenever a rises."""
    builder = Builder("glitching")
    (a,) = builder.input("a", 1)
    (not_a,) = builder.gate("inverter", a)
    return builder.build({"y": builder.gate("and2", a, not_a)})


def test_a_glitch_is_two_transitions_that_zero_delay_does_not_see() -> None:
    circuit, stream = glitching(), {"a": np.array([0, 1, 0, 1, 1])}
    zero, unit = simulate(circuit, stream), simulate(circuit, stream, unit_delay=True)
    (y,), (a,) = circuit.outputs["y"], circuit.inputs["a"]
    assert zero.transitions[y] == 0 and zero.transitions[a] == 3 / 4
    assert unit.transitions[y] == 2 * 2 / 4  # a rises twice in four steps
    assert unit.settled[y] == 0
    assert unit.transitions[a] == 3 / 4


def test_states_are_shares_of_time() -> None:
    builder = Builder("one")
    (a,), (b,) = builder.input("a", 1), builder.input("b", 1)
    circuit = builder.build({"y": builder.gate("and2", a, b)})
    activity = simulate(circuit, {"a": np.array([0, 1, 1, 1]), "b": np.array([0, 0, 0, 1])})
    np.testing.assert_allclose(activity.states[0], [1 / 4, 2 / 4, 0, 1 / 4, 0, 0, 0, 0])


def test_lanes_and_cycles_agree_with_one_value_at_a_time() -> None:
    circuit = multiplier(4)
    a, b = np.random.default_rng(2).integers(0, 16, (2, 9, 67))
    together = simulate(circuit, {"a": a, "b": b}, unit_delay=True)
    each = [simulate(circuit, {"a": a[:, k], "b": b[:, k]}, unit_delay=True) for k in range(67)]
    np.testing.assert_allclose(together.transitions, np.mean([one.transitions for one in each], axis=0), rtol=1e-12)
    np.testing.assert_allclose(together.states, np.mean([one.states for one in each], axis=0), rtol=1e-12)
    np.testing.assert_allclose(together.states.sum(axis=1), 1.0)
    assert (together.transitions >= together.settled - 1e-12).all()


def test_settled_transitions_are_those_of_the_values() -> None:
    circuit = multiplier(3)
    a, b = np.random.default_rng(3).integers(0, 8, (2, 50))
    activity = simulate(circuit, {"a": a, "b": b})
    p = a * b
    for bit, net in enumerate(circuit.outputs["p"]):
        assert activity.settled[net] == pytest.approx(np.mean(np.diff(p >> bit & 1) != 0))


def test_refusals() -> None:
    circuit, one = multiplier(2), np.array([1])
    with pytest.raises(BadInput, match="no stream for bus 'b'"):
        simulate(circuit, {"a": one})
    with pytest.raises(BadInput, match="no input bus 'c'"):
        simulate(circuit, {"a": one, "b": one, "c": one})
    with pytest.raises(BadInput, match="does not fit.*0 to 3"):
        simulate(circuit, {"a": one, "b": 4 * one})
    with pytest.raises(BadInput, match="different shapes"):
        simulate(circuit, {"a": one, "b": np.array([1, 1])})


def test_every_kind_has_an_answer() -> None:
    for kind in KINDS:
        builder = Builder("one")
        nets = builder.input("x", len(kind.inputs))
        circuit = builder.build({"y": builder.gate(kind.name, *nets)})
        lanes = np.arange(2 ** len(kind.inputs))
        found = simulate(circuit, {"x": np.stack([lanes, lanes])}).outputs["y"]
        bits = [lanes >> k & 1 for k in range(len(kind.inputs))]
        expected = {
            "inverter": 1 - bits[0],
            "and2": bits[0] & bits[-1],
            "xor2": bits[0] ^ bits[-1],
            "register": bits[0],
        }
        np.testing.assert_array_equal(found[-1], expected.get(kind.name, sum(bits)))
