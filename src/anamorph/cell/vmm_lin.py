"""Linear encoding: input bits one after another, the least first; after each, the sum so far is halved.

Each bit line has a capacitor C1 that integrates; to divide, it shares its charge with an equal one, C2, which was reset
(successive integration and division). After p bits a charge of bit k counts 2^(k - p).

    active    C1 from col{j} to ground, reset to v_reset; the cells draw from it. C2 likewise.
    passive   an amplifier holds col{j} at ground; C1 and C2 are between its input and its output.

Timing of a bit: an inputs' pulse of `slot`, then a pause of `pause` in which C2 is shared, and reset again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from anamorph.cell.vmm_array import Cells, PassiveCells, Wires, array
from anamorph.circuit.memory_elements import Amplifier, Switch
from anamorph.circuit.netlist import GROUND, Capacitor, Cell, Element, Instance, VoltageSource

#: A wave: times, s, and values, V.
Wave = tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]


@dataclass(frozen=True)
class LinTiming:
    """Durations, s, and levels, V.

    Attributes:
        slot: of one bit's pulse.
        pause: between two pulses.
        edge: of every transition; small beside both.
        low, high: of the inputs' lines.
        v_reset: of the capacitors.
    """

    slot: float = 1e-6
    pause: float = 1e-6
    edge: float = 1e-10
    low: float = 0.0
    high: float = 1.0
    v_reset: float = 1.0

    @property
    def period(self) -> float:
        """Of one bit."""
        return self.slot + self.pause


def lin_bench(cells: Cells, capacitance: float, wires: Wires = Wires()) -> Cell:  # noqa: B008
    """The array with C1, C2 and switches; sources in_{i}, reset, clear and share, and the rail v_reset.

    Outputs: active, the voltage of ``col{j}``; passive, of ``out{j}``.
    """
    inner = array(cells, wires)
    rows, cols = cells.shape
    elements: list[Element] = [Instance("A", inner, {port: port for port in inner.ports})]
    elements += [VoltageSource(f"in_{i}", f"row{i}") for i in range(rows)]
    elements += [VoltageSource(name, name) for name in ("reset", "clear", "share")]
    if not isinstance(cells, PassiveCells):
        elements.append(VoltageSource("v_reset", "v_reset"))
    for j in range(cols):
        # the plate that is reset, and what to
        plate, far, rail = f"col{j}", GROUND, "v_reset"
        if isinstance(cells, PassiveCells):
            plate, far, rail = f"out{j}", f"col{j}", f"col{j}"
            elements.append(Amplifier(f"A{j}", f"out{j}", GROUND, f"col{j}"))
        elements += [
            Capacitor(f"C1_{j}", plate, far, capacitance),
            Capacitor(f"C2_{j}", f"half{j}", far, capacitance),
            Switch(f"S1_{j}", plate, rail, "reset"),
            Switch(f"S2_{j}", f"half{j}", rail, "clear"),
            Switch(f"S3_{j}", f"half{j}", plate, "share"),
        ]
    return Cell("vmm_lin", (), tuple(elements))


def lin_waves(
    bits: Bool[np.ndarray, "p rows"], timing: LinTiming, *, active: bool
) -> tuple[dict[str, Wave | float], float]:
    """Waves of every source of `lin_bench`, and the time at which the last division is done, s.

    Args:
        bits: of every input, the least first.
        timing: durations and levels.
        active: whether the bench has the rail ``v_reset``.
    """
    p, rows = bits.shape
    start = timing.pause  # the capacitors are reset before
    times = [start + k * timing.period for k in range(p)]
    rest = timing.pause / 4
    shared = [(t + timing.slot + rest, t + timing.slot + 2 * rest) for t in times]
    clear = [(0.0, start)] + [(s + 1.5 * rest, s + 2.5 * rest) for _, s in shared]
    waves: dict[str, Wave | float] = {
        "reset": _pulses([(0.0, start / 2)], timing.edge, 0.0, 1.0),
        "clear": _pulses(clear, timing.edge, 0.0, 1.0),
        "share": _pulses(shared, timing.edge, 0.0, 1.0),
    }
    for i in range(rows):
        pulses = [(t, t + timing.slot) for t, bit in zip(times, bits[:, i], strict=True) if bit]
        waves[f"in_{i}"] = _pulses(pulses, timing.edge, timing.low, timing.high)
    if active:
        waves["v_reset"] = timing.v_reset
    return waves, shared[-1][1] + rest / 2


def _pulses(pulses: list[tuple[float, float]], edge: float, low: float, high: float) -> Wave:
    """Pulses whose width at half of their height is as given; one that begins at 0 s is up before."""
    times, values = ([0.0], [low]) if not pulses or pulses[0][0] > 0 else ([0.0], [high])
    for begin, end in pulses:
        if begin > 0:
            times += [begin - edge / 2, begin + edge / 2]
            values += [low, high]
        times += [end - edge / 2, end + edge / 2]
        values += [high, low]
    return np.array(times), np.array(values)
