"""Encoding in durations: an input is how long its line is up, an output when its column's voltage has fallen.

First every cell draws its current from the column's capacitor for as long as its input says, ``sum_i I_i T_i``. Then a
constant current draws what is left above a threshold, and the time it takes is the output (Bavandpour et al., "Energy-
efficient time-domain vector-by-matrix multiplier for neurocomputing and beyond", IEEE TCAS-II, 2019):

    t = T_max + (C (V_reset - V_threshold) - sum_i I_i T_i) / I_bias

Passive cells need an amplifier that holds the line: its output falls from zero, and the current brings it back. The
comparator is ideal: when the wave crosses the threshold, by straight lines between its points.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from anamorph.cell.vmm_array import Cells, PassiveCells, Wires, array
from anamorph.cell.vmm_lin import LinTiming, Wave, _pulses
from anamorph.circuit.memory_elements import Amplifier, Switch
from anamorph.circuit.netlist import GROUND, Capacitor, Cell, CurrentSource, Element, Instance, VoltageSource


def exp_bench(cells: Cells, capacitance: float, wires: Wires = Wires()) -> Cell:  # noqa: B008
    """The array with capacitors; sources in_{i}, reset, bias_{j}, active also v_reset. Outputs as of `lin_bench`."""
    inner = array(cells, wires)
    rows, cols = cells.shape
    active = not isinstance(cells, PassiveCells)
    elements: list[Element] = [Instance("A", inner, {port: port for port in inner.ports})]
    elements += [VoltageSource(f"in_{i}", f"row{i}") for i in range(rows)]
    elements += [VoltageSource(name, name) for name in ("reset", *(["v_reset"] if active else []))]
    for j in range(cols):
        plate, far, rail = f"col{j}", GROUND, "v_reset"
        if not active:
            plate, far, rail = f"out{j}", f"col{j}", f"col{j}"
            elements.append(Amplifier(f"A{j}", plate, GROUND, far))
        elements += [
            Capacitor(f"C_{j}", plate, far, capacitance),
            Switch(f"S_{j}", plate, rail, "reset"),
            CurrentSource(f"bias_{j}", f"col{j}"),
        ]
    return Cell("vmm_exp", (), tuple(elements))


def exp_waves(
    durations: Float[np.ndarray, " rows"],
    t_max: float,
    bias: Float[np.ndarray, " cols"],
    timing: LinTiming,
    *,
    active: bool,
) -> dict[str, Wave | float]:
    """Waves of every source of `exp_bench`: reset, then pulses that begin together, then the bias currents.

    Args:
        durations: of the inputs, s; at most `t_max`.
        t_max: when the inputs are over, s after they begin.
        bias: current that each column's source drives *into* its line then, A.
        timing: levels, edges, and the pause before the pulses.
        active: whether the bench has the rail ``v_reset``.
    """
    start = timing.pause
    waves: dict[str, Wave | float] = {"reset": _pulses([(0.0, start / 2)], timing.edge, 0.0, 1.0)}
    if active:
        waves["v_reset"] = timing.v_reset
    for i, t in enumerate(durations.tolist()):
        pulses = [(start, start + t)] if t > 0 else []
        waves[f"in_{i}"] = _pulses(pulses, timing.edge, timing.low, timing.high)
    end = start + t_max
    for j, current in enumerate(bias.tolist()):
        waves[f"bias_{j}"] = np.array([0.0, end, end + timing.edge]), np.array([0.0, 0.0, current])
    return waves


def crossing(
    time: Float[np.ndarray, " times"], v: Float[np.ndarray, " times"], threshold: float, after: float
) -> float:
    """When `v` first crosses `threshold` later than `after`, s; NaN if it does not."""
    side = np.sign(v - threshold)
    places = np.flatnonzero((side[1:] != side[:-1]) & (time[1:] > after))
    if not places.size:
        return float("nan")
    k = int(places[0])
    return float(time[k] + (threshold - v[k]) / (v[k + 1] - v[k]) * (time[k + 1] - time[k]))
