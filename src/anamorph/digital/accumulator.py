"""A multiplier-accumulator: one synapse's product each clock cycle, summed over the n synapses of a neuron.

    total <- (total if keep else 0) + a b

The sum is as wide as n products need. Registers at the operands, so that the multiplier sees one change a cycle, are
an option.
"""

from __future__ import annotations

from anamorph.digital.gates import Builder, Netlist
from anamorph.digital.wallace import add, check_bits, product
from anamorph.errors import BadInput


def sum_width(n_bits: int, n_synapses: int) -> int:
    """Bits that `n_synapses` products of `n_bits` x `n_bits` need."""
    return ((2**n_bits - 1) ** 2 * n_synapses).bit_length()


def mac(n_bits: int, n_synapses: int, *, operand_registers: bool = False) -> Netlist:
    """The multiplier-accumulator: inputs a, b and keep; outputs total (registers) and p (the product).

    Args:
        n_bits: of either operand, unsigned.
        n_synapses: products that the sum has room for.
        operand_registers: registers at a and b; the product is then one cycle later.

    Raises:
        BadInput: a width that is not sensible, or a sum wider than 64 bits.
    """
    check_bits(n_bits)
    width = sum_width(n_bits, n_synapses)
    if n_synapses < 1 or width > 64:
        raise BadInput("not a number of synapses", where="n_synapses", expected="1 or more, sum of at most 64 bits",
                       got=f"{n_synapses} ({width} bits)")  # fmt: skip
    builder = Builder(f"mac_{n_bits}x{n_synapses}")
    a, b, (keep,) = builder.input("a", n_bits), builder.input("b", n_bits), builder.input("keep", 1)
    if operand_registers:
        held_a, held_b = builder.register_bus(n_bits), builder.register_bus(n_bits)
        builder.connect(held_a, a)
        builder.connect(held_b, b)
        a, b = held_a, held_b
    p = product(builder, a, b)
    total = builder.register_bus(width)
    kept = [builder.gate("and2", bit, keep)[0] for bit in total]
    rows = [dict(enumerate(p[:width])), dict(enumerate(kept))]
    builder.connect(total, add(builder, rows, width))
    return builder.build({"total": total, "p": p})
