"""The rectifying soma and the signed n-bit mirror synapse of Binas et al. 2016 (Fig. 2, Table 2).

Sizes, the order of the devices and the parasitic capacitances are those of the authors' public netlist
(jbinas/adnn, subcircuits.py), which differs from Table 2 in two points that matter: a weight of m units is
*m parallel unit devices* and not one m times as wide (a narrow nFET has a lower threshold, so the two
differ threefold in current), and the switches are 0.45/0.45 um. Bodies are at the rails.

    soma     i_in -> M0 (diode), M1 copies to M2 (diode, sets v_p), M3 copies to M4 (diode, sets v_n)
    synapse  v_p, v_n -> i_out = +-(sum of bits 2^b) unit mirrors; w_sign low: positive branch on
"""

from __future__ import annotations

from anamorph.circuit.netlist import Capacitor, Cell, Fet

UM = 1e-6
#: Drawn junction area and perimeter of the soma's devices (authors' netlist).
SOMA_AREA, SOMA_PERIMETER = 1.45e-12, 6.5e-6
SOMA_W, SOMA_L = 2.7 * UM, 0.45 * UM
UNIT_W, UNIT_L = 0.27 * UM, 0.54 * UM
SWITCH_W, SWITCH_L = 0.45 * UM, 0.45 * UM
#: Extent of an unshared drain or source diffusion, as in the soma's drawn areas: 1.45 um² / 2.7 um.
DIFFUSION = 0.54 * UM
#: Wiring capacitances of a 3-bit synapse, F (post-layout, authors' netlist); 11 fF in all with the inner nodes.
C_V_N, C_V_P, C_OUT, C_INNER_PER_BIT = 2e-15, 2e-15, 3.5e-15, (1e-15, 1e-15, 1.5e-15)


def soma() -> Cell:
    """Rectifier and log-domain output: ports i_in, v_p, v_n, vdd (5 FETs)."""

    def fet(name: str, polarity: str, drain: str, gate: str, rail: str) -> Fet:
        return Fet(
            name, polarity, drain, gate, rail, rail, SOMA_W, SOMA_L,
            drain_area=SOMA_AREA, source_area=SOMA_AREA,
            drain_perimeter=SOMA_PERIMETER, source_perimeter=SOMA_PERIMETER,
        )  # fmt: skip

    return Cell(
        "soma",
        ("i_in", "v_p", "v_n", "vdd"),
        (
            fet("M0", "n", "i_in", "i_in", "0"),
            fet("M1", "n", "v_p", "i_in", "0"),
            fet("M2", "p", "v_p", "v_p", "vdd"),
            fet("M3", "p", "v_n", "v_p", "vdd"),
            fet("M4", "n", "v_n", "v_n", "0"),
        ),
    )


def synapse(n_bits: int = 3) -> Cell:
    """Signed n-bit mirror synapse: ports v_p, v_n, i_out, w_sign, w_0 (LSB) .., vdd.

    3 n_bits + 2 FETs. `w_sign` low selects the positive branch, which sources into `i_out`.
    """

    def fet(name: str, polarity: str, d: str, g: str, s: str, w: float, l: float, m: int = 1) -> Fet:  # noqa: E741
        area, perimeter = w * DIFFUSION, 2 * (w + DIFFUSION)
        bulk = "0" if polarity == "n" else "vdd"
        return Fet(name, polarity, d, g, s, bulk, w, l, m, area, area, perimeter, perimeter)

    elements: list[Fet | Capacitor] = [
        fet("MSP", "p", "top", "w_sign", "vdd", SWITCH_W, SWITCH_L),
        fet("MSN", "n", "bottom", "w_sign", "0", SWITCH_W, SWITCH_L),
    ]
    for bit in range(n_bits):
        inner = f"x_{bit}"
        elements += [
            fet(f"MP{bit}", "p", inner, "v_p", "top", UNIT_W, UNIT_L, 2**bit),
            fet(f"MN{bit}", "n", inner, "v_n", "bottom", UNIT_W, UNIT_L, 2**bit),
            fet(f"MB{bit}", "n", inner, f"w_{bit}", "i_out", SWITCH_W, SWITCH_L),
            Capacitor(f"CX{bit}", inner, "0", C_INNER_PER_BIT[min(bit, 2)]),
        ]
    elements += [
        Capacitor("CP", "v_p", "vdd", C_V_P),
        Capacitor("CN", "v_n", "0", C_V_N),
        Capacitor("CO", "i_out", "0", C_OUT),
    ]
    bits = tuple(f"w_{bit}" for bit in range(n_bits))
    return Cell("synapse", ("v_p", "v_n", "i_out", "w_sign", *bits, "vdd"), tuple(elements))
