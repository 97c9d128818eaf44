"""Parts that all eNeurons and their synapses are made of: transistors of a 55 nm layout, inverters, wiring.

Sizes are in nm, as the tables of Soupizet et al. 2023 give them. Bodies are at the rails. Every drain and source is
drawn as a diffusion of its own (assumed).
"""

from __future__ import annotations

from anamorph.circuit.netlist import Capacitor, Fet

NM, FF = 1e-9, 1e-15
Nanometres = int | float
#: Width and length.
Size = tuple[Nanometres, Nanometres]
#: Extent of an unshared drain or source diffusion, m (assumed).
DIFFUSION = 180 * NM


def fet(name: str, drain: str, gate: str, source: str, w: Nanometres, length: Nanometres) -> Fet:
    """A transistor of `w` by `length` nm; p-channel with its bulk at ``vdd`` if the name begins with MP."""
    polarity = "p" if name.startswith("MP") else "n"
    wide = w * NM
    area, perimeter = wide * DIFFUSION, 2 * (wide + DIFFUSION)
    bulk = "vdd" if polarity == "p" else "0"
    return Fet(name, polarity, drain, gate, source, bulk, wide, length * NM, 1, area, area, perimeter, perimeter)


def inverter(number: str, given: str, out: str, p: Size, n: Size) -> tuple[Fet, Fet]:
    """MP and MN of an inverter, sizes (W, L) in nm."""
    return (
        fet(f"MP{number}", out, given, "vdd", *p),
        fet(f"MN{number}", out, given, "0", *n),
    )  # fmt: skip


def wire(node: str, femtofarad: float, to: str = "0") -> Capacitor:
    """Capacitance of a node's wiring."""
    return Capacitor(f"CW_{node}", node, to, femtofarad * FF)
