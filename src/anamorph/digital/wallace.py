"""A Wallace-tree multiplier of any width, reduced row by row.

The N x N partial products (AND gates) stand in N shifted rows. Rows are taken three at a time: a column with
three bits gets a full adder, one with two a half adder, one with one bit a wire. Each group of three rows becomes
two, until two are left, which a carry-propagate adder sums (C. S. Wallace, IEEE Trans. Electronic Computers EC-13,
1964).

With 6, 18 and 28 transistors for AND, half and full adder that is 192 transistors for 3 bits, the number of Chatterjee
et al. 2018, and 2,000 for 8 bits, where they have 1,980.
"""

from __future__ import annotations

from collections.abc import Sequence

from anamorph.digital.gates import Builder, Bus, Netlist
from anamorph.errors import BadInput

#: A row of bits: column (power of two) -> net.
Row = dict[int, int]
#: A product is simulated as one number of 64 bits.
MAX_BITS = 32


def multiplier(n_bits: int) -> Netlist:
    """Unsigned `n_bits` x `n_bits` multiplier: inputs a and b, output p of ``2 n_bits`` bits.

    Raises:
        BadInput: fewer than one bit, or more than `MAX_BITS`.
    """
    check_bits(n_bits)
    builder = Builder(f"wallace_{n_bits}")
    a, b = builder.input("a", n_bits), builder.input("b", n_bits)
    return builder.build({"p": product(builder, a, b)})


def check_bits(n_bits: int) -> None:
    """Raises `BadInput` for a width that is not a sensible one."""
    if not 1 <= n_bits <= MAX_BITS:
        raise BadInput("not a width of a multiplier", where="n_bits", expected=f"1 to {MAX_BITS}", got=str(n_bits))


def product(builder: Builder, a: Bus, b: Bus) -> Bus:
    """Nets of the product of two buses, least significant bit first."""
    rows: list[Row] = [{j + i: builder.gate("and2", a_i, b_j)[0] for i, a_i in enumerate(a)} for j, b_j in enumerate(b)]
    while len(rows) > 2:
        whole = len(rows) - len(rows) % 3
        reduced = [row for k in range(0, whole, 3) for row in _three_to_two(builder, rows[k : k + 3])]
        rows = reduced + rows[whole:]
    return add(builder, rows, len(a) + len(b))


def _three_to_two(builder: Builder, rows: Sequence[Row]) -> tuple[Row, Row]:
    sums: Row = {}
    carries: Row = {}
    for column in sorted({column for row in rows for column in row}):
        bits = [row[column] for row in rows if column in row]
        sums[column], carry = _compress(builder, bits)
        if carry is not None:
            carries[column + 1] = carry
    return sums, carries


def _compress(builder: Builder, bits: Sequence[int]) -> tuple[int, int | None]:
    """Sum and carry of one to three bits."""
    if len(bits) == 1:
        return bits[0], None
    s, co = builder.gate("half_adder" if len(bits) == 2 else "full_adder", *bits)
    return s, co


def add(builder: Builder, rows: Sequence[Row], width: int) -> Bus:
    """Ripple-carry sum of at most two rows of bits, `width` bits of it; what carries out beyond is dropped."""
    total: list[int] = []
    carry: int | None = None
    for column in range(width):
        bits = [row[column] for row in rows if column in row]
        bits += [] if carry is None else [carry]
        if not bits:
            total.append(0)
            carry = None
        elif len(bits) > 1 and column == width - 1:
            total.append(_sum_only(builder, bits))
        else:
            s, carry = _compress(builder, bits)
            total.append(s)
    return tuple(total)


def _sum_only(builder: Builder, bits: Sequence[int]) -> int:
    """Parity: the top column has no carry that anybody reads."""
    found = bits[0]
    for bit in bits[1:]:
        (found,) = builder.gate("xor2", found, bit)
    return found
