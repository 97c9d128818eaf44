"""A layer through its transistors, with its exact derivative: what training may use in place of power laws.

The fed neuron's voltage v is where its input transistor takes what its synapses give (`circuit/feedforward.py`),

    F(v; w, d) = i_in(v) - sum_j i(w_jk, d_j, v) = 0,    d_j the gate drives of source j,

and its derivative by anything is that of the implicit function, ``dv = -dF / (dF/dv)``. It comes here from one Newton
step at the solution, whose place is held fixed: the step is zero, its derivative is that.

Weights between two levels. A synapse of weight w gives the current of its nearest setting c, times w over the weight
of c without deviations: the mirrors of a deviated synapse do just that in weak inversion. So the same layer serves a
nominal chip, weights that deviate at random, and a chip whose synapses were measured one by one. At a weight of
zero the derivative is the mean of that of the first positive and of the first negative unit.

All cells are the nominal ones. What is known of a chip are the slopes of its neurons and the strengths of its synapses,
as in every `Transfer`; no die is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.characterise.transfer import Transfer
from anamorph.circuit.feedforward import solve_states
from anamorph.circuit.interpolation import series
from anamorph.substrate.current_mirror.cell_functions import CellFunctions, Family
from anamorph.substrate.current_mirror.stage import Stage, input_current, state_guess

#: Patterns solved together where there are more, so that a whole training set fits in memory.
CHUNK = 500


class TransistorTransfer(Transfer):
    """A `Transfer` whose layers are computed by the transistors of the cells.

    Attributes:
        negative_units: weight of a negative unit that is as strong as a nominal one, ``[dies, weight matrices]``.
        full_scale: input current of a value of 1, A.
    """

    negative_units: Float[Array, "dies matrices"] = eqx.field(kw_only=True)
    full_scale: float = eqx.field(static=True, kw_only=True)

    @classmethod
    def of(cls, transfer: Transfer, full_scale: float, nominal_unit: float, unit_weight: float) -> TransistorTransfer:
        """What is known of chips, joined by what their transistors do at a full scale (A).

        Args:
            transfer: measured or assumed.
            full_scale: see the class.
            nominal_unit: strength of a negative unit relative to a positive one, of cells without deviations.
            unit_weight: weight of a positive unit.
        """
        units = np.full((transfer.n_dies, len(transfer.activations) - 1), unit_weight * nominal_unit)
        negative = [index for index, setting in enumerate(transfer.synapse_settings) if setting < 0]
        for matrix, strengths in enumerate(transfer.synapses or ()):
            steps = -sum(transfer.synapse_settings[index] for index in negative)
            units[:, matrix] = unit_weight * np.asarray(strengths)[:, negative].sum(1).mean((1, 2)) / steps
        return cls(
            transfer.activations, transfer.negative_unit, transfer.exponents, transfer.source, transfer.synapses,
            transfer.synapse_settings, negative_units=jnp.asarray(units), full_scale=full_scale,
        )  # fmt: skip

    def select(self, shape: tuple[int, ...]) -> TransistorTransfer:
        """See `Transfer.select`."""
        part = super().select(shape)
        return TransistorTransfer(
            part.activations, part.negative_unit, part.exponents, part.source, part.synapses, part.synapse_settings,
            negative_units=self.negative_units, full_scale=self.full_scale,
        )  # fmt: skip


class TransistorLayers:
    """Layers of cells without deviations.

    Args:
        stage: of the technology.
        gains: current that a unit synapse passes on over that of its source, and the same of the readout. They set the
            units in which a layer answers, so that its numbers are near those of the power laws.
        unit_weight: weight of a positive unit.
    """

    def __init__(self, stage: Stage, gains: tuple[float, float], unit_weight: float) -> None:
        self.stage, self.unit_weight = stage, unit_weight
        self.cells = CellFunctions.of(stage)
        self.step, self.readout_gain = gains[0] / unit_weight, gains[1]

    def layer(
        self,
        transfer: TransistorTransfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
        last: bool,
    ) -> Float[Array, "patterns n_out"]:
        """As `Substrate.layer`: currents of the neurons in units of their layer, of the last one its readouts'."""
        slope = transfer.activations[index].slope
        if weights is None:
            return slope * jnp.maximum(x, 0)
        own = partial(self._currents, weights, transfer.negative_units[index - 1], self._unit(transfer, index - 1))
        found = _chunked(partial(own, last=last), x)
        return slope * (found / self._unit(transfer, index)).astype(x.dtype)

    def _unit(self, transfer: TransistorTransfer, index: int) -> float:
        """Current of a value of 1 in layer `index`, A."""
        return transfer.full_scale * self.step**index

    def _currents(self, weights: Array, negative_unit: Array, unit: float, x: Array, last: bool) -> Array:
        basis = self.cells.source.basis(x * unit)
        strengths = _strengths(self.cells.regions, weights, self.unit_weight, negative_unit)
        low, high = (
            sum(family.series(basis, s) for family, s in zip(region, own, strict=True))
            for region, own in zip(self.cells.regions, strengths, strict=True)
        )
        v = self._fed_states(jnp.asarray(low, float), jnp.asarray(high, float))
        current = self._taken(v)
        return self.cells.output(current) / self.readout_gain if last else current

    def _taken(self, v: Array) -> Array:
        return input_current(self.stage.input_fet, v, jnp.zeros(()))

    def _fed_states(self, low: Float[Array, "nv patterns n"], high: Float[Array, "nv patterns n"]) -> Array:
        """Voltages at which the neurons take what the synapses give, V; the series are in the two regions."""
        regions = self.stage.regions
        given = jax.lax.stop_gradient((low[:, None], high[:, None]))
        guess = partial(state_guess, self.stage.input_fet, dv_t=jnp.zeros(()))
        v, found, on = (a[0] for a in solve_states(regions, given, self._taken, guess))
        places = [region.maps[0].v.coordinate(v) for region in regions]

        def fed(at: Array) -> Array:
            at_low, at_high = (region.maps[0].v.coordinate(at) for region in regions)
            return jnp.where(on, series(given[1][:, 0], at_high), series(given[0][:, 0], at_low))

        received = jnp.where(on, series(high, places[1]), series(low, places[0]))
        return _one_step(v, found, self._taken, fed, received)


