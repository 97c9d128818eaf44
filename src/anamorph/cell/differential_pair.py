"""The mixed-signal neuron: an N-bit, n-synapse differential amplifier without resistors, with p-channel load.

Chatterjee et al. 2018, Fig. 2(a). Every synapse is a differential pair with a tail current of its own. Its input
transistors are binary weighted, ``2^b`` unit devices for bit b, and *all of them always carry current*: a bit
switches its gate between the synapse's ac-coupled input and the common-mode voltage. So the bias point, and with it
the bandwidth, does not know the weight, while the transconductance from the input is ``g_m code / (2^N - 1)``.

Eight bits in one pair would be 255 unit devices on either output, whose drains alone have ten times the capacitance
that the paper's energy allows. So no more than `segment_bits` bits share a pair; the pairs of a synapse split its
bias current in the ratio of what their bits weigh (16 : 1 for twice four bits). ``segment_bits = n_bits`` makes one
pair of them all.

    v_p -||- in_p --(w_b)-- g_pb -- gate of M_pb (2^b units), drain out_n      out = out_p - out_n
             |      (wn_b)-- v_cm                                                  = sum_k (g_m,k / g_load) w_k V_k
           r_bias to v_cm         sources on the tail of the synapse

The load of either output is a p-channel diode, made for the current of *one* branch: its conductance is then one
branch's transconductance, I/(n U_T) against I/(n U_T), and every branch has a gain of one, however many there are.
What the other n - 1 branches draw comes from p-channel current sources, one pair in every synapse but the first. The
paper gives neither sizes nor the circuit of the load; both are assumed here, as are coupling capacitors and biasing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from anamorph.circuit.netlist import Capacitor, Cell, CurrentSource, Fet, Instance, Resistor, VoltageSource
from anamorph.errors import BadInput

UM, FF = 1e-6, 1e-15
#: Width and length, m.
Size = tuple[float, float]
#: Extent of an unshared drain or source diffusion, m (assumed); two devices share one here.
DIFFUSION = 0.18 * UM
#: Widest weight: 2^15 unit devices for one bit are no longer a neuron.
MAX_BITS = 16


@dataclass(frozen=True)
class DifferentialPair:
    """Sizes of a neuron.

    Attributes:
        n_bits: of every weight.
        n_synapses: branches that share the load.
        segment_bits: most bits of one pair.
        unit: W and L of a unit input transistor.
        load: of the diode at either output, and of the current sources beside it.
        tail: of a unit of the tail transistors and of the diode that biases them (`tail_units` of each per synapse).
        switch: of the switches at the gates.
        c_load: capacitor from either output to ground, F. The one free figure of the comparison with the paper.
        c_in: coupling capacitor of either input, F.
        r_bias: element that holds the gates' DC level, ohm.

    Raises:
        BadInput: not a sensible number of bits or synapses.
    """

    n_bits: int = 3
    n_synapses: int = 1
    segment_bits: int = 4
    unit: Size = (0.12 * UM, 0.26 * UM)
    load: Size = (0.12 * UM, 1.0 * UM)
    tail: Size = (0.12 * UM, 2.0 * UM)
    switch: Size = (0.12 * UM, 0.065 * UM)
    c_load: float = 2.0 * FF
    c_in: float = 1e-12
    r_bias: float = 1e12

    def __post_init__(self) -> None:
        if not 1 <= self.n_bits <= MAX_BITS:
            raise BadInput("not a width of a weight", where="n_bits", expected=f"1 to {MAX_BITS}", got=str(self.n_bits))
        if self.segment_bits < 1:
            raise BadInput("no bits in a pair", where="segment_bits", expected="1 or more", got=str(self.segment_bits))
        if self.n_synapses < 1:
            raise BadInput("no synapse", where="n_synapses", expected="1 or more", got=str(self.n_synapses))

    @property
    def full_code(self) -> int:
        """The largest weight."""
        return 2**self.n_bits - 1

    @property
    def segments(self) -> tuple[range, ...]:
        """Bits of each pair, the least significant first."""
        step = self.segment_bits
        return tuple(range(low, min(low + step, self.n_bits)) for low in range(0, self.n_bits, step))

    @property
    def tail_units(self) -> tuple[int, ...]:
        """Unit tail transistors of each pair: as what its bits weigh together."""
        weights = [sum(2**bit for bit in bits) for bits in self.segments]
        common = math.gcd(*weights)
        return tuple(weight // common for weight in weights)


def standard(n_bits: int, n_synapses: int = 1) -> DifferentialPair:
    """The cell that is compared, costed and put into networks: 3 to 4 fF at an output up to 8 bits.

    With that much one branch takes about 0.7 fJ and 100 pA through it make about 1e-6 V^2, the paper's figures. Three
    bits have it with a load of 2 fF. More bits in pairs of four would have twice as much from their drains alone;
    in pairs of two, whose tails take the more area the more there are, 8 bits have it with 0.5 fF. Beyond 8 bits
    such tails would be a tenth of a square millimetre, so pairs are of four bits, and C is what it is.
    """
    if n_bits <= 3 or n_bits > 8:
        return DifferentialPair(n_bits, n_synapses)
    return DifferentialPair(n_bits, n_synapses, segment_bits=2, c_load=0.5 * FF)


def _fet(name: str, drain: str, gate: str, source: str, size: Size, m: int = 1) -> Fet:
    """A transistor; p-channel with its bulk at ``vdd`` if the name begins with MP."""
    polarity = "p" if name.startswith("MP") else "n"
    w, length = size
    area, perimeter = 0.5 * w * DIFFUSION, DIFFUSION + w
    bulk = "vdd" if polarity == "p" else "0"
    return Fet(name, polarity, drain, gate, source, bulk, w, length, m, area, area, perimeter, perimeter)


def synapse(design: DifferentialPair, *, feed: bool) -> Cell:
    """One branch: ports in_p, in_n, out_p, out_n, v_cm, v_b, w_0 (LSB) .., wn_0 ..; with `feed` also v_f and vdd.

    ``6 n_bits`` transistors and one for each pair; two more with the current sources that feed what it draws.
    """
    units = zip(design.segments, design.tail_units, strict=True)
    elements = [_fet(f"MT{s}", f"tail{s}", "v_b", "0", design.tail, m) for s, (_, m) in enumerate(units)]
    for side, out in (("p", "out_n"), ("n", "out_p")):
        for s, bits in enumerate(design.segments):
            for bit in bits:
                gate = f"g_{side}{bit}"
                elements += [
                    _fet(f"MI{side}{bit}", out, gate, f"tail{s}", design.unit, 2 ** (bit - bits[0])),
                    _fet(f"MS{side}{bit}", f"in_{side}", f"w_{bit}", gate, design.switch),
                    _fet(f"MR{side}{bit}", "v_cm", f"wn_{bit}", gate, design.switch),
                ]
        if feed:
            elements.append(_fet(f"MPF{side}", out, "v_f", "vdd", design.load))
    lines = [f"{line}_{bit}" for line in ("w", "wn") for bit in range(design.n_bits)]
    ports = ("in_p", "in_n", "out_p", "out_n", "v_cm", "v_b", *lines, *(("v_f", "vdd") if feed else ()))
    return Cell("pair_fed" if feed else "pair", ports, tuple(elements), note="Chatterjee et al. 2018, Fig. 2(a)")


def neuron(design: DifferentialPair, *, coupled: bool = True) -> Cell:
    """The neuron: ports out_p, out_n, v_cm, v_b, vdd, vdd_bias; of synapse k v_p{k}, v_n{k}, w{k}_{bit}, wn{k}_{bit}.

    A current into v_b, the tail current of every synapse, biases it. The bias of the current sources
    stands on a supply of its own, because many neurons share it. Not `coupled`, inputs go straight to the gates'
    switches, as they do for signals far above the coupling's corner: for large signals at DC.
    """
    ports = ["out_p", "out_n", "v_cm", "v_b", "vdd"]
    elements: list[Fet | Capacitor | Resistor | Instance] = [
        _fet("MB", "v_b", "v_b", "0", design.tail, sum(design.tail_units))
    ]
    for side in "pn":
        out = f"out_{side}"
        elements += [_fet(f"MPL{side}", out, out, "vdd", design.load), Capacitor(f"CL{side}", out, "0", design.c_load)]
    if design.n_synapses > 1:
        ports.append("vdd_bias")
        elements += [_fet("MC", "v_f", "v_b", "0", design.tail, sum(design.tail_units)), _bias_diode(design)]
    first, other = synapse(design, feed=False), synapse(design, feed=True)
    for k in range(design.n_synapses):
        cell = first if k == 0 else other
        lines = {f"{line}_{bit}": f"{line}{k}_{bit}" for line in ("w", "wn") for bit in range(design.n_bits)}
        shared = {port: port for port in ("out_p", "out_n", "v_cm", "v_b")}
        shared |= {port: port for port in ("v_f", "vdd") if port in cell.ports}
        inputs = {f"in_{side}": f"in_{side}{k}" if coupled else f"v_{side}{k}" for side in "pn"}
        elements.append(Instance(f"S{k}", cell, {**inputs, **shared, **lines}))
        for side in "pn":
            inner, outer = f"in_{side}{k}", f"v_{side}{k}"
            ports.append(outer)
            if coupled:
                elements += [Capacitor(f"CI{side}{k}", outer, inner, design.c_in),
                             Resistor(f"RB{side}{k}", inner, "v_cm", design.r_bias)]  # fmt: skip
        ports += lines.values()
    return Cell("ms_neuron", tuple(ports), tuple(elements), note="Chatterjee et al. 2018, Fig. 2(a)")


def _bias_diode(design: DifferentialPair) -> Fet:
    """Two loads in parallel carry one tail current; a branch's current source copies half of it."""
    w, length = design.load
    area, perimeter = 0.5 * w * DIFFUSION, DIFFUSION + w
    return Fet("MPD", "p", "v_f", "v_f", "vdd_bias", "vdd_bias", w, length, 2, area, area, perimeter, perimeter)


def bench(design: DifferentialPair, *, coupled: bool = True) -> Cell:
    """The neuron with a source on every port: ``V_<port>``, and ``I_bias`` into v_b."""
    inner = neuron(design, coupled=coupled)
    held = [port for port in inner.ports if port not in ("out_p", "out_n", "v_b")]
    sources = [VoltageSource(f"V_{port}", port) for port in held]
    elements = (Instance("N", inner, {port: port for port in inner.ports}), CurrentSource("I_bias", "v_b"), *sources)
    return Cell("ms_bench", ("out_p", "out_n"), elements)
