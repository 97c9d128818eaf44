"""ngspice as judge of a whole network in the middle of what it does.

Both simulators begin at the same node voltages, at which a transient of the network has ended, and go on for a window
of a few spikes: all transistors in one circuit there, layer after layer here. What is compared is the rate of every
neuron that spikes at least three times in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.driven import Trace
from anamorph.spikes.handover import node_voltages, of_image
from anamorph.spikes.netlist import drives, output, with_supplies
from anamorph.spikes.parts import SpikingCircuit
from anamorph.spikes.transient import LEVELS, NetworkTransient, Show, simulate, spike_times
from anamorph.technology import Technology

#: ngspice's relative tolerance and its longest step, s: with a third of both, rates move by less than a thousandth.
TOLERANCE, LONGEST = 1e-3, 100e-9
#: Fewest spikes of which a rate is made.
FEWEST = 3


@dataclass(frozen=True)
class Judged:
    """One image's window in both simulators.

    Attributes:
        counts: spikes of every neuron, through the layers; ours, then ngspice's.
        rates: f_spike, Hz, likewise; NaN below `FEWEST` spikes.
        energy: given by the supply in the window, J; ours, then ngspice's.
        layers: neurons of each.
        window: s.
        steps: time points that ngspice took.
    """

    counts: Int[np.ndarray, "2 neurons"]
    rates: Float[np.ndarray, "2 neurons"]
    energy: Float[np.ndarray, "2"]
    layers: tuple[int, ...]
    window: float
    steps: int

    def deviations(self, layer: int) -> Float[np.ndarray, " _"]:
        """Our rate over ngspice's, minus one, of the neurons of a layer that have both."""
        low = sum(self.layers[:layer])
        ours, theirs = self.rates[:, low : low + self.layers[layer]]
        known = np.isfinite(ours) & np.isfinite(theirs)
        return ours[known] / theirs[known] - 1


def judge(
    circuit: SpikingCircuit, technology: Technology, inputs: Float[np.ndarray, " inputs"], found: NetworkTransient,
    image: int, window: float, *, tolerance: float = TOLERANCE, timeout: float = 7200.0,
) -> Judged:  # fmt: skip
    """Go on from the end of a transient, here and in ngspice.

    Args:
        circuit: the network.
        technology: its process.
        inputs: what it is shown, from 0 to 1.
        found: its transient.
        image: of which of the images of `found` these inputs are.
        window: for how long, s.
        tolerance: relative, of ngspice; its longest step is proportional.
        timeout: for ngspice, s.

    Raises:
        BadInput: ngspice is absent.
        NotConverged: ngspice gave up, or ran out of time.
    """
    show = Show(window)
    ours = simulate(circuit, technology, inputs[None], show, start=of_image(found, image))
    cell, supplies = with_supplies(circuit)
    on = {name: wave[1][-1] for name, wave in drives(circuit, inputs, technology.v_dd, show.rise).items()}
    on |= dict.fromkeys(supplies, technology.v_dd)
    ended = node_voltages(circuit, found, image)
    start = np.array([ended[node] for node in compile_cell(cell, technology).unknowns])
    theirs = ngspice.transient(
        cell, technology, on, window, start=start, from_start=True, tolerance=tolerance,
        max_step=LONGEST * tolerance / TOLERANCE, timeout=timeout,
    )  # fmt: skip
    low, high = (level * technology.v_dd for level in LEVELS)
    mine = [train for layer in ours.layers for train in layer.spikes[0]]
    names = [output(index, n) for index, layer in enumerate(ours.layers) for n in range(len(layer.spikes[0]))]
    still = np.zeros_like(theirs.time)
    judged = [spike_times(Trace(theirs.time, theirs.voltage(n)[None], still, still[:1]), low, high) for n in names]
    delivered = sum(theirs.source_current(name) for name in supplies)
    given = technology.v_dd * float(np.trapezoid(delivered, theirs.time))
    taken = float(ours.inputs.energy[0, -1] + sum(layer.energy[0, -1] for layer in ours.layers))
    return Judged(
        np.array([[len(train) for train in trains] for trains in (mine, judged)]),
        np.array([[_rate(train) for train in trains] for trains in (mine, judged)]),
        np.array([taken, given]), tuple(len(layer.spikes[0]) for layer in ours.layers), window, len(theirs.time),
    )  # fmt: skip


def _rate(train: np.ndarray) -> float:
    return float((len(train) - 1) / (train[-1] - train[0])) if len(train) >= FEWEST else float("nan")
