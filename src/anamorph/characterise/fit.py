"""Rectifier slopes and the negative unit, fitted to a bench's readings."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import xarray as xr

from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Shape

#: Sweeps of the fit of slopes and gains; each shrinks what failed readings leave by about their share.
GAIN_SWEEPS = 20


def fit_rectifiers(characterisation: Characterisation, shape: Shape, full_setting: int = 7) -> Transfer:
    """Least-squares rectifier of every neuron, normalised by layer, and the strength of a negative unit.

    ``f(r) = max(0, a r)`` is fitted through the points with a positive output (Binas et al. 2016, section 3.3),
    per path, then averaged over paths, each path freed of its gain; slopes are divided by their layer's mean,
    as only their relation within a layer matters. For the negative unit rho, with sources s (positive, full
    setting F) and p (negative, setting -c): ``current that remains / current without = 1 - rho c a_p / (F a_s)``.
    The exponents come from how the paths' responses, and rho, vary with the current.

    Raises:
        BadInput: a neuron without readings, or no reading of a negative weight.
        NotConverged: a neuron of which no reading has an answer.
    """
    data = characterisation.data
    slopes = data.isel(reading=np.flatnonzero(data["kind"].values == "slope"))
    currents = slopes["input_current"].values
    domain = (0.0, float(currents.max()) if len(currents) else 0.0)
    fitted = tuple(_layer(slopes, layer, n, domain) for layer, n in enumerate(shape))
    positive = _exponent(slopes, stages=len(shape))
    unit, fall = _negative_unit(data, fitted, full_setting, domain[1], positive)
    exponents = np.stack([positive, positive + fall], axis=-1)
    return Transfer(fitted, jnp.asarray(unit), jnp.asarray(exponents), "measured")


def _exponent(slopes: xr.Dataset, stages: int) -> np.ndarray:
    """gamma_p of each chip: a path of equal stages answers with a power law whose exponent is gamma_p^stages."""
    x = slopes["input_current"].values
    if len(np.unique(x)) < 2:
        return np.ones(slopes.sizes["die"])
    y = np.where(slopes["converged"].values, slopes["output_current"].values, np.nan)
    log_y = np.log(np.where(y > 0, y, np.nan))
    log_x = np.where(np.isfinite(log_y), np.log(x), np.nan)
    log_x = log_x - over(np.nanmean, log_x, 1)[:, None]  # of the readings that count alone
    rise = np.nansum(log_x * log_y, axis=1) / np.nansum(log_x**2, axis=1)
    return np.clip(rise, 0.1, 10.0) ** (1 / stages)


def _layer(slopes: xr.Dataset, layer: int, n: int, domain: tuple[float, float]) -> Rectifier:
    raw, errors = [], []
    for neuron in range(n):
        own = np.flatnonzero((slopes["layer"].values == layer) & (slopes["neuron"].values == neuron))
        if not len(own):
            raise BadInput("no readings of a neuron", where=f"layer {layer}, neuron {neuron}")
        per_path, error = _paths(slopes.isel(reading=own))
        if np.isnan(per_path).all(1).any():
            raise NotConverged("no reading of a neuron has an answer", where=f"layer {layer}, neuron {neuron}")
        raw.append(per_path)
        errors.append(error)
    if len({len(row[0]) for row in raw}) > 1:
        raise BadInput("neurons measured through different numbers of paths", where=f"layer {layer}")
    relative = _without_gains(np.stack(raw, axis=1))
    slope, spread = over(np.nanmean, relative, 2), over(np.nanstd, relative, 2)
    mean = slope.mean(axis=1, keepdims=True)
    return Rectifier(
        jnp.asarray(slope / mean), jnp.asarray(spread / mean), jnp.asarray(np.stack(errors, axis=1)), domain
    )


def _without_gains(per_path: np.ndarray) -> np.ndarray:
    """Slopes ``[dies, neurons, paths]`` without what each path, the same for all neurons of a layer, contributes.

    A product of slopes and gains is fitted by turns, so that a path that failed for one neuron biases none.
    """
    gain = over(np.nanmean, per_path, 1)[:, None]
    for _ in range(GAIN_SWEEPS):
        slope = over(np.nanmean, per_path / gain, 2)[:, :, None]
        gain = over(np.nanmean, per_path / slope, 1)[:, None]
    return per_path / gain


def over(function: Callable[..., np.ndarray], values: np.ndarray, axis: int) -> np.ndarray:
    """A NaN-skipping reduction; NaN, and no warning, where nothing is left to reduce."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return function(values, axis=axis)


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
    return np.stack(found, axis=1), over(np.nanmax, np.stack(residual, axis=1), 1)


