"""Programmed dies at transistor level, by the feedforward solver, one die at a time."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anamorph.circuit.feedforward import (
    Coefficients,
    Drives,
    Region,
    bracketed_newton,
    solve_states,
    summed_series,
)
from anamorph.circuit.interpolation import Axis, series
from anamorph.device.mosfet import MosfetParameters
from anamorph.substrate.current_mirror.soma_curves import STATE_RANGE, SomaCurves
from anamorph.substrate.current_mirror.stage import input_current, state_guess
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, POSITIVE
from anamorph.substrate.current_mirror.tables import DieMatrix

#: Voltage at which the bench holds the output nodes, V: that of a soma taking tens of nA (assumed).
V_READ = 0.35


class Somas(eqx.Module):
    """One layer's somas of one die: their curves as Chebyshev series in the state, and M0's deviation."""

    drive_p: Float[Array, "nodes n"]
    drive_n: Float[Array, "nodes n"]
    supply: Float[Array, "nodes n"]
    dv_t: Float[Array, " n"]
    axis: Axis
    input_fet: MosfetParameters

    @classmethod
    def of(
        cls,
        curves: SomaCurves,
        deviations: Float[Array | np.ndarray, "n fets"],
        where: slice,
        input_fet: MosfetParameters,
    ) -> Somas:
        """The somas `where` of a table of curves."""
        rows = (curves.drive_p, curves.drive_n, curves.supply)
        to_series = np.asarray(curves.axis.to_series)
        drive_p, drive_n, supply = (jnp.asarray(to_series @ row[where].T) for row in rows)
        return cls(drive_p, drive_n, supply, jnp.asarray(deviations[:, 0]), curves.axis, input_fet)

    def one(self, index: int) -> Somas:
        """One of them."""
        k = slice(index, index + 1)
        return Somas(self.drive_p[:, k], self.drive_n[:, k], self.supply[:, k], self.dv_t[k], self.axis, self.input_fet)

    @eqx.filter_jit
    def drives(self, v: Float[Array, "programs patterns n"]) -> Drives:
        """Gate drives that each family of synapses follows, at states v, V."""
        t = self.axis.coordinate(v)
        own = {"p": self.drive_p, "n": self.drive_n}
        drives = {polarity: series(c[:, None, None, :], t) for polarity, c in own.items()}
        return tuple(drives[polarity] for polarity in FOLLOWED)

    def supply_current(self, v: Float[Array, "programs patterns n"]) -> Float[Array, "programs patterns"]:
        """Current that the somas themselves draw, A."""
        return series(self.supply[:, None, None, :], self.axis.coordinate(v)).sum(-1)


class DieTables(eqx.Module):
    """Everything that the solver needs of one programmed die.

    Attributes:
        regions: low and high current maps of the technology.
        somas: per layer.
        matrices: per weight matrix.
        outlet: the readout synapses, one per output neuron, as a matrix of one column.
    """

    regions: tuple[Region, Region]
    somas: tuple[Somas, ...]
    matrices: tuple[DieMatrix, ...]
    outlet: DieMatrix


class LayerState(NamedTuple):
    """Solution of one layer of one die, for all programs and patterns."""

    v: Float[Array, "programs patterns n"]
    found: Bool[Array, "programs patterns n"]
    current: Float[Array, "programs patterns n"]
    supply: Float[Array, "programs patterns"]


def solve_die(
    tables: DieTables, currents: Float[Array, "programs patterns n_in"]
) -> tuple[tuple[LayerState, ...], Float[Array, "programs patterns n_out"]]:
    """States of all layers and the output currents (A) of one die.

    Compiled by the piece: layers of one shape share a compilation, and the pieces together run faster than one.
    """
    states = [input_layer(tables.somas[0], currents)]
    for index, matrix in enumerate(tables.matrices):
        drives = tables.somas[index].drives(states[-1].v)
        states.append(next_layer(tables.regions, matrix.coefficients(), drives, tables.somas[index + 1]))
    return tuple(states), readout(tables, states[-1].v)


def input_layer(somas: Somas, currents: Float[Array, "programs patterns n"]) -> LayerState:
    """States of the input somas for currents (A) driven into them."""
    return fed_layer(somas, currents, jnp.zeros_like(currents), jnp.zeros_like(currents))


@jax.jit
def fed_layer(
    somas: Somas,
    currents: Float[Array, "programs patterns n"],
    slopes: Float[Array, "programs patterns n"],
    at: Float[Array, "programs patterns n"],
) -> LayerState:
    """States of somas into which `currents` (A) flow at the voltages `at`, and `slopes` (S) more for every volt."""
    low = jnp.full(currents.shape, STATE_RANGE[0])
    high = jnp.full(currents.shape, STATE_RANGE[1])
    start = jnp.clip(state_guess(somas.input_fet, currents, somas.dv_t), low + 1e-3, high - 1e-3)
    v, found = bracketed_newton(partial(_excess, somas, currents, slopes, at), low, high, start)
    return LayerState(v, found, _taken(somas, v), somas.supply_current(v))


@jax.jit
def next_layer(
    regions: tuple[Region, Region],
    coefficients: tuple[Coefficients, Coefficients],
    drives: Drives,
    somas: Somas,
    correction: Float[Array, "programs patterns n"] | float = 0.0,
) -> LayerState:
    """States of a layer fed by synapses from sources with the given drives.

    `correction` (A) is added to the current into every neuron: the defect of the interpolated synapses
    found by solving them exactly (`refine.py`).
    """
    parts = [
        [summed_series(Region((m,)), (c,), (d,)) for m, c, d in zip(region.maps, own, drives, strict=True)]
        for region, own in zip(regions, coefficients, strict=True)
    ]
    low, high = (sum(families[1:], families[0]).at[0].add(correction) for families in parts)
    v, found, on = solve_states(
        regions, (low, high), partial(_taken, somas), partial(state_guess, somas.input_fet, dv_t=somas.dv_t)
    )
    # the positive synapses' current comes from the supply; the negative ones' was drawn by its source already
    sourced = [
        series(own[POSITIVE], region.maps[0].v.coordinate(v)) for region, own in zip(regions, parts, strict=True)
    ]
    supply = somas.supply_current(v) + jnp.where(on, sourced[1], sourced[0]).sum(-1)
    return LayerState(v, found, _taken(somas, v), supply)


def _taken(somas: Somas, v: Array) -> Array:
    return input_current(somas.input_fet, v, somas.dv_t)


def _excess(somas: Somas, currents: Array, slopes: Array, at: Array, v: Array) -> Array:
    return _taken(somas, v) - currents - slopes * (v - at)


@jax.jit
def readout(tables: DieTables, v: Float[Array, "programs patterns n"]) -> Float[Array, "programs patterns n"]:
    """Output currents, A: one positive synapse per neuron into a node held at `V_READ`."""
    current_map = tables.regions[1].maps[0]
    features = current_map.source_features(tables.somas[-1].drives(v)[0])
    at = current_map.v.basis(jnp.asarray(V_READ)) @ current_map.psi
    coefficients = tables.outlet.coefficients()[1][0][0, :, :, 0]
    return jnp.einsum("pbnm,nmk,k->pbn", features, coefficients, at)
