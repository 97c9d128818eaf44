"""When do layers of spiking neurons collapse into one? And what does staying out of that range cost?

With h and g linear, a cascade of layers is one affine map (Soupizet et al. 2023, eq. 12), and a network of several
layers can do no more than one of a single layer. Whether a range of currents is linear enough for that is asked in two
ways:

* the straight line through the curve over the range: r^2 and mean deviation, as in the paper;
* the network itself: cascades with random positive weights whose every excitation stays in the range. How much of
  what comes out of the last layer is no affine function of what went in? That part, and nothing else, is what
  depth can add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from anamorph.characterise.activation import Activation
from anamorph.characterise.activation_fits import LinearFit, fit_line, widest_line
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.errors import BadInput

#: Neurons of each layer of a random cascade, and inputs that are tried on it.
WIDTH, INPUTS, CASCADES = 8, 400, 12
#: From this r^2 on the paper calls a curve linear.
LINEAR = 0.99


@dataclass(frozen=True)
class Linearity:
    """One lower end of the operating range.

    Attributes:
        x_min: lower end; the range ends at 1.
        line: through the activation over the range.
        nonlinear_share: variance of a cascade's outputs that no single layer reproduces; the median of random cascades.
        energy_rms: mean over the range of RMS power over f_spike, J per spike; NaN where power is unknown.
        energy_mean: the same of mean power.
    """

    x_min: float
    line: LinearFit
    nonlinear_share: float
    energy_rms: float
    energy_mean: float

    @property
    def collapses(self) -> bool:
        """Whether the paper would call the range linear, so that depth is lost."""
        return self.line.r_squared >= LINEAR


@dataclass(frozen=True)
class Feasibility:
    """The answer for one neuron and synapse.

    Attributes:
        ranges: one entry per lower end that was asked for.
        linear_from: smallest x from which on the activation is linear (r^2 of at least `LINEAR`), or None.
        energy_ratio_rms: energy of a spike below `linear_from`, averaged over currents at which the neuron spikes, over
            that above it; NaN where unknown. What the non-linear range costs.
        energy_ratio_mean: the same of mean power.
    """

    ranges: tuple[Linearity, ...]
    linear_from: float | None
    energy_ratio_rms: float
    energy_ratio_mean: float


def feasibility(
    activation: Activation, neuron: FrequencyCurve, x_min: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.5),
    layers: int = 3, seed: int = 0,
) -> Feasibility:  # fmt: skip
    """Examine the nominal sample of an activation over ranges from each `x_min` to 1.

    Args:
        activation: neuron and synapse together, characterised up to x = 1 or further.
        neuron: of the same currents: its energies.
        x_min: lower ends, from 0 to below 1.
        layers: of the random cascades.
        seed: of their weights and inputs.

    Raises:
        BadInput: a lower end outside 0..1.
    """
    for low in x_min:
        if not 0 <= low < 0.95:
            raise BadInput("not a lower end of a range", where="linearity: x_min", expected="0 to 0.95", got=f"{low:g}")
    grid = np.linspace(0.0, 1.0, 1001)
    y = activation(grid)
    x_neuron = neuron.i_ex / activation.unit
    rms, mean = neuron.energy_per_spike_rms[0], neuron.energy_per_spike_mean[0]
    ranges = tuple(
        Linearity(
            low, fit_line(grid, y, low), nonlinear_share(activation, low, layers, seed),
            _average(rms, (x_neuron >= low) & (x_neuron <= 1)), _average(mean, (x_neuron >= low) & (x_neuron <= 1)),
        )
        for low in x_min
    )  # fmt: skip
    found = widest_line(grid, y, LINEAR)
    if found is None:
        return Feasibility(ranges, None, float("nan"), float("nan"))
    below, above = x_neuron < found.low, (x_neuron >= found.low) & (x_neuron <= 1)
    ratios = (_average(e, below) / _average(e, above) for e in (rms, mean))
    return Feasibility(ranges, found.low, *ratios)


def nonlinear_share(activation: Activation, x_min: float, layers: int = 3, seed: int = 0) -> float:
    """Share of the outputs' variance that the best single affine layer leaves unexplained; median of random cascades.

    Excitations of every layer are spread over the whole of ``x_min..1``: inputs are drawn from it, and of each later
    neuron the sum of its currents is brought there by a gain and a bias, which are affine.
    """
    rng = np.random.default_rng(seed)
    table = activation.table()[0]
    knots = np.linspace(0.0, 1.0, len(table))
    shares = []
    for _ in range(CASCADES):
        first = rng.uniform(x_min, 1.0, (INPUTS, WIDTH))
        x = first
        for layer in range(layers):
            y = np.interp(x, knots, table)
            if layer + 1 < layers:
                total = y @ rng.exponential(size=(WIDTH, WIDTH))
                low, high = total.min(axis=0), total.max(axis=0)
                x = x_min + (1 - x_min) * (total - low) / np.maximum(high - low, 1e-300)
        affine = np.column_stack([first, np.ones(INPUTS)])
        residual = y - affine @ np.linalg.lstsq(affine, y, rcond=None)[0]
        shares.append(float((residual**2).sum() / ((y - y.mean(axis=0)) ** 2).sum()))
    return float(np.median(shares))


def _average(energy: Float[np.ndarray, " points"], inside: np.ndarray) -> float:
    known = energy[inside & np.isfinite(energy)]
    return float(known.mean()) if len(known) else float("nan")
