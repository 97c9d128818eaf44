"""The ultra-low-power (ULP) synapse of Danneville et al. 2021 (Soupizet et al. 2023, Fig. 3c). Details are ASSUMED.

    MPR, its gate grounded, and C: v_pre -> c; MP1/MN1: c -> a; MP2/MN2: a -> b;
    MPOut, its gate on v_w, from b to the output.

The text says: an RC filter, two inverters that make the pulse longer, a p-channel transistor in deep subthreshold. All
sizes, and what is connected to what, are assumed. A p-channel resistor charges c within a spike and discharges it
slowly; until c falls through the first inverter's threshold the second one holds b at the supply, and MPOut passes a
current. Pulses longer than a period run into each other, so the mean current saturates at high rates. Between pulses
b is at ground, and MPOut takes a little of the current back.

Supplies of +-100 mV make a step of 2 V_DD of what is 0.2 V here. R, C, widths and v_w were chosen for 1.26 nA behind
the biomimetic neuron at 300 kHz, and for about the published current of the compact synapse at 160 kHz.
"""

from __future__ import annotations

from dataclasses import replace

from anamorph.cell.eneuron_parts import FF, fet, inverter
from anamorph.circuit.netlist import Capacitor, Cell

#: Capacitor, fF; widths and lengths, nm.
C = 1.0
RESISTOR, FIRST, SECOND_P, SECOND_N, OUTPUT = (600, 300), (135, 65), (270, 60), (135, 65), (475, 60)
#: Potential of the bias port, V.
BIASES = {"v_w": 0.05}


def ulp_synapse() -> Cell:
    """The synapse: ports v_pre (spikes), i_out, vdd, v_w (weight)."""
    return Cell(
        "ulp_synapse",
        ("v_pre", "i_out", "vdd", "v_w"),
        (
            # its n-well at ground, as in the compact synapse, or it would be ten times as slow
            replace(fet("MPR", "c", "0", "v_pre", *RESISTOR), bulk="0"),
            Capacitor("C", "c", "0", C * FF),
            *inverter("1", "c", "a", FIRST, FIRST),
            *inverter("2", "a", "b", SECOND_P, SECOND_N),
            fet("MPOut", "i_out", "v_w", "b", *OUTPUT),
        ),
        note="Danneville et al. 2021, as told by Soupizet et al. 2023; sizes assumed",
    )
