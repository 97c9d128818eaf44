"""The activation of a spiking neuron: what the next neuron is given, against the current that this one is given.

A neuron makes spikes of a current, ``f = h(i)``, and a synapse a current of spikes, ``i' = g(f)``. Together they
are a transfer from current to current (Soupizet et al. 2023, eq. 13), here in the order in which signals pass:

    i_next = gain . g(h(i))                 gain = (W/L) of the weight's mirror leg over that of the reference leg
    x = i / unit,   y = f(x) = g(h(x unit)) / peak,   peak = max_x g(h(x unit))                        (15)
    w = gain . peak / unit                                                                           (16)

so that a network of activations f and weights w is the circuit, in units of `unit`. The paper's unit is 1 nA, the end
of the range in which its neurons spike.

Between the points a monotone cubic (Fritsch and Carlson 1980) is laid: it passes through every point and adds no bump
of its own, which a polynomial of any order does at the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from anamorph.characterise.spiking import Activity, FrequencyCurve, SynapseCurve
from anamorph.errors import BadInput, OutOfDomain

#: Current of x = 1 in the paper, A.
UNIT = 1e-9
#: How far a neuron may spike faster than the fastest spikes at which its synapse is known: a sweep's rounding.
BEYOND = 0.02
#: Intervals of a table: of 1 nA one is 0.24 pA, a twentieth of a neuron's threshold.
INTERVALS = 4096


@dataclass(frozen=True)
class Activation:
    """Normalised transfer of neuron and synapse, eq. 15, of one or more samples of the circuit.

    Attributes:
        x: excitation in units of `unit`, increasing from 0.
        y: current from the synapse over `peak`; that of the nominal circuit reaches 1.
        unit: A.
        peak: current of the nominal synapse with a mirror gain of one at its largest, A.
        source: where it comes from.
    """

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, "samples points"]
    unit: float
    peak: float
    source: str

    def __call__(self, x: Float[np.ndarray, "*any"], sample: int = 0) -> Float[np.ndarray, "*any"]:
        """y at x of one sample; constant beyond the ends of the domain."""
        return np.asarray(PchipInterpolator(self.x, self.y[sample])(np.clip(x, self.x[0], self.x[-1])))

    def gain(self, weight: float) -> float:
        """Mirror gain that makes a weight, eq. 16."""
        return weight * self.unit / self.peak

    def table(self, x_max: float = 1.0, intervals: int = INTERVALS) -> Float[np.ndarray, "samples knots"]:
        """y at ``intervals + 1`` evenly spaced x from 0 to `x_max`, for fast lookups.

        Raises:
            OutOfDomain: `x_max` lies beyond what was characterised.
        """
        if not 0 < x_max <= self.x[-1] * (1 + 1e-9):
            raise OutOfDomain(
                "the activation is not known so far", where=self.source, expected=f"x up to {self.x[-1]:.4g}",
                got=f"{x_max:.4g}",
            )  # fmt: skip
        grid = np.clip(np.linspace(0.0, x_max, intervals + 1), self.x[0], self.x[-1])
        return PchipInterpolator(self.x, self.y, axis=1)(grid)


def combine(neuron: FrequencyCurve, synapse: SynapseCurve, unit: float = UNIT, x_max: float = 1.0) -> Activation:
    """The activation of a neuron with its synapse.

    Args:
        neuron: f_spike against i_ex; all samples must share what did not converge.
        synapse: mean current against f_spike; one sample, or as many as the neuron has. Its largest mean current
            over the neuron's range is `Activation.peak`.
        unit: current of x = 1, A.
        x_max: end of the domain, 1 in the paper; points beyond it are left out. Where the neuron was characterised less
            far, the domain ends there.

    Raises:
        BadInput: neither curve has a usable point, or their samples do not match.
        OutOfDomain: the neuron spikes faster than the synapse is known.
    """
    samples = max(len(neuron.f_spike), len(synapse.i_out))
    for name, found in (("neuron", len(neuron.f_spike)), ("synapse", len(synapse.i_out))):
        if found not in (1, samples):
            raise BadInput("samples do not match", where=f"combine: {name}", expected=f"1 or {samples}", got=str(found))
    neuron = _up_to(neuron, x_max * unit)
    rate = rates_with_zero(neuron)
    fastest = rate.max()
    if fastest > synapse.f_spike[-1] * (1 + BEYOND):
        raise OutOfDomain(
            "the neuron spikes faster than its synapse is known", where=f"{neuron.source} with {synapse.source}",
            expected=f"at most {synapse.f_spike[-1]:.4g} Hz", got=f"{fastest:.4g} Hz",
        )  # fmt: skip
    current = np.stack([_through(synapse, s % len(synapse.i_out), rate[s % len(rate)]) for s in range(samples)])
    peak = float(current[0].max())
    if peak <= 0:
        raise BadInput("the neuron never spikes, so no current comes", where=neuron.source)
    x = np.concatenate([[0.0], neuron.i_ex / unit])
    return Activation(x, current / peak, unit, peak, f"{neuron.source}; {synapse.source}")


def _up_to(neuron: FrequencyCurve, i_max: float) -> FrequencyCurve:
    inside = neuron.i_ex <= i_max * (1 + 1e-9)
    if inside.sum() < 2:
        raise BadInput("fewer than two points in the domain", where=neuron.source, expected=f"up to {i_max:g} A",
                       got=f"{neuron.i_ex[0]:g} A and above")  # fmt: skip
    grids = {n: getattr(neuron, n)[:, inside] for n in ("f_spike", "state", "power_rms", "power_mean", "converged")}
    return replace(neuron, i_ex=neuron.i_ex[inside], **grids)


def rates_with_zero(neuron: FrequencyCurve) -> Float[np.ndarray, "samples points"]:
    """f_spike with zero at zero current in front; points that did not converge are bridged by their neighbours."""
    known = neuron.converged
    if not known.any(axis=1).all():
        raise BadInput("a curve without a point that converged", where=neuron.source)
    rate = np.where(neuron.state == Activity.SPIKING, neuron.f_spike, 0.0)
    bridged = [np.interp(neuron.i_ex, neuron.i_ex[k], r[k]) for r, k in zip(rate, known, strict=True)]
    return np.pad(np.stack(bridged), ((0, 0), (1, 0)))


def _through(synapse: SynapseCurve, sample: int, rate: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    known = synapse.converged[sample]
    if known.sum() < 2:
        raise BadInput("fewer than two points converged", where=synapse.source)
    f, i = synapse.f_spike[known], synapse.i_out[sample, known]
    return PchipInterpolator(f, i)(np.clip(rate, f[0], f[-1]))
