"""A biomimetic Morris-Lecar eNeuron with the devices of Soupizet et al. 2023, Table II. Its connections are ASSUMED.

No netlist of the published circuit (Ferreira et al. 2021) is public: the table names the devices, and a public curve
(Zenodo 10.5281/zenodo.12839336) gives f_spike against current. This circuit uses every device of the table once and was
designed to meet that curve; nothing says that the original is connected like this.

    i_ex and C_m on v_m; MP1/MN1: v_m -> a; MPNa, its gate on a, pulls v_m up (sodium);
    MP2/MN2: a -> out with C_f; MNK, its gate on out, pulls v_m down (potassium, fast);
    MP3/MN3: a -> d with C_Kp; MNKp, its gate on d, pulls v_m down too (potassium, slower);
    MPd, ten um long and its gate grounded, leaks a few picoamperes from the supply into v_m.

G_L is what the wide transistors leak. Rest and threshold are a balance of the leakage of MNK and MNKp against that of
MPNa and MPd, and with them the slow rise at small currents. The dependence of the card's thresholds on width and length
was calibrated with this cell.

MPd as a resistor of gigaohms in front of C_Kp, the other reading of the table, was tried and given up: such a node
takes milliseconds to settle, since a p-channel device charges it far faster than it discharges it.
"""

from __future__ import annotations

from anamorph.cell.eneuron_parts import FF, fet, inverter, wire
from anamorph.circuit.netlist import Capacitor, Cell

L = 60.0
#: Membrane, fast and slow potassium capacitors, fF (Table II).
C_M, C_F, C_K = 5.5, 9.8, 6.8
#: Capacitance of wiring, fF (calibrated): membrane, and every other node.
WIRING_MEMBRANE, WIRING = 0.22, 0.113


def biomimetic_ml() -> Cell:
    """The neuron: ports v_m (excitation current in), out (the gate of MNK, spikes), vdd."""
    return Cell(
        "biomimetic_ml",
        ("v_m", "out", "vdd"),
        (
            *inverter("1", "v_m", "a", (135, L), (200, L)),
            *inverter("2", "a", "out", (1200, L), (135, L)),
            *inverter("3", "a", "d", (200, L), (135, L)),
            fet("MPNa", "v_m", "a", "vdd", 800, L),
            fet("MNK", "v_m", "out", "0", 2000, L),
            fet("MPd", "v_m", "0", "vdd", 500, 10_000),
            fet("MNKp", "v_m", "d", "0", 2000, L),
            Capacitor("C_m", "v_m", "0", C_M * FF),
            Capacitor("C_f", "out", "0", C_F * FF),
            Capacitor("C_Kp", "d", "0", C_K * FF),
            wire("v_m", WIRING_MEMBRANE),
            wire("a", WIRING),
            wire("out", WIRING),
            wire("d", WIRING),
        ),
        note="connections assumed; devices of Soupizet et al. 2023, Table II",
    )
