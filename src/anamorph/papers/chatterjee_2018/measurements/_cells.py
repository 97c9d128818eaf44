"""The cell whose capacitance is that of the paper's energy and noise."""

from __future__ import annotations

from anamorph.cell.differential_pair import DifferentialPair

#: 100 pA through either branch: tail current, A.
TAIL = 200e-12
#: 8 bits with 3 to 4 fF at an output, which is what the paper's energy and noise have in common: pairs of two bits are
#: three drains on a side each, where pairs of four bits are fifteen.
SMALL = DifferentialPair(8, segment_bits=2, c_load=0.5e-15)
