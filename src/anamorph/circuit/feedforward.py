"""Large layered networks, layer by layer, at transistor level.

Gates draw no direct current, so a network of somas and synapses is a cascade: given the states of one layer, each
neuron of the next has one scalar unknown, the voltage v of its input node,

    i_in(v) = sum over sources j of I_jk(drive_j, v)

where i_in is what its own input transistor takes and I_jk what synapse jk delivers, its inner nodes
eliminated and every transistor's deviation included. `interpolation.CurrentMap` turns the sum into matrix
products over all patterns and a short series in v; what remains is one monotone scalar equation per neuron and
pattern, solved here by Newton inside a shrinking bracket.

Two maps cover v: above `split` (neurons of about 0.1 nA and more) truncation is below 1e-4 of any synapse's
current; below it, where synapses run out of headroom, about 1e-2 (docs/validity.md). Neurons that fall below can be
solved with exact synapses instead (`exact_below`), at the price of a small Newton solve per synapse.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from anamorph.circuit.interpolation import CurrentMap, series

#: Precision of the layers' matrix products, twice as fast as float64: its rounding, 1e-7 of the currents that are
#: summed, is a hundredth of what the interpolation leaves out. Everything else is float64.
PRODUCT = jnp.float32
#: Steps of the bracketed Newton solve: bisection alone would give 0.5 V / 2^40.
SCALAR_STEPS = 40
#: Last change of v at which the scalar solve stops, V: quadratic convergence leaves far less than 1e-12 V after it.
SCALAR_TOLERANCE = 1e-9


class Region(eqx.Module):
    """Maps for one range of the fed node's voltage, one per family of settings (polarity)."""

    maps: tuple[CurrentMap, ...]

    @property
    def low(self) -> float:
        """Lowest voltage, V."""
        return self.maps[0].v.low

    @property
    def high(self) -> float:
        """Highest voltage, V."""
        return self.maps[0].v.high


#: C of one region, one array per family, ``[programs or 1, n_in, M, n_out, N]``.
Coefficients = tuple[Float[Array, "#programs n_in _ n_out _"], ...]
#: Gate drives of the sources, one array per family, ``[programs, patterns, n_in]``.
Drives = tuple[Float[Array, "programs patterns n_in"], ...]


def summed_series(
    region: Region, coefficients: Coefficients, drives: Drives
) -> Float[Array, "nv programs patterns n_out"]:
    """Chebyshev series in v of the current into every neuron: one matrix product per family."""
    total: Array | float = 0.0
    for current_map, c, drive in zip(region.maps, coefficients, drives, strict=True):
        features = current_map.source_features(drive)
        programs, patterns, n_in, m = features.shape
        n_out, n = c.shape[3], c.shape[4]
        left = features.reshape(programs, patterns, n_in * m).astype(PRODUCT)
        right = c.reshape(c.shape[0], n_in * m, n_out * n).astype(PRODUCT)
        sums = left.reshape(-1, n_in * m) @ right[0] if c.shape[0] == 1 else left @ right
        sums = sums.reshape(programs, patterns, n_out, n).astype(features.dtype)
        total = total + current_map.voltage_series(sums)
    return jnp.asarray(total)


def bracketed_newton(function: Callable[[Array], Array], low: Array, high: Array, start: Array) -> tuple[Array, Array]:
    """Root of an increasing function of each element between `low` and `high`, and whether it was found."""

    def body(state: tuple) -> tuple:
        v, a, b, _, count = state
        value, slope = jax.jvp(function, (v,), (jnp.ones_like(v),))
        a, b = jnp.where(value < 0, v, a), jnp.where(value > 0, v, b)
        newton = v - value / slope
        inside = (newton >= a) & (newton <= b)  # equal: a step below the last digit of v
        nxt = jnp.where(inside, newton, 0.5 * (a + b))
        # a NaN neither moves nor rests: its sample ends unfound
        return nxt, a, b, jnp.where(jnp.isfinite(value), jnp.abs(nxt - v), jnp.nan), count + 1

    def unfinished(state: tuple) -> Array:
        _, _, _, moved, count = state
        return jnp.any(moved > SCALAR_TOLERANCE) & (count < SCALAR_STEPS)

    begin = (start, low, high, jnp.full_like(start, jnp.inf), jnp.array(0))
    v, a, b, moved, _ = jax.lax.while_loop(unfinished, body, begin)
    at_edge = (jnp.abs(v - low) < 1e-9) | (jnp.abs(v - high) < 1e-9)
    return v, (moved <= SCALAR_TOLERANCE) & ~at_edge & jnp.isfinite(v)


def solve_states(
    regions: tuple[Region, Region],
    currents: tuple[Array, Array],
    input_current: Callable[[Array], Array],
    guess: Callable[[Array], Array],
) -> tuple[Float[Array, "programs patterns n"], Bool[Array, "programs patterns n"], Bool[Array, "programs patterns n"]]:
    """States of one layer: voltage of every neuron's input node.

    Args:
        regions: low and high, with as many nodes in v.
        currents: Chebyshev series of the current into every neuron in each region.
        input_current: what the neurons' own input transistors take at v, A.
        guess: inverse of `input_current`, roughly.

    Returns:
        v, whether found, and whether it lies in the high region.
    """
    low, high = regions
    split = 0.5 * (low.high + high.low)

    axes = [region.maps[0].v for region in regions]
    shape = currents[0].shape[1:]
    at_split = jnp.full(shape, split)
    on = series(currents[1], axes[1].coordinate(at_split)) > input_current(at_split)
    chosen = jnp.where(on, currents[1], currents[0])

    def balance(v: Array) -> Array:
        place = jnp.where(on, axes[1].coordinate(v), axes[0].coordinate(v))
        return input_current(v) - series(chosen, place)

    lower = jnp.where(on, high.low, low.low)
    upper = jnp.where(on, high.high, low.high)
    middle = series(currents[1], axes[1].coordinate(jnp.full(shape, 0.35)))
    start = jnp.where(on, guess(jnp.maximum(middle, 1e-12)), 0.5 * (lower + upper))
    start = jnp.clip(start, lower + 1e-6, upper - 1e-6)
    v, found = bracketed_newton(balance, lower, upper, start)
    # where each map puts the root in the other's range it lies between them, at the inner end of the bracket
    inner = jnp.where(on, high.low, low.high)
    return v, found | (jnp.abs(v - inner) < 1e-9), on
