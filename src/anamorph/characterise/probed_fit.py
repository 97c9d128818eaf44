"""Slopes, exponents and the negative unit from readings with a probe at every neuron (`permutations.py`)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Bool, Float

from anamorph.characterise.characterisation import PROBED, Characterisation
from anamorph.characterise.fit import over, power_law
from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.errors import NotConverged
from anamorph.substrate.contract import Shape


def fit_probed(
    characterisation: Characterisation,
    shape: Shape,
    full_setting: int,
    idle: tuple[Bool[np.ndarray, " _"], ...] | None = None,
) -> Transfer:
    """Slope ``a`` of every neuron in ``sent = a received^gamma``, normalised by layer, and the negative unit.

    gamma is that of the whole chip: how a neuron's answers through one synapse rise with its own current. With
    gamma fixed, each slope is the mean over the neuron's readings, which averages over the synapses it was read
    through (Binas et al. 2016, section 3.3, where gamma is 1).

    Args:
        characterisation: with `PROBED` currents.
        shape: neurons per layer.
        full_setting: of the positive synapses.
        idle: neurons per layer that feed nothing: they get the slope of the mean.

    Raises:
        NotConverged: a neuron without a usable reading, or none of the negative unit.
    """
    data = characterisation.data
    slopes = data.isel(reading=np.flatnonzero(data["kind"].values == "slope"))
    negatives = data.isel(reading=np.flatnonzero(data["kind"].values == "negative"))
    received, sent = _usable(slopes)
    positive = _exponent(slopes, received, sent)
    domain = (0.0, float(np.nanmax(received)))
    layers = slopes["layer"].values
    idle = idle or tuple(np.zeros(n, bool) for n in shape)
    fitted = tuple(
        _layer(slopes, layers == layer, silent, received, sent, positive, layer, domain)
        for layer, silent in enumerate(idle)
    )
    full_scale = float(data["input_current"].values.max())
    unit, fall = _negative_unit(negatives, fitted[0], full_setting, full_scale)
    exponents = np.stack([positive, positive + fall], axis=-1)
    return Transfer(fitted, jnp.asarray(unit), jnp.asarray(exponents), "measured")


def _usable(data: xr.Dataset) -> tuple[Float[np.ndarray, "dies readings"], Float[np.ndarray, "dies readings"]]:
    received, sent = data[PROBED].values, data["output_current"].values
    good = data["converged"].values & (received > 0) & (sent > 0)
    return np.where(good, received, np.nan), np.where(good, sent, np.nan)


def _exponent(data: xr.Dataset, received: np.ndarray, sent: np.ndarray) -> Float[np.ndarray, " dies"]:
    """Rise of log sent over log received within each pair of neurons, over all pairs."""
    pairs = np.stack([data[name].values for name in ("layer", "neuron", "repeat", "monitor")])
    _, group = np.unique(pairs, axis=1, return_inverse=True)
    count = group.max() + 1

    def centred(values: np.ndarray) -> np.ndarray:
        known = np.isfinite(values)
        total = np.bincount(group, np.where(known, values, 0.0), count)
        number = np.bincount(group, known, count)
        return values - (total / np.maximum(number, 1))[group]

    rises = []
    for x, y in zip(np.log(received), np.log(sent), strict=True):
        x, y = centred(x), centred(y)
        norm = np.nansum(x * x)
        rises.append(np.nansum(x * y) / norm if norm > 0 else 1.0)
    return np.clip(np.array(rises), 0.1, 10.0)


def _layer(
    data: xr.Dataset, own: np.ndarray, idle: np.ndarray, received: np.ndarray, sent: np.ndarray,
    exponent: np.ndarray, layer: int, domain: tuple[float, float],
) -> Rectifier:  # fmt: skip
    neuron = data["neuron"].values[own]
    curve = received[:, own] ** exponent[:, None]
    gain = sent[:, own] / curve
    at = [np.flatnonzero(neuron == k) for k in np.flatnonzero(~idle)]
    slope = np.stack([over(np.nanmean, gain[:, i], 1) for i in at], axis=1)
    if not np.isfinite(slope).all():
        die, missing = np.argwhere(~np.isfinite(slope))[0]
        missing = np.flatnonzero(~idle)[missing]
        raise NotConverged(
            "no reading of a neuron has an answer",
            where=f"die {die}, layer {layer}, neuron {missing}",
            advice="Measure more configurations (bench.repeats).",
        )
    spread = np.stack([over(np.nanstd, gain[:, i], 1) for i in at], axis=1)
    off = [np.abs(sent[:, own][:, i] - slope[:, k, None] * curve[:, i]) for k, i in enumerate(at)]
    scale = [over(np.nanmax, sent[:, own][:, i], 1) for i in at]
    error = np.stack([over(np.nanmax, o, 1) / s for o, s in zip(off, scale, strict=True)], axis=1)
    mean = slope.mean(axis=1, keepdims=True)
    return Rectifier(
        _among(slope / mean, idle, 1.0), _among(spread / mean, idle, 0.0), _among(error, idle, 0.0), domain
    )


def _among(values: Float[np.ndarray, "dies some"], idle: np.ndarray, value: float) -> Float[Array, "dies n"]:
    """The values of all neurons of a layer, with one for those that were not measured."""
    found = np.full((len(values), len(idle)), value)
    found[:, ~idle] = values
    return jnp.asarray(found)


def _negative_unit(
    data: xr.Dataset, inputs: Rectifier, full: int, full_scale: float
) -> tuple[Float[np.ndarray, " dies"], Float[np.ndarray, " dies"]]:
    """rho at full scale, and the power of the current by which it varies.

    A second source p through setting -c leaves ``1 - rho c a_p / (F a_s)`` of the current that source s gives.
    """
    without, left = _usable(data)
    slope = np.asarray(inputs.slope)
    ratio = slope[:, data["source"].values] / slope[:, data["partner"].values]
    fraction = left / without
    estimate = (1 - fraction) * full / np.abs(data["setting"].values) * ratio
    # a neuron that is all but shut off says only that the negative weight is strong enough
    return power_law(np.where(fraction > 0.1, estimate, np.nan), data["input_current"].values, full_scale)
