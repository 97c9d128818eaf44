"""Sizes of mirror legs that carry the wanted currents, by the process card's own transistors.

Eq. 16 of Soupizet et al. 2023 takes W/L for the ratio of currents. In weak inversion a threshold that differs by n U_T
is a factor of e, and thresholds depend on width and length: a leg with a long channel carries far less than
its W/L says. Here a leg's current over that of the reference leg, at equal voltages, is the weight's:

    I / I_reference = w . unit / peak,    I by the card at `AT` of the supply between source and drain

An input's diode is the smallest transistor there is, so that a full-scale current takes its gate far below the supply:
what a leg leaks when its input is dark is then a small part of what it carries. Legs of inputs are right at full scale.
All legs are made narrow before they are made accurate: their drains load the membranes.
"""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.characterise.activation import Activation
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current
from anamorph.errors import DoesNotFit
from anamorph.network.spiking import Weights
from anamorph.spikes.parts import Sizes, leg
from anamorph.substrate.spiking.mirrors import MirrorRules
from anamorph.technology import Technology

#: Voltage between source and drain, and between source and gate, at which currents are compared: parts of the supply.
AT, GATE = 0.5, 0.75
#: Gates are sought between these parts of the supply, from rail to beyond it: a leg can be worth less than it leaks.
LOWEST, HIGHEST, HALVINGS = -0.5, 1.5, 40
#: Lengths above the shortest possible one that are tried for a leg, and the error below which the narrowest is taken.
TRIED, GOOD = 24, 0.01


def currents(technology: Technology, w: Float[np.ndarray, " n"], length: Float[np.ndarray, " n"]) -> np.ndarray:
    """Current of p-channel legs at equal voltages, A."""
    v, zero = technology.v_dd, jnp.zeros(len(w))
    parameters = _parameters(technology, zip(w, length, strict=True))
    return np.asarray(drain_current(parameters, Terminals(zero + AT * v, zero + GATE * v, zero)))


def _parameters(technology: Technology, sizes: Iterable[tuple[float, float]]) -> MosfetParameters:
    rows = [technology.mosfet(leg("MP", "g", "d", float(w), float(length))) for w, length in sizes]
    return MosfetParameters._make(jnp.asarray(np.array(column)) for column in zip(*rows, strict=True))


def size_legs(
    weights: Weights, activation: Activation, rules: MirrorRules, technology: Technology
) -> tuple[tuple[Sizes, ...], tuple[Sizes, ...], tuple[float, float]]:
    """Legs of every layer's synapses and biases, and the diode of an input and of the biases.

    Raises:
        DoesNotFit: a weight below zero, or one for which no leg is wide enough.
    """
    smallest = rules.w_min, rules.l_min
    inputs = _Table(rules, technology, smallest)
    spikes = _Table(rules, technology, (rules.w_reference, rules.l_reference))
    gain = activation.gain(1.0)
    full = passed_on(technology, smallest, activation.unit, np.ones(1))[0]
    synapses = tuple(
        inputs.nearest(np.asarray(w, float) / full) if layer == 0 else spikes.nearest(gain * np.asarray(w, float))
        for layer, w in enumerate(weights.synapses)
    )
    return synapses, tuple(inputs.nearest(np.asarray(b, float) / full) for b in weights.biases), smallest


def gate_voltage(
    technology: Technology, size: tuple[float, float], current: Float[np.ndarray, " n"], *, diode: bool = False
) -> Float[np.ndarray, " n"]:
    """Gate voltage at which a p-channel transistor of `size` (W, L in m) carries `current`, by bisection, V.

    Args:
        technology: its process.
        size: W and L, m.
        current: A.
        diode: with its drain on its gate, in place of `AT` of the supply across it.
    """
    v, parameters = technology.v_dd, _parameters(technology, [size])
    low, high = np.full(current.shape, LOWEST * v), np.full(current.shape, HIGHEST * v)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        drain = middle if diode else np.full(current.shape, AT * v)
        found = np.asarray(
            drain_current(parameters, Terminals(jnp.asarray(drain), jnp.asarray(middle), jnp.zeros(current.shape)))
        )
        low, high = np.where(found < current, middle, low), np.where(found < current, high, middle)
    return v - 0.5 * (low + high)


def passed_on(
    technology: Technology, size: tuple[float, float], unit: float, x: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """What a leg like the diode itself passes on of an input x, in units of `unit`.

    More than x at the dark end, where a leg leaks; less at the bright end, where the diode has more of the supply
    across it than the leg, and so needs less of its gate.

    Args:
        technology: its process.
        size: W and L of the diode, m.
        unit: current of x = 1, A.
        x: inputs.
    """
    v, parameters = technology.v_dd, _parameters(technology, [size])
    gates = gate_voltage(technology, size, unit * np.asarray(x, float), diode=True)
    drain = jnp.full(gates.shape, AT * v)
    found = drain_current(parameters, Terminals(drain, jnp.asarray(v - gates), jnp.zeros(gates.shape)))
    return np.asarray(found) / unit


class _Table:
    """Currents over that of a reference: a product of a function of width and one of length, as cards have it."""

    def __init__(self, rules: MirrorRules, technology: Technology, reference: tuple[float, float]) -> None:
        self.w = np.arange(_steps(rules.w_min, rules), _steps(rules.w_max, rules) + 1) * rules.grid
        self.l = np.arange(_steps(rules.l_min, rules), _steps(rules.l_max, rules) + 1) * rules.grid
        unit = currents(technology, *(np.array([size]) for size in reference))[0]
        narrow = currents(technology, self.w, np.full(len(self.w), self.l[0]))
        self.by_width = narrow / unit
        self.by_length = currents(technology, np.full(len(self.l), self.w[0]), self.l) / narrow[0]

    def nearest(self, ratio: Float[np.ndarray, "*shape"]) -> Sizes:
        """Narrow legs with these currents; none where no leg is weak enough."""
        w, length = np.zeros(ratio.shape), np.zeros(ratio.shape)
        if (ratio < 0).any():
            raise DoesNotFit("a weight below zero needs a second mirror, which this circuit does not have",
                             where="legs", got=f"{int((ratio < 0).sum())} of them")  # fmt: skip
        for place in zip(*np.nonzero(ratio), strict=True):
            w[place], length[place] = self._one(float(ratio[place]))
        return Sizes(w, length)

    def _one(self, ratio: float) -> tuple[float, float]:
        usable = np.flatnonzero(self.by_width[0] * self.by_length <= ratio)
        if not len(usable):
            return 0.0, 0.0
        wanted = ratio / self.by_length[usable[:TRIED]]
        above = np.clip(np.searchsorted(self.by_width, wanted), 1, len(self.w) - 1)
        nearer = above - (wanted - self.by_width[above - 1] < self.by_width[above] - wanted)
        off = np.abs(np.log(self.by_width[nearer] / wanted))
        good = np.flatnonzero(off < GOOD)
        best = int(good[0] if len(good) else off.argmin())
        if off[best] > 0.5:
            raise DoesNotFit("a weight needs a wider leg than the rules allow", where="legs",
                             expected=f"a current of at most {self.by_width[-1]:.3g} times the reference's",
                             got=f"{ratio:.3g}")  # fmt: skip
        return float(self.w[nearer[best]]), float(self.l[usable[best]])


def _steps(size: float, rules: MirrorRules) -> int:
    return round(size / rules.grid)
