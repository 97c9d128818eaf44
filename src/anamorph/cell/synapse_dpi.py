"""The differential pair integrator (DPI) synapse of Bartolozzi and Indiveri 2007, at 0.2 V. All sizes are ASSUMED.

    MNPre, its gate on v_pre, lets MNW's current through while there is a spike (v_w sets it);
    MNIn, diode on v_syn, and MNThr, its gate on v_thr and its drain at the supply, share that current;
    C from the supply to v_syn; MPTau refills it (v_tau); MPSyn, its gate on v_syn, sources the output.

Six transistors and C, as in "Synaptic Dynamics in Analog VLSI", Neural Computation 19(10), 2007, with the polarity that
sources. In weak inversion, with D the share of time that is spike,

    D I_w / (1 + I / I_g) = I_tau    so    I = I_g (D I_w / I_tau - 1),    tau = n C U_T / I_tau :

the current is linear in the rate of spikes. At 0.2 V three stacked transistors leave weak saturation, and MNPre leaks
without spikes: the line bends, and a floor remains. Sizes and biases were chosen so that the current behind the
biomimetic neuron is about that of the compact synapse's published line (Soupizet et al. 2023, section IV.B.2).
"""

from __future__ import annotations

from dataclasses import replace

from anamorph.cell.eneuron_parts import FF, fet
from anamorph.circuit.netlist import Capacitor, Cell

#: Capacitor, fF (that of the compact synapse); widths and lengths, nm, and how many side by side.
C = 11.9
PRE, WEIGHT, PAIR, TAU, OUTPUT = (135, 240), (135, 65), (135, 65), (135, 240), (465, 60)
M_PRE, M_WEIGHT, M_PAIR = 4, 2, 4
#: Potentials of the bias ports, V.
BIASES = {"v_w": 0.12, "v_thr": 0.12, "v_tau": 0.0}


def dpi_synapse() -> Cell:
    """The synapse: ports v_pre (spikes), i_out, vdd, v_w (weight), v_thr (gain), v_tau (time constant)."""
    return Cell(
        "dpi_synapse",
        ("v_pre", "i_out", "vdd", "v_w", "v_thr", "v_tau"),
        (
            # its p-well at the supply, or a spike of 0.2 V would not turn on a channel long enough not to leak
            replace(fet("MNPre", "x_pre", "v_pre", "0", *PRE), bulk="vdd", m=M_PRE),
            replace(fet("MNW", "x_w", "v_w", "x_pre", *WEIGHT), m=M_WEIGHT),
            replace(fet("MNIn", "v_syn", "v_syn", "x_w", *PAIR), m=M_PAIR),
            replace(fet("MNThr", "vdd", "v_thr", "x_w", *PAIR), m=M_PAIR),
            Capacitor("C", "vdd", "v_syn", C * FF),
            fet("MPTau", "v_syn", "v_tau", "vdd", *TAU),
            fet("MPSyn", "i_out", "v_syn", "vdd", *OUTPUT),
        ),
        note="Bartolozzi and Indiveri 2007; sizes assumed",
    )
