"""A network at temperatures and supplies that it was not trained for, as it is and with currents that track.

At another temperature every neuron has another curve, and all of them the same one. Where that curve is near to

    a f(x / s)                f: the nominal one

the circuit can be set right by two bias currents for the whole chip: what every neuron is given times s, and what
every synapse passes on over a. A reference neuron on the chip, whose curve is measured, says which. `track` finds
both by least squares; what is left is in the curve's shape, and only training for that corner can use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anamorph.network.spiking import Lookup, Weights
from anamorph.network.spiking_match import Table, track
from anamorph.network.spiking_monte_carlo import Dies


@dataclass(frozen=True)
class Corner:
    """Accuracy of the one die without deviations at a corner.

    Attributes:
        as_is: with the nominal currents.
        tracked: with currents that follow the reference neuron; NaN where it does not spike.
        excitation: factor s on what neurons are given, for `tracked`.
    """

    as_is: float
    tracked: float
    excitation: float


def tracking(weights: Weights, s: float, a: float) -> Weights:
    """What synapses amount to with excitations times s, and over a where they come from a neuron.

    The first layer's come from pixels, and biases from sources of their own.
    """
    synapses = tuple(np.asarray(w) * (s if layer == 0 else s / a) for layer, w in enumerate(weights.synapses))
    return Weights(synapses, tuple(np.asarray(b) * s for b in weights.biases))


def corners_of(
    nominal: Table,
    tables: dict[str, Table],
    judge: Callable[[str, Weights, Lookup], Dies],
    weights: Weights,
    x_max: float = 1.0,
) -> dict[str, Corner]:
    """Each corner by name; `judge` is told a name, weights of one network, and its neurons' curve."""
    found = {}
    for index, (name, table) in enumerate(tables.items()):
        as_is = float(judge(f"corner_{index}", weights, Lookup(table, x_max)).accuracy[0])
        s, a = track(np.asarray(nominal), table, x_max)
        good = float("nan")
        if np.isfinite(s):
            good = float(judge(f"corner_{index}_tracked", tracking(weights, s, a), Lookup(table, x_max)).accuracy[0])
        found[name] = Corner(as_is, good, s)
    return found
