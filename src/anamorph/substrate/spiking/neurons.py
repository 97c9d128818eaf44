"""A layer of spiking neurons as training knows it: one characterised curve, and how each neuron differs from it.

    y = a f(e x)          a: gain of a neuron's output,  e: of its excitation

f is the normalised transfer of the nominal neuron with its synapse (eq. 15 of Soupizet et al. 2023), a monotone cubic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import PchipInterpolator

from anamorph.characterise.activation import Activation
from anamorph.characterise.transfer import Rectifier
from anamorph.substrate.rectifier import output_rectifier

#: Below this share of the peak a neuron counts as silent where training asks how an output is raised.
SILENT = 1e-3


class SpikingNeurons(Rectifier):
    """Measured neurons of one layer.

    Attributes:
        gain: mean of the layer's output gains, the same for all its neurons, ``[dies, n]``; slope times gain is a.
        excitation: gain of each neuron's excitation, e, ``[dies, n]``: above 1, it spikes at a lower current.
    """

    gain: Float[Array, "dies n"]
    excitation: Float[Array, "dies n"]

    def first(self, n: int) -> SpikingNeurons:
        """The first `n` neurons."""
        parts = (self.slope, self.spread, self.fit_error)
        slope, spread, error = (part[:, :n] for part in parts)
        return SpikingNeurons(slope, spread, error, self.domain, self.gain[:, :n], self.excitation[:, :n])


@dataclass(frozen=True, eq=False)  # known by its identity, so that jax.jit may take it as it is
class Curve:
    """An `Activation` that jax evaluates and differentiates; constant outside its domain."""

    activation: Activation

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray]:
        spline = PchipInterpolator(self.activation.x, self.activation.y[0])
        return np.asarray(spline.x), np.asarray(spline.c)

    def __call__(self, x: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """f(x)."""
        knots, pieces = self._pieces
        c = jnp.asarray(pieces, x.dtype)
        inside = jnp.clip(x, float(knots[0]), float(knots[-1]))  # a NumPy scalar would widen float32
        index = jnp.clip(jnp.searchsorted(jnp.asarray(knots, x.dtype), inside, side="right") - 1, 0, len(knots) - 2)
        t = inside - jnp.asarray(knots, x.dtype)[index]
        c0, c1, c2, c3 = (c[k][index] for k in range(4))
        return ((c0 * t + c1) * t + c2) * t + c3

    @cached_property
    def threshold(self) -> float:
        """Largest excitation at which the nominal neuron passes on nothing to speak of."""
        x, y = self.activation.x, self.activation.y[0]
        first = int(np.argmax(y > SILENT))
        return float(x[max(first - 1, 0)])

    def output(self, x: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """f(x) of an output neuron: backwards a silent one can be called (see `output_rectifier`)."""
        silent = x <= self.threshold
        called = self(jax.lax.stop_gradient(x)) + output_rectifier(jnp.where(silent, x - self.threshold, -1.0))
        return jnp.where(silent, called, self(x))
