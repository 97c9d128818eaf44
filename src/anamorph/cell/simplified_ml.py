"""The simplified Morris-Lecar eNeuron of Sourikopoulos et al. 2017, sizes of Soupizet et al. 2023, Table II.

    i_ex and C_m on v_m; MP1/MN1: v_m -> a; MP2/MN2: a -> out with C_K, which delays;
    MPNa, its gate on a, pulls v_m up (sodium); MNK, its gate on out, pulls it down (potassium).

Six transistors and two capacitors. The topology is that of a public netlist of the same circuit (INQUIRELAB/7nm-FinFet-
Spiking-Neuron-Simulations). What the layout adds is not published: `WIRING` was fitted so that the highest frequency
is the published 243 kHz.
"""

from __future__ import annotations

from anamorph.cell.eneuron_parts import FF, fet, inverter, wire
from anamorph.circuit.netlist import Capacitor, Cell

SIZE = (135.0, 65.0)
#: Membrane and potassium capacitors, fF (Table II).
C_M, C_K = 4.0, 8.0
#: Capacitance of wiring, fF (calibrated): membrane and output, and the node between the inverters.
WIRING, WIRING_INNER = 2.5, 1.4


def simplified_ml() -> Cell:
    """The neuron: ports v_m (excitation current in), out (the gate of MNK, spikes), vdd."""
    return Cell(
        "simplified_ml",
        ("v_m", "out", "vdd"),
        (
            *inverter("1", "v_m", "a", SIZE, SIZE),
            *inverter("2", "a", "out", SIZE, SIZE),
            fet("MPNa", "v_m", "a", "vdd", *SIZE),
            fet("MNK", "v_m", "out", "0", *SIZE),
            Capacitor("C_m", "v_m", "0", C_M * FF),
            Capacitor("C_K", "out", "0", C_K * FF),
            wire("v_m", WIRING),
            wire("a", WIRING_INNER),
            wire("out", WIRING),
        ),
        note="Sourikopoulos et al. 2017; Soupizet et al. 2023, Table II",
    )
