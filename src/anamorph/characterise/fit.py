"""Rectifier slopes and the negative unit, fitted to a bench's readings."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import xarray as xr

from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Shape


def fit_rectifiers(characterisation: Characterisation, shape: Shape, full_setting: int = 7) -> Transfer:
    """Least-squares rectifier of every neuron, normalised by layer, and the strength of a negative unit.

    ``f(r) = max(0, a r)`` is fitted through the points with a positive output (Binas et al. 2016, section 3.3),
    per path, then averaged over paths; slopes are divided by their layer's mean, as only their relation
    within a layer matters. For the negative unit rho, with sources s (positive, full setting F) and
    p (negative, setting -c): ``response / response without = 1 - rho c a_p / (F a_s)``.

    Raises:
        BadInput: a neuron without readings, or no reading of a negative weight.
        NotConverged: a neuron of which no reading has an answer.
    """
    data = characterisation.data
    slopes = data.isel(reading=np.flatnonzero(data["kind"].values == "slope"))
    currents = slopes["input_current"].values
    domain = (0.0, float(currents.max()) if len(currents) else 0.0)
    fitted = tuple(_layer(slopes, layer, n, domain) for layer, n in enumerate(shape))
    return Transfer(fitted, jnp.asarray(_negative_unit(data, fitted, full_setting)), "measured")


def _layer(slopes: xr.Dataset, layer: int, n: int, domain: tuple[float, float]) -> Rectifier:
    means, spreads, errors = [], [], []
    for neuron in range(n):
        own = np.flatnonzero((slopes["layer"].values == layer) & (slopes["neuron"].values == neuron))
        if not len(own):
            raise BadInput("no readings of a neuron", where=f"layer {layer}, neuron {neuron}")
        per_path, error = _paths(slopes.isel(reading=own))
        if np.isnan(per_path).all(1).any():
            raise NotConverged("no reading of a neuron has an answer", where=f"layer {layer}, neuron {neuron}")
        means.append(np.nanmean(per_path, axis=1))
        spreads.append(np.nanstd(per_path, axis=1))
        errors.append(error)
    slope, spread = np.stack(means, axis=1), np.stack(spreads, axis=1)
    mean = slope.mean(axis=1, keepdims=True)
    return Rectifier(
        jnp.asarray(slope / mean), jnp.asarray(spread / mean), jnp.asarray(np.stack(errors, axis=1)), domain
    )


def _paths(readings: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Slope of every path ``[dies, paths]`` and the largest residual as a fraction of full scale ``[dies]``."""
    x = readings["input_current"].values
    y = np.where(readings["converged"].values, readings["output_current"].values, np.nan)
    repeats = readings["repeat"].values
    found, residual = [], []
    for repeat in np.unique(repeats):
        at = repeats == repeat
        use = y[:, at] > 0  # NaN compares false: a reading without an answer is left out of the fit
        weighted = np.where(use, y[:, at] * x[at], 0.0).sum(1)
        norm = np.where(use, x[at] ** 2, 0.0).sum(1)
        slope = np.where(norm > 0, weighted / np.where(norm > 0, norm, 1.0), np.nan)
        scale = np.abs(slope) * x[at].max()
        off = np.where(use, np.abs(y[:, at] - slope[:, None] * x[at]), 0.0).max(1)
        found.append(slope)
        residual.append(off / scale)
    return np.stack(found, axis=1), np.nanmax(np.stack(residual, axis=1), axis=1)


def _negative_unit(data: xr.Dataset, fitted: tuple[Rectifier, ...], full: int) -> np.ndarray:
    chosen = data.isel(reading=np.flatnonzero(data["kind"].values == "negative"))
    c = {name: chosen[name].values for name in ("layer", "neuron", "repeat", "source", "partner", "setting")}
    y = np.where(chosen["converged"].values, chosen["output_current"].values, np.nan)
    x = chosen["input_current"].values
    estimates = []
    for on in np.flatnonzero(c["setting"] != 0):
        same = (x == x[on]) & (c["setting"] == 0)
        for name in ("layer", "neuron", "repeat", "source", "partner"):
            same &= c[name] == c[name][on]
        off = np.flatnonzero(same)
        if len(off) != 1:
            raise BadInput("a negative reading without its comparison", where=f"reading {on}")
        slope = np.asarray(fitted[c["layer"][on] - 1].slope)
        ratio = y[:, on] / y[:, off[0]]
        estimate = (1 - ratio) * full / abs(c["setting"][on])
        estimate = estimate * slope[:, c["source"][on]] / slope[:, c["partner"][on]]
        # a neuron that is shut off altogether says only that the negative weight is strong enough
        estimates.append(np.where(ratio > 0.02, estimate, np.nan))
    if not estimates:
        raise BadInput("no reading of a negative weight")
    stacked = np.stack(estimates)
    if np.isnan(stacked).all(0).any():
        raise NotConverged("no usable reading of a negative weight")
    return np.nanmedian(stacked, axis=0)
