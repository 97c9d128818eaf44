r"""From weights to the currents of cells: pairs, writing, drift, temperature, and what wires take.

A weight w is a pair of cells with ``c = b + (1 - b) max(0, +-w)`` times the largest current, b the smallest that a
cell is tuned to. Currents below are in units of the largest, ``[lines, rows, columns]``, plus line first.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.circuit.line_network import shared_resistance
from anamorph.circuit.resistive_array import ResistiveArray
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.magnitudes import Magnitudes

#: Input that source lines are reckoned with: their voltage depends on all inputs, of which this is the mean.
ACTIVITY = 0.5
#: No cell conducts less, in units of the largest current.
LEAST = 1e-9
#: Powers of a voltage that a passive cell's current is made of; the next adds under 1e-5 for beta V < 1.
POWERS = (1, 3, 5, 7)


def targets(weights: Float[Array, "rows columns"], base: Any) -> Float[Array, "lines rows columns"]:
    """Currents that the pairs are to be written to."""
    plus, minus = jnp.maximum(weights, 0), jnp.maximum(-weights, 0)
    return base + (1 - base) * jnp.stack([plus, minus])


def written(
    wanted: Float[Array, "lines rows columns"], m: Magnitudes, die: VmmDie
) -> Float[Array, "lines rows columns"]:
    """Currents after writing, by now, at the temperature of use: ``(c + error) e^drift``, to a power."""
    # a current cannot be negative; far below its smallest target it stays
    now = jnp.maximum(wanted + (m.tuning * wanted + m.tuning_floor) * die.tuning, LEAST) * jnp.exp(m.drift * die.drift)
    return now**m.exponent


def kept(currents: Float[Array, "lines rows columns"], m: Magnitudes, active: bool, exact: bool) -> Any:
    """Share of every cell's current (active), or of the voltage across it (passive), that resistances leave it.

    *Passive cells* with their wires are a linear map of the inputs: its share is exact (`ResistiveArray`, one
    elimination for any number of inputs), or nearly so, ``1 / (1 + loss)`` with the losses in word and bit line added,
    which is quick enough for training. Plus and minus lines lie side by side.

    *Active cells'* gates take no current; what counts is the voltage of the source line, grounded at its end, with
    all inputs at their mean, ``exp(-V / U_T)``.
    """
    lines, rows, columns = currents.shape
    if active:
        beside = shared_resistance(rows, 1.0, 1.0, "end")
        rise = ACTIVITY * jnp.einsum("ik,lkj->lij", beside.astype(currents.dtype), currents)
        return jnp.exp(-m.rise * rise)
    side_by_side = jnp.moveaxis(currents, 0, -1).reshape(rows, lines * columns)
    if exact:
        # a wire to the first cell and from the last one has the length of those between
        array = ResistiveArray(side_by_side, m.word, m.bit, r_driver=m.word, r_sense=m.bit + m.sense)
        share = array.effective_conductance() / side_by_side
    else:
        word = shared_resistance(lines * columns, m.word, m.word, "start").astype(currents.dtype)
        bit = shared_resistance(rows, m.bit, m.bit + m.sense, "end").astype(currents.dtype)
        share = 1 / (1 + side_by_side @ word + bit @ side_by_side)
    return jnp.moveaxis(share.reshape(rows, columns, lines), -1, 0)


def bent(curvature: Any) -> list[Any]:
    """Coefficients of `POWERS` of a voltage in the current, ``sinh(k z) / sinh(k)``, in units of both at full input."""
    parts = [curvature ** (p - 1) / math.factorial(p) for p in POWERS]
    return [part / sum(parts) for part in parts]
