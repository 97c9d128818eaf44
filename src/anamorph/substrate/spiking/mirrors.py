"""Weights as transistors: W and L of every synapse's mirror leg, on the layout grid and at least of minimum size.

A neuron's spikes charge the gate of one reference transistor, and every synapse of the neuron is one leg of that
mirror (the front end of the compact synapse is shared). A leg of ratio (W/L) passes on (W/L) / (W/L)_reference of
the characterised current, so by eq. 16 of Soupizet et al. 2023

    W/L = (W/L)_reference . w . unit / peak .

Ratios below that of the smallest transistor are made with a longer channel, in the geometric ratio: what a channel's
length does to its threshold is left out. A synapse whose channel would have to be longer than allowed is left out
altogether.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from anamorph.characterise.activation import Activation
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.spiking import Weights

#: Sizes above the minimum that are tried for a ratio: one step of the grid is up to 8 % of the shortest channel.
TRIED = 32


@dataclass(frozen=True)
class MirrorRules:
    """What a mirror's transistors may be; lengths in m.

    Attributes:
        w_reference: width of the leg with which the synapse was characterised; 324 nm in table II of the paper.
        l_reference: its length; 60 nm there.
        w_diode: width of the transistor whose gate all legs of a neuron share; 270 nm there.
        l_diode: its length; 60 nm there.
        w_min: narrowest; 135 nm there.
        l_min: shortest.
        w_max: widest; wider legs are several fingers, and are refused.
        l_max: longest.
        grid: of the layout.
        spacing: added to both sides of a leg for contacts and distance, for its area.
        scale: all widths and lengths of a mirror times this: area, and with it less mismatch, for the same ratios.
    """

    w_reference: float = 324e-9
    l_reference: float = 60e-9
    w_diode: float = 270e-9
    l_diode: float = 60e-9
    w_min: float = 135e-9
    l_min: float = 60e-9
    w_max: float = 20e-6
    l_max: float = 20e-6
    grid: float = 5e-9
    spacing: float = 0.4e-6
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in (
            "w_reference",
            "l_reference",
            "w_diode",
            "l_diode",
            "w_min",
            "l_min",
            "w_max",
            "l_max",
            "grid",
            "scale",
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise BadInput("not a size", where=f"mirror rules: {name}", expected="above 0", got=f"{value}")
        if self.spacing < 0:
            raise BadInput("not a distance", where="mirror rules: spacing", got=f"{self.spacing}")


@dataclass(frozen=True)
class Legs:
    """Geometry of the legs of one layer, and the weights that they are.

    Attributes:
        w: widths, m, zero where there is no leg.
        l: lengths, m, likewise.
        inhibitory: legs of the second mirror, which takes current away.
        weights: what the geometry amounts to.
        left_out: wanted weights that no leg is small enough for.
    """

    w: Float[np.ndarray, "*shape"]
    l: Float[np.ndarray, "*shape"]  # noqa: E741  (the field's own symbol)
    inhibitory: Bool[np.ndarray, "*shape"]
    weights: Float[np.ndarray, "*shape"]
    left_out: int

    @property
    def count(self) -> int:
        """How many legs there are."""
        return int(np.count_nonzero(self.w))

    def area(self, spacing: float) -> float:
        """Of all legs with `spacing` added to both sides of each, m²."""
        on = self.w > 0
        return float(np.sum((self.w[on] + spacing) * (self.l[on] + spacing)))

    def mismatch(self, a_vt: float, n_ut: float, rules: MirrorRules) -> Float[np.ndarray, "*shape"]:
        """Standard deviation of the logarithm of each weight, zero where there is no leg.

        In weak inversion a threshold off by d changes a current by exp(d / (n U_T)); a leg and its reference deviate
        independently, each by ``a_vt / sqrt(W L)`` (area law).

        Args:
            a_vt: of a single transistor, V m.
            n_ut: slope factor times thermal voltage, V.
            rules: whose diode all legs of a neuron share; its deviation is counted for each leg as if it were its
                own.
        """
        own = np.divide(a_vt**2, self.w * self.l, out=np.zeros_like(self.w), where=self.w > 0)
        shared = a_vt**2 / (rules.scale**2 * rules.w_diode * rules.l_diode)
        second = np.where(self.inhibitory, 2 * shared, 0.0)  # the mirror that turns the current's sign, of such diodes
        return np.where(self.w > 0, np.sqrt(own + shared + second), 0.0) / n_ut


def synthesise(weights: Weights, activation: Activation, rules: MirrorRules) -> tuple[Weights, tuple[Legs, ...]]:
    """Every synapse as a leg: the weights that come of it, and the legs, layer by layer, biases last.

    Raises:
        DoesNotFit: a weight that needs a leg wider than allowed.
    """
    legs = tuple(leg(np.asarray(w), activation, rules, f"layer {i}") for i, w in enumerate(weights.synapses))
    biases = tuple(leg(np.asarray(b), activation, rules, f"biases {i}") for i, b in enumerate(weights.biases))
    return Weights(tuple(g.weights for g in legs), tuple(g.weights for g in biases)), legs + biases


def leg(wanted: Float[np.ndarray, "*shape"], activation: Activation, rules: MirrorRules, where: str = "legs") -> Legs:
    """The legs nearest to some weights; see `synthesise`."""
    per_weight = rules.w_reference / rules.l_reference * activation.gain(1.0)
    ratio = np.abs(wanted) * per_weight
    on = ratio * rules.l_max >= rules.w_min
    w, length = _nearest(np.where(on, ratio, 1.0), rules)
    if (w > rules.scale * rules.w_max).any():
        raise DoesNotFit(
            "a weight needs a wider leg than the rules allow", where=where,
            expected=f"at most {rules.scale * rules.w_max * 1e6:.3g} um", got=f"{w.max() * 1e6:.3g} um",
        )  # fmt: skip
    w, length = np.where(on, w, 0.0), np.where(on, length, 0.0)
    realised = np.divide(w, length, out=np.zeros_like(w), where=on) / per_weight * np.sign(wanted)
    left_out = int(np.sum(~on & (wanted != 0)))
    return Legs(w, length, on & (wanted < 0), realised, left_out)


def _nearest(
    ratio: Float[np.ndarray, "*shape"], rules: MirrorRules
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """W and L on the grid, one of them up to `TRIED` steps above its minimum: the pair nearest to each ratio."""
    w_min, l_min = rules.scale * rules.w_min, rules.scale * rules.l_min
    step = rules.grid * np.arange(TRIED).reshape(-1, *(1,) * ratio.ndim)
    narrow = ratio * l_min < w_min
    w = np.where(narrow, w_min + step, _snapped(ratio * (l_min + step), rules.grid))
    length = np.where(narrow, _snapped((w_min + step) / ratio, rules.grid), l_min + step)
    best = np.abs(w / length / ratio - 1).argmin(axis=0)[None]
    return np.take_along_axis(w, best, 0)[0], np.take_along_axis(length, best, 0)[0]


def _snapped(size: Float[np.ndarray, "*shape"], grid: float) -> Float[np.ndarray, "*shape"]:
    return np.maximum(np.round(size / grid), 1) * grid
