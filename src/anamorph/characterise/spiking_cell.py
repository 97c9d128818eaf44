"""What a neuron and its synapse do from spike to spike, made of their characterised curves.

    neuron     dphi/dt = h(i),   a spike wherever phi passes an integer
    synapse    di/dt = -i / tau between spikes; spike n adds the charge q_n, that is q_n / tau
               q_n = (g(f_n) - g(0)) / f_n,     f_n = 1 / (tau ln(1 + 1 / a_n)),
               a_{n+1} = (a_n + 1) exp(-T_n / tau),  a_1 = 0

h is the neuron's f_spike against current, zero where it is silent or stopped; g is the synapse's mean current against
f_spike. The trace a is the train of spikes through the same first-order filter, seen just before each spike: with
spikes every T it settles at 1 / (exp(T / tau) - 1), so that f_n is 1 / T, and the mean current is q_n / T + g(0) =
g(1 / T). **Whatever the shape of g, it is met exactly at every steady rate.** The spikes of a saturating synapse so
bring the less, the faster they come, as those of one whose pulses overlap do.

The other order, g of the filtered train, would have the mean of g(ripple), which is not g(mean), and no closed form
between spikes. With charges the current into a neuron is one exponential between events, however many synapses it has.

`tau` is in no curve of mean currents. `TAU` is assumed: pulses of that length begin to overlap, which flattens a
synapse, at the rate with which the compact synapse's current is taken to rise (`anamorph.enn.curves.RISE`, 40 kHz).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from anamorph.characterise.activation import INTERVALS, Activation, rates_with_zero
from anamorph.characterise.spiking import FrequencyCurve, SynapseCurve
from anamorph.errors import BadInput

#: Time constant of the synapse's filter, s (assumed, see above).
TAU = 25e-6
#: Phase of a neuron that rests, when a current comes: the first spike is early. Of `simplified_ml`, whose circuit takes
#: 0.13, 0.20 and 0.20 of a period to it at 50, 200 and 600 pA (simulated); of others assumed.
REST = 0.8
#: Legal range of a time constant, s.
SHORTEST, LONGEST = 1e-9, 1.0


@dataclass(frozen=True)
class SpikingCell:
    """A neuron with its synapse, as tables on even grids; currents are in units of `unit`.

    Attributes:
        rate: h at x from 0 to `x_max`, Hz; beyond it, as at the end (as `Activation` has it).
        x_max: excitation at which the last entry of `rate` and `power` is.
        charge: (g(f) - g(0)) / (f peak) at f from 0 to `f_max`, s: times a weight and over `tau` it is how far a spike
            lifts an excitation.
        f_max: rate at the last entry of `charge`, Hz.
        rest: g(0) / peak, what comes from a synapse without spikes.
        tau: of the synapse's filter, s.
        rest_phase: at which a resting neuron is.
        power: mean power of the neuron's supply at the same x as `rate`, W; None where the curve has none.
        unit: current of x = 1, A.
        v_dd: supply, V; NaN where unknown.
        source: where the curves come from.
    """

    rate: Float[np.ndarray, " knots"]
    x_max: float
    charge: Float[np.ndarray, " steps"]
    f_max: float
    rest: float
    tau: float
    rest_phase: float
    power: Float[np.ndarray, " knots"] | None
    unit: float
    v_dd: float
    source: str

    def charges(self, trains: Float[np.ndarray, "spikes neurons"]) -> Float[np.ndarray, "spikes neurons"]:
        """What each spike of each train brings, s.

        Args:
            trains: times of the first, second, .. spikes of each neuron, s; infinite where it has no more.
        """
        found, knots = np.zeros_like(trains), np.linspace(0.0, self.f_max, len(self.charge))
        # its logarithm: between two slow spikes the trace itself may fall below the least number
        trace, before = np.full(trains.shape[1], -np.inf), np.zeros(trains.shape[1])
        for n, now in enumerate(trains):
            present = np.isfinite(now)
            if not present.any():
                break
            trace = trace - np.where(present, now - before, 0.0) / self.tau
            rate = 1 / (self.tau * np.logaddexp(0.0, -trace))
            found[n] = np.where(present, np.interp(rate, knots, self.charge), 0.0)
            trace, before = np.logaddexp(trace, 0.0), np.where(present, now, before)
        return found


def spiking_cell(
    neuron: FrequencyCurve,
    synapse: SynapseCurve,
    activation: Activation,
    tau: float = TAU,
    rest_phase: float = REST,
    sample: int = 0,
) -> SpikingCell:
    """A neuron with its synapse from what `anamorph.characterise.activation.combine` was given and returned.

    Args:
        neuron: f_spike against current, and power.
        synapse: mean current against f_spike.
        activation: of the two; its unit and its peak are used.
        tau: time constant of the synapse's filter, s.
        rest_phase: of a neuron that rests, from 0 to below 1.
        sample: of curves with several.

    Raises:
        BadInput: a time constant or a phase out of range.
    """
    if not 0 <= rest_phase < 1:
        raise BadInput("out of range", where="spiking cell: rest_phase", expected="0 to below 1", got=f"{rest_phase:g}")
    if not (math.isfinite(tau) and SHORTEST <= tau <= LONGEST):
        raise BadInput("out of range", where="spiking cell: tau", expected=f"{SHORTEST:g} to {LONGEST:g} s",
                       got=f"{tau:g}")  # fmt: skip
    x_max = float(activation.x[-1])
    x = np.linspace(0.0, x_max, INTERVALS + 1)
    inside = neuron.i_ex <= x_max * activation.unit * (1 + 1e-9)
    axis = np.concatenate([[0.0], neuron.i_ex[inside] / activation.unit])
    known = rates_with_zero(neuron)[sample % len(neuron.f_spike), : len(axis)]
    rate = np.maximum(PchipInterpolator(axis, known)(np.minimum(x, axis[-1])), 0.0)
    f_max = float(rate.max()) or 1.0
    charge, rest = _charges(synapse, sample % len(synapse.i_out), f_max)
    return SpikingCell(
        rate, x_max, charge / activation.peak, f_max, rest / activation.peak, tau, rest_phase,
        _power(neuron, sample % len(neuron.f_spike), x * activation.unit), activation.unit,
        neuron.v_dd, activation.source,
    )  # fmt: skip


def _charges(synapse: SynapseCurve, sample: int, f_max: float) -> tuple[Float[np.ndarray, " steps"], float]:
    """(g(f) - g(0)) / f on an even grid, its limit at zero, C; and g(0), A."""
    known = synapse.converged[sample]
    f, i = synapse.f_spike[known], synapse.i_out[sample, known]
    g = PchipInterpolator(f, i)
    grid = np.linspace(0.0, f_max, INTERVALS + 1)
    rest = float(g(f[0]))  # below the first point it is held, as in the activation
    charge = np.empty_like(grid)
    charge[1:] = (g(np.clip(grid[1:], f[0], f[-1])) - rest) / grid[1:]
    charge[0] = float(g.derivative()(f[0])) if f[0] == 0 else 0.0
    return charge, rest


def _power(neuron: FrequencyCurve, sample: int, current: np.ndarray) -> Float[np.ndarray, " knots"] | None:
    known = neuron.converged[sample] & np.isfinite(neuron.power_mean[sample])
    if known.sum() < 2:
        return None
    return np.interp(current, neuron.i_ex[known], neuron.power_mean[sample, known])