def _negative_unit(
    data: xr.Dataset,
    fitted: tuple[Rectifier, ...],
    full: int,
    full_scale: float,
    positive: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """rho at full scale, and by which power of the current it varies, of each chip.

    The neuron's own curve, measured with the negative weight off, translates the response with the
    weight on into the current that remains, so that compression further along the path drops out.
    """
    chosen = data.isel(reading=np.flatnonzero(data["kind"].values == "negative"))
    places = ("layer", "neuron", "repeat", "source", "partner")
    group = np.stack([chosen[name].values for name in places], axis=-1)
    setting, x = chosen["setting"].values, chosen["input_current"].values
    y = np.where(chosen["converged"].values, chosen["output_current"].values, np.nan)
    estimates, currents = [], []
    for key in np.unique(group, axis=0):
        own = (group == key).all(-1)
        off = np.flatnonzero(own & (setting == 0))
        if not len(off):
            raise BadInput("a negative reading without its comparison", where=f"{dict(zip(places, key, strict=True))}")
        slope = np.asarray(fitted[key[0] - 1].slope)
        for on in np.flatnonzero(own & (setting != 0)):
            remaining = np.stack([_inverse(x[off], y[d, off], y[d, on]) for d in range(len(y))])
            # the current into the measured neuron is a power law of the input's, one stage per layer before it
            fraction = (remaining / x[on]) ** (positive ** key[0])
            estimate = (1 - fraction) * full / abs(setting[on])
            estimate = estimate * slope[:, key[3]] / slope[:, key[4]]
            # a neuron that is all but shut off says only that the negative weight is strong enough
            estimates.append(np.where(fraction > 0.1, estimate, np.nan))
            currents.append(x[on])
    if not estimates:
        raise BadInput("no reading of a negative weight")
    return power_law(np.stack(estimates, axis=1), np.array(currents), full_scale)


def _inverse(x: np.ndarray, y: np.ndarray, value: float) -> float:
    """Input current at which a curve that is nearly a power law gives `value`; NaN where it has no answer."""
    use = (y > 0) & np.isfinite(y)
    if not use.any() or not value > 0:
        return float("nan")
    order = np.argsort(x[use])
    log_x, log_y = np.log(x[use][order]), np.log(y[use][order])
    if np.log(value) < log_y[0]:
        rise = (log_y[-1] - log_y[0]) / (log_x[-1] - log_x[0]) if len(log_x) > 1 else 1.0
        return float(np.exp(log_x[0] + (np.log(value) - log_y[0]) / rise))
    return float(np.exp(np.interp(np.log(value), log_y, log_x)))


def power_law(estimates: np.ndarray, currents: np.ndarray, full_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Median of the estimates ``[dies, readings]`` at full scale, and the exponent by which they vary."""
    levels = np.unique(currents)
    medians = np.stack([over(np.nanmedian, estimates[:, currents == level], 1) for level in levels], axis=1)
    good = np.isfinite(medians) & (medians > 0)
    if not good.any(1).all():
        raise NotConverged("no usable reading of a negative weight")
    log_x = np.log(levels / full_scale)
    fits = []
    for row, use in zip(medians, good, strict=True):
        degree = 1 if use.sum() > 1 else 0
        line = np.polyfit(log_x[use], np.log(row[use]), degree)
        fits.append((float(np.exp(line[-1])), float(line[0]) if degree else 0.0))
    unit, fall = np.array(fits).T
    return unit, fall
