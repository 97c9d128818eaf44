"""The leaky integrate-and-fire eNeuron: Axon-Hillock of Danneville et al. 2019.

    i_ex charges v_m; MP1/MN1: v_m -> a; MP2/MN2: a -> out; C_f from out back to v_m (the spike's upstroke);
    MN3, its gate on out, discharges v_m.

Five transistors and C_f, sizes of Soupizet et al. 2023, Table II. The topology is that of a public netlist of the same
circuit (INQUIRELAB/7nm-FinFet-Spiking-Neuron-Simulations). The membrane's capacitance is parasitic. What the layout
adds is not published: `C_F_LAYOUT` and `WIRING` were fitted so that the highest frequency is the published 130 kHz.
"""

from __future__ import annotations

from anamorph.cell.eneuron_parts import FF, fet, inverter, wire
from anamorph.circuit.netlist import Capacitor, Cell

SIZE = (135.0, 65.0)
#: Feedback capacitor (Table II), and what its layout adds (calibrated), fF.
C_F, C_F_LAYOUT = 5.0, 5.5
#: Capacitance of wiring, fF (calibrated): membrane and output, and the node between the inverters.
WIRING, WIRING_INNER = 5.0, 1.4


def lif() -> Cell:
    """The neuron: ports v_m (excitation current in), out (spikes), vdd."""
    return Cell(
        "lif",
        ("v_m", "out", "vdd"),
        (
            *inverter("1", "v_m", "a", SIZE, SIZE),
            *inverter("2", "a", "out", SIZE, SIZE),
            fet("MN3", "v_m", "out", "0", *SIZE),
            Capacitor("C_f", "out", "v_m", (C_F + C_F_LAYOUT) * FF),
            wire("v_m", WIRING),
            wire("a", WIRING_INNER),
            wire("out", WIRING),
        ),
        note="Danneville et al. 2019; Soupizet et al. 2023, Table II",
    )
