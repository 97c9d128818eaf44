"""The transconductor synapse of Danneville et al. 2021 (Soupizet et al. 2023, Fig. 3b). Sizes and details are ASSUMED.

    MP1/MN1, an inverter: v_pre -> a; MPIn, its gate on a, conducts while there is a spike; MPCas in series, its gate on
    v_w, sources the output.

The text names inverters and a cascode whose bias is the weight, no sizes. One inverter is enough for pulses of the
right polarity. There is no filter: the current comes in pulses, and its mean is the share of time that is spike.
Widths and v_w were chosen so that it is about 1.26 nA behind the biomimetic neuron at 300 kHz, as on the published line
of the compact synapse.
"""

from __future__ import annotations

from anamorph.cell.eneuron_parts import fet, inverter
from anamorph.circuit.netlist import Cell

#: Widths and lengths, nm.
INVERTER, INPUT, CASCODE = (135, 65), (540, 60), (540, 60)
#: Potential of the bias port, V.
BIASES = {"v_w": 0.015}


def transconductor_synapse() -> Cell:
    """The synapse: ports v_pre (spikes), i_out, vdd, v_w (weight)."""
    return Cell(
        "transconductor_synapse",
        ("v_pre", "i_out", "vdd", "v_w"),
        (
            *inverter("1", "v_pre", "a", INVERTER, INVERTER),
            fet("MPIn", "y", "a", "vdd", *INPUT),
            fet("MPCas", "i_out", "v_w", "y", *CASCODE),
        ),
        note="Danneville et al. 2021, as told by Soupizet et al. 2023; sizes assumed",
    )
