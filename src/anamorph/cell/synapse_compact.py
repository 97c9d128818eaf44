"""The compact synapse of Soupizet et al. 2023, with the devices of Table II. Its connections are ASSUMED in part.

    MPR, three um long, its gate grounded: v_pre -> c with C (the filter)
    MNTrans, its gate on c, draws a current out of the diode MP1 (the transconductor): v_mirror
    a leg, its gate on v_mirror, sources the current of the next neuron: W/L of leg over diode is the weight (eq. 16)
    MP3, its gate on v_mirror, leaks c to ground (only with `feedback`)

All synapses of a neuron share the filter: one `compact_front` behind the neuron, one `leg` for each listener.

The text says RC filter, transconductor, current mirror of MP1 and MP2. Assumed is the rest:

* MPR's gate is grounded.
* **Swapped wells**: the n-well of MPR is at ground and the p-well of MNTrans (a triple well) at the supply. With wells
  at the usual rails, the card's thresholds of long channels leave a transconductor of 10 pA and a filter of
  milliseconds.
* MP3 (1840 x 60) has no role in the text. `feedback` gives it one: the more current, the faster it leaks, and the
  output becomes a lower power of f_spike.
* No capacitance of wiring.

MPR is no linear resistor. With its gate fixed it conducts as exp(v_pre / U_T) - exp(c / U_T), so that

    exp(c / U_T) = mean of exp(v_pre / U_T),    i = i_0 exp(c / (n U_T)) :

c rests at the logarithm of the share of time that is spike, and the current is a power 1/n of that share. How long a
spike is depends on the neuron, so the curve against f_spike does too. Without spikes the diode's own leakage remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anamorph.cell.eneuron_parts import FF, Nanometres, Size, fet
from anamorph.circuit.netlist import Capacitor, Cell, Fet, Instance

#: Filter capacitor, fF; widths and lengths, nm (Table II).
C = 11.9
RESISTOR, TRANSCONDUCTOR, DIODE, LEG, MP3 = (500, 3000), (135, 480), (270, 60), (324, 60), (1840, 60)


def compact_front(*, feedback: bool = False) -> Cell:
    """Filter, transconductor and diode of a neuron: ports v_pre (its spikes), v_mirror (gates of the legs), vdd."""
    parts = [
        replace(fet("MPR", "c", "0", "v_pre", *RESISTOR), bulk="0"),
        Capacitor("C", "c", "0", C * FF),
        replace(fet("MNTrans", "v_mirror", "c", "0", *TRANSCONDUCTOR), bulk="vdd"),
        fet("MP1", "v_mirror", "v_mirror", "vdd", *DIODE),
    ]
    if feedback:
        parts.append(fet("MP3", "0", "v_mirror", "c", *MP3))
    return Cell(
        "compact_front", ("v_pre", "v_mirror", "vdd"), tuple(parts),
        note="connections partly assumed; devices of Soupizet et al. 2023, Table II",
    )  # fmt: skip


def leg(name: str, v_mirror: str, into: str, w: Nanometres = LEG[0], length: Nanometres = LEG[1]) -> Fet:
    """A synapse: transistor ``MP<name>`` that sources out of ``vdd`` into node `into`; width and length in nm."""
    return fet(f"MP{name}", into, v_mirror, "vdd", w, length)


def compact_synapse(legs: Sequence[Size] = (LEG,), *, feedback: bool = False) -> Cell:
    """A front with its legs, (W, L) in nm: ports v_pre, i_out (i_out_0 .. if there are several), vdd."""
    outs = ("i_out",) if len(legs) == 1 else tuple(f"i_out_{k}" for k in range(len(legs)))
    front = compact_front(feedback=feedback)
    return Cell(
        "compact_synapse", ("v_pre", *outs, "vdd"),
        (
            Instance("front", front, {"v_pre": "v_pre", "v_mirror": "v_mirror", "vdd": "vdd"}),
            *(leg(f"2_{k}", "v_mirror", out, *size) for k, (out, size) in enumerate(zip(outs, legs, strict=True))),
        ),
        note=front.note,
    )  # fmt: skip
