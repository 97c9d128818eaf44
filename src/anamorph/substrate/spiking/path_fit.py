"""Gains and excitations of spiking neurons from readings through whole paths, as far as these tell them.

A path of neurons that saturate hides most of what its inner neurons do: an excitation 5 % higher changes what a neuron
passes on by half a per cent, which is as much as a reading is uncertain. So what is looked for is the likeliest chip,
given the readings and what the process makes one expect (maximum a posteriori, both normal): a neuron of which the
readings say nothing stays nominal, and its `spread` stays that of the process.

    minimise   sum_r ((I_r - model_r(p)) / (noise I_r))^2 + sum_k (p_k / prior_k)^2

by Gauss and Newton; p are the logarithms of gains, excitations and of the negative unit.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Shape
from anamorph.substrate.spiking.dies import Spreads
from anamorph.substrate.spiking.neurons import Curve, SpikingNeurons

#: Steps of Gauss and Newton, and lengths of each that are tried: the threshold is steep, a whole step may overshoot.
STEPS, LENGTHS = 8, (0.0, 0.1, 0.3, 1.0)
#: What a reading is uncertain by, beside the mirrors on its path: the noise of a bench.
READING = 0.005
#: Readings below this share of the largest are known to this share of it: a silent output tells little.
FLOOR = 1e-3


class Readings(NamedTuple):
    """Which neurons each reading went through; a neuron that is not on record has the last place, and is nominal.

    Attributes:
        path: place of the path's neuron of each layer.
        partner: place of the second source, in the layer before the measured one.
        layer: measured layer.
        taken: weight of the partner, 0 where there is none.
        x: input current over the unit.
    """

    path: Int[Array | np.ndarray, "readings layers"]
    partner: Int[Array | np.ndarray, " readings"]
    layer: Int[Array | np.ndarray, " readings"]
    taken: Float[Array | np.ndarray, " readings"]
    x: Float[Array | np.ndarray, " readings"]

    @classmethod
    def of(cls, characterisation: Characterisation, shape: Shape, unit: float, step: float) -> Readings:
        """From the readings' coordinates.

        Raises:
            BadInput: a neuron or a layer that the chip does not have.
        """
        data = characterisation.data
        column = {name: np.asarray(data[name].values) for name in
                  ("layer", "neuron", "source", "monitor", "partner", "setting", "input_current")}  # fmt: skip
        layer, n = column["layer"], np.array(shape)
        if len(layer) == 0 or layer.min() < 0 or layer.max() >= len(n):
            raise BadInput("readings of no layer of this chip", where="characterisation", expected=f"0 to {len(n) - 1}")
        start, nobody = np.concatenate([[0], np.cumsum(n)[:-1]]), int(n.sum())

        def place(of: np.ndarray, who: np.ndarray, what: str) -> np.ndarray:
            exists = (of >= 0) & (of < len(n)) & (who >= 0)
            inside = np.clip(of, 0, len(n) - 1)
            if (exists & (who >= n[inside])).any():
                raise BadInput(f"a {what} that the chip does not have", where="characterisation")
            return np.where(exists, start[inside] + who, nobody)

        path = np.full((len(layer), len(n)), nobody)
        for offset, what in ((-1, "source"), (0, "neuron"), (1, "monitor")):
            found, at = place(layer + offset, column[what], what), layer + offset
            on = (at >= 0) & (at < len(n))
            path[np.flatnonzero(on), at[on]] = found[on]
        partner = place(layer - 1, column["partner"], "partner")
        return cls(path, partner, layer, step * np.abs(column["setting"]), column["input_current"] / unit)


def fit_paths(
    characterisation: Characterisation, shape: Shape, curve: Curve, spreads: Spreads, step: float, weight: float
) -> Transfer:
    """The likeliest chips.

    Args:
        characterisation: readings of `anamorph.characterise.source_monitor`.
        shape: neurons per layer.
        curve: of the nominal neuron.
        spreads: what the process makes one expect.
        step: weight of one unit.
        weight: of the positive synapses on the paths.

    Raises:
        BadInput: readings that do not belong to this chip.
        NotConverged: a chip without an answer.
    """
    unit = curve.activation.unit
    readings = Readings.of(characterisation, shape, unit, step)
    seen = np.where(characterisation.data["converged"].values, characterisation.data["output_current"].values, np.nan)
    if not np.isfinite(seen).any(axis=1).all():
        raise NotConverged("no reading of a chip has an answer", where="fit")
    places, n = int(sum(shape)), np.array(shape)
    hidden = np.repeat(np.arange(len(n)) > 0, n)
    gains = np.where(hidden, np.hypot(spreads.diode, spreads.gain), spreads.diode)
    prior = np.concatenate(
        [gains, np.where(hidden, spreads.excitation, 0.0), [np.hypot(2 * spreads.diode, spreads.leg)]]
    )
    prior = np.maximum(prior, 1e-9)  # what does not deviate is held, not divided by zero
    noise = np.hypot(READING, np.sqrt(len(shape) - 1) * spreads.leg)

    given = jnp.asarray(prior), jnp.asarray(noise), readings, jnp.asarray(weight)
    found = [_likeliest(jnp.asarray(y / unit), *given, curve) for y in seen]
    p, spread, residual = (np.stack([np.asarray(f[k]) for f in found]) for k in range(3))
    activations, start = [], 0
    for count in shape:
        own = slice(start, start + count)
        a = np.exp(p[:, own])
        mean = a.mean(axis=1, keepdims=True)
        error = np.repeat(residual[:, None], count, axis=1)
        parts = (a / mean, a / mean * spread[:, own], error)
        slope, wide, error = (jnp.asarray(part) for part in parts)
        e = jnp.asarray(np.exp(p[:, places + start : places + start + count]))
        domain = (0.0, float(readings.x.max() * unit))
        activations.append(SpikingNeurons(slope, wide, error, domain, jnp.asarray(mean + 0 * a), e))
        start += count
    ones = jnp.ones((len(p), 2))
    return Transfer(tuple(activations), jnp.asarray(np.exp(p[:, -1])), ones, "measured")


def _answers(p: Array, readings: Readings, weight: Array, curve: Curve) -> Array:
    """Outputs of all readings, in units of full scale."""
    places = len(p) // 2
    a = jnp.exp(jnp.append(p[:places], 0.0))
    e = jnp.exp(jnp.append(p[places : 2 * places], 0.0))
    rho = jnp.exp(p[-1])
    y = a[readings.path[:, 0]] * readings.x
    second = a[readings.partner] * readings.x
    for layer in range(1, readings.path.shape[1]):
        taken = jnp.where(readings.layer == layer, rho * readings.taken, 0.0)
        x = weight * y - taken * second
        passed = weight * y
        who = readings.path[:, layer]
        y = a[who] * curve(e[who] * x)
        second = a[readings.partner] * curve(e[readings.partner] * passed)
    return y


@functools.partial(jax.jit, static_argnames="curve")
def _likeliest(
    y: Array, prior: Array, noise: Array, readings: Readings, weight: Array, curve: Curve
) -> tuple[Array, Array, Array]:
    """Parameters, their standard deviations, and the largest residual as a share of the largest reading."""

    def model(p: Array) -> Array:
        return _answers(p, readings, weight, curve)

    use = jnp.isfinite(y)
    y = jnp.where(use, y, 0.0)
    largest = jnp.max(jnp.abs(y))
    sure = jnp.where(use, 1.0, 0.0) / (noise * jnp.abs(y) + FLOOR * largest + 1e-30)

    def cost(p: Array) -> Array:
        return jnp.sum((sure * (model(p) - y)) ** 2) + jnp.sum((p / prior) ** 2)

    def normal(p: Array) -> tuple[Array, Array]:
        # in units of the priors, in which the matrix is at least one along every direction
        jacobian = sure[:, None] * jax.jacfwd(model)(p) * prior
        return jacobian, jacobian.T @ jacobian + jnp.eye(len(p))

    def step(_: Any, p: Array) -> Array:
        jacobian, matrix = normal(p)
        slope = jacobian.T @ (sure * (model(p) - y)) + p / prior
        way = -prior * jnp.linalg.solve(matrix, slope)
        tried = jnp.stack([p + length * way for length in LENGTHS])
        return tried[jnp.argmin(jax.vmap(cost)(tried))]

    p = jax.lax.fori_loop(0, STEPS, step, jnp.zeros_like(prior))
    spread = prior * jnp.sqrt(jnp.diag(jnp.linalg.inv(normal(p)[1])))
    residual = jnp.max(jnp.where(use, jnp.abs(model(p) - y), 0.0)) / jnp.maximum(largest, 1e-30)
    return p, spread, residual