def _one_step(
    v: Array, found: Array, taken: Callable[[Array], Array], fed: Callable[[Array], Array], received: Array
) -> Array:
    """The solution v of ``taken(v) = fed(v)`` with its derivative by `received`, which is fed(v) with v held fixed."""
    ones = jnp.ones_like(v)
    (now, rise), (_, follows) = jax.jvp(taken, (v,), (ones,)), jax.jvp(fed, (v,), (ones,))
    # where nothing was found nothing is followed: a slope of one keeps what is not used finite
    slope = jnp.where(found, rise - follows, 1.0)
    now, slope, v = jax.lax.stop_gradient((now, slope, v))
    return jnp.where(found, v + (received - now) / slope, v)


def _strengths(
    regions: tuple[tuple[Family, ...], ...], weights: Array, unit: float, negative_unit: Array
) -> list[tuple[Array, ...]]:
    """Per region and family, weights in units times the shares of their settings, ``[n_in, n_out, R]``."""
    units = jnp.where(weights < 0, negative_unit, unit)
    largest = len(regions[0][0].shares)
    size = jnp.clip(jnp.round(jax.lax.stop_gradient(jnp.abs(weights) / units)), 0, largest).astype(int)
    row = jnp.maximum(size, 1) - 1
    amounts = (jnp.maximum(weights, 0) / unit, jnp.maximum(-weights, 0) / negative_unit)
    found = []
    for region in regions:
        on = [
            amount[..., None] * family.shares[row].astype(weights.dtype)
            for family, amount in zip(region, amounts, strict=False)
        ]
        off = jnp.where((size == 0)[..., None], region[-1].shares[0], 0.0).astype(weights.dtype)
        found.append((*on, off))
    return found


def _chunked(function: Callable[[Array], Array], x: Float[Array, "patterns n"]) -> Float[Array, "patterns m"]:
    """`function` of a few patterns at a time."""
    count = len(x)
    if count <= CHUNK:
        return function(x)
    pieces = jnp.pad(x, ((0, -count % CHUNK), (0, 0))).reshape(-1, CHUNK, x.shape[1])
    found = jax.lax.map(function, pieces)
    return found.reshape(-1, found.shape[-1])[:count]
