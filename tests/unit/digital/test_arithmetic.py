"""Multipliers and accumulators compute what arithmetic says: every operand of up to 4 bits, at random beyond."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.digital.accumulator import mac, sum_width
from anamorph.digital.gates import Builder, kind_number
from anamorph.digital.logic_simulation import simulate
from anamorph.digital.wallace import multiplier
from anamorph.errors import BadInput


def pairs(n_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of operands, as lanes of one cycle."""
    a, b = np.meshgrid(np.arange(2**n_bits), np.arange(2**n_bits))
    return a.reshape(1, -1), b.reshape(1, -1)


@pytest.mark.parametrize("n_bits", [1, 2, 3, 4])
def test_every_product_of_few_bits(n_bits: int) -> None:
    a, b = pairs(n_bits)
    found = simulate(multiplier(n_bits), {"a": a, "b": b}).outputs["p"]
    np.testing.assert_array_equal(found, (a * b).astype(np.uint64))


@pytest.mark.parametrize(("n_bits", "samples"), [(5, 300), (8, 4000), (13, 1000), (16, 4000), (32, 500)])
def test_products_at_random_and_of_the_largest(n_bits: int, samples: int) -> None:
    a, b = np.random.default_rng(n_bits).integers(0, 2**n_bits, (2, 1, samples), dtype=np.uint64)
    a[0, :2] = b[0, :2] = 2**n_bits - 1, 0
    found = simulate(multiplier(n_bits), {"a": a, "b": b}).outputs["p"]
    np.testing.assert_array_equal(found, a * b)


@pytest.mark.parametrize(("n_bits", "transistors"), [(1, 6), (3, 192), (8, 2000)])
def test_transistors(n_bits: int, transistors: int) -> None:
    # Chatterjee et al. 2018 have 192 for 3 bits and 1,980 for 8
    assert multiplier(n_bits).transistors == transistors


@pytest.mark.parametrize("operand_registers", [False, True])
@pytest.mark.parametrize(("n_bits", "n_synapses"), [(3, 5), (8, 20)])
def test_accumulator_sums_and_starts_again(n_bits: int, n_synapses: int, operand_registers: bool) -> None:
    cycles = 2 * n_synapses + 3
    a, b = np.random.default_rng(1).integers(0, 2**n_bits, (2, cycles, 70))
    a[:n_synapses] = b[:n_synapses] = 2**n_bits - 1  # the largest sum there is
    late = 1 if operand_registers else 0
    keep = (np.arange(cycles)[:, None] - late) % n_synapses != 0
    circuit = mac(n_bits, n_synapses, operand_registers=operand_registers)
    stream = {"a": a, "b": b, "keep": np.broadcast_to(keep, a.shape).astype(int)}
    found = simulate(circuit, stream).outputs["total"]
    expected, total = np.zeros_like(a), np.zeros(70, int)
    products = np.concatenate([np.zeros((late, 70), int), a * b])
    for cycle in range(cycles):
        expected[cycle] = total
        total = total * keep[cycle] + products[cycle]
    np.testing.assert_array_equal(found, expected.astype(np.uint64))
    assert expected.max().item().bit_length() == sum_width(n_bits, n_synapses)


def test_a_built_netlist_says_what_it_holds() -> None:
    circuit = multiplier(3)
    assert circuit.counts == {"and2": 9, "half_adder": 3, "full_adder": 3}
    assert circuit.bus("p") == circuit.outputs["p"] and len(circuit.bus("p")) == 6
    with pytest.raises(BadInput, match="no bus 'pp'"):
        circuit.bus("pp")


def test_refusals() -> None:
    with pytest.raises(BadInput, match="no gate 'nan2'.*'and2'"):
        kind_number("nan2")
    with pytest.raises(BadInput, match="wrong number of inputs"):
        Builder("x").gate("and2", 0)
    with pytest.raises(BadInput, match="no such net"):
        Builder("x").gate("and2", 0, 7)
    with pytest.raises(BadInput, match="not a new bus"):
        Builder("x").input("a", 0)
    builder = Builder("x")
    with pytest.raises(BadInput, match="different widths"):
        builder.connect(builder.register_bus(2), (0,))
    with pytest.raises(BadInput, match="not a width"):
        multiplier(33)
    with pytest.raises(BadInput, match="number of synapses"):
        mac(32, 2)
