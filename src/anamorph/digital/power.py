"""Power of a netlist of gates: dynamic energy from capacitances and activity, leakage from the states it is in.

    P(f) = (E_dynamic + E_clock) f + P_leakage,   E_dynamic = V_DD^2/2 sum over nets of C_net x transitions per cycle

A net's capacitance is that of every pin on it and of its wire. The clock's net changes twice a cycle at every register.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Fet
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current
from anamorph.digital.cell_figures import gate_figures
from anamorph.digital.gates import KINDS, Netlist
from anamorph.digital.logic_simulation import Activity
from anamorph.errors import OutOfDomain
from anamorph.technology import Technology
from anamorph.units import show

#: A value, or an array of them.
Reals = Float[np.ndarray, "..."] | float


@dataclass(frozen=True)
class LogicPower:
    """What a netlist takes on a card, at an activity.

    Attributes:
        name: of the netlist.
        dynamic_energy: of its nets' transitions, J per cycle.
        clock_energy: of the clock's, J per cycle.
        leakage: W.
        switched_capacitance: of all nets, the clock's left out, F.
        delay: of its longest path, s (rough: see `gate_delay`).
        area: placed, m².
        transistors: of all gates.
    """

    name: str
    dynamic_energy: float
    clock_energy: float
    leakage: float
    switched_capacitance: float
    delay: float
    area: float
    transistors: int

    @property
    def f_max(self) -> float:
        """Highest clock frequency, Hz."""
        return 1.0 / self.delay

    def power(self, frequency: Reals) -> Reals:
        """Total power at clock frequencies (Hz), W.

        Raises:
            OutOfDomain: not positive, or faster than the longest path.
        """
        f = np.asarray(frequency, float)
        if not ((f > 0) & (f <= self.f_max)).all():
            raise OutOfDomain("not a clock frequency of this logic", where=self.name,
                              expected=f"above zero, {show(self.f_max, 'Hz')} at most", got=f"{f}")  # fmt: skip
        return (self.dynamic_energy + self.clock_energy) * f + self.leakage

    def energy(self, frequency: Reals) -> Reals:
        """Energy of a cycle, which is one multiply-accumulate, leakage included, J."""
        return self.power(frequency) / np.asarray(frequency, float)


def logic_power(activity: Activity, technology: Technology) -> LogicPower:
    """Power of a netlist at the activity of a simulation.

    Raises:
        BadInput: a card without sizes of logic.
    """
    netlist, figures, v_dd = activity.netlist, gate_figures(technology), technology.v_dd
    farad = net_capacitances(netlist, technology)
    clock = len(netlist.registers) * figures["register"].capacitance["clk"]
    leakage = sum(
        float((activity.states[netlist.kinds == number] @ _padded(figures[kind.name].leakage)).sum())
        for number, kind in enumerate(KINDS)
    )
    count = netlist.counts
    area = sum(figures[name].area * n for name, n in count.items()) / technology.require("digital")["area_utilisation"]
    return LogicPower(
        netlist.name, 0.5 * v_dd**2 * float(farad @ activity.transitions), v_dd**2 * clock, leakage,
        float(farad.sum()), netlist.depth * gate_delay(technology), area, netlist.transistors,
    )  # fmt: skip


def _padded(leakage: np.ndarray) -> np.ndarray:
    return np.concatenate([leakage, np.zeros(8 - len(leakage))])


def net_capacitances(netlist: Netlist, technology: Technology) -> Float[np.ndarray, " nets"]:
    """Capacitance of every net, F: pins, what changes with them inside the gates, and wire."""
    figures, wire = gate_figures(technology), technology.require("digital")["wire_capacitance"]
    farad = np.zeros(netlist.n_nets)
    farad[2:] = wire
    for number, kind in enumerate(KINDS):
        gates = netlist.kinds == number
        for table, pins in ((netlist.reads, kind.inputs), (netlist.drives, kind.outputs)):
            for k, pin in enumerate(pins):
                np.add.at(farad, table[gates, k], figures[kind.name].capacitance[pin])
    farad[:2] = 0.0  # constants do not change
    return farad


def gate_delay(technology: Technology) -> float:
    """Rough delay of one gate on the path of a sum, s: ``C V_DD / (2 I)`` of a full adder's two stages.

    I is the current of one n-channel transistor, fully on and saturated, halved because it stands in a stack. Trust it
    within a factor of two: the card is fitted below the threshold's end, and not to speed.
    """
    pins = gate_figures(technology)["full_adder"].capacitance
    farad = pins["s"] + pins["a"] + technology.require("digital")["wire_capacitance"]
    return farad * technology.v_dd / (2 * 0.5 * _on_current(technology))


def _on_current(technology: Technology) -> float:
    sizes = technology.require("digital")
    fet = Fet("MN", "n", "d", "g", "s", "b", sizes["w_n"], sizes["l"])
    parameters = MosfetParameters(*(jnp.asarray(x) for x in technology.mosfet(fet)))
    v_dd = jnp.asarray(technology.v_dd)
    return float(drain_current(parameters, Terminals(v_dd, v_dd, jnp.zeros_like(v_dd))))
