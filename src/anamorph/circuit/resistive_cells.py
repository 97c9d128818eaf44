"""Cells whose current is not proportional to their voltage, in an array with wires.

Every cell is a conductance G, its slope averaged over the inputs, with a current source beside it that makes up the
difference, ``J = f(V) - G V``. The ohmic network with these sources gives new voltages, these give new sources. What
wires do is a small part of a cell's voltage, so each round gains a digit or more, for all inputs with one elimination.
Where it does not, Newton's method linearises every cell where it stands, with one elimination per input and step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.line_network import Lines
from anamorph.circuit.resistive_array import ResistiveArray
from anamorph.errors import BadInput, NotConverged

#: Rounds with the one elimination, and Newton steps for the inputs that need them.
ROUNDS, NEWTON_STEPS = 40, 30
#: A round that leaves more than this part of the imbalance is not worth another.
SLOW = 0.7
CellCurrent = Callable[[Float[Array, "..."]], Float[Array, "..."]]


def solve_cells(
    array: ResistiveArray,
    current: CellCurrent,
    v: Float[Array | np.ndarray, "..."],
    v_sense: Float[Array | np.ndarray, "..."] | float = 0.0,
    *,
    tolerance: float = 1e-9,
) -> Lines:
    """`ResistiveArray.voltages` for cells that carry ``current(w - u)``, a function of voltage, instead of ohmic ones.

    The array's own conductances only give the point to start from. Most arrays take a few rounds on one elimination;
    inputs for which that is too far off get Newton steps, each with its own elimination.

    Args:
        array: the wires, and conductances to start from.
        current: A for V, elementwise on arrays ``[*stack, inputs, rows, cols]``; rising, so that there is one solution.
        v: inputs, as of `ResistiveArray.voltages`.
        v_sense: as of `ResistiveArray.voltages`.
        tolerance: largest imbalance of a cell's current, relative to the largest current of any cell.

    Raises:
        BadInput: cells whose current falls with voltage.
        NotConverged: some input needs more iterations than there are.
    """
    array = _centred(array, current, array.voltages(v, v_sense))
    g = jnp.asarray(array.conductance)[..., None, :, :]
    lines = array.voltages(v, v_sense)
    worst = np.full(lines.output.shape[:-1], np.inf)
    for _ in range(ROUNDS):
        drop = lines.word - lines.bit
        off = _imbalance(current(drop), lines.cell)
        if (off <= tolerance).all():
            return lines
        if not (off < SLOW * worst)[off > tolerance].any():
            break
        worst = off
        lines = array.voltages(v, v_sense, current(drop) - g * drop)
    return _newton(array, current, v, v_sense, tolerance)


def _centred(array: ResistiveArray, current: CellCurrent, lines: Lines) -> ResistiveArray:
    """The array with the mean slope of its cells over the inputs, about where ohmic cells stand."""
    drop = lines.word - lines.bit
    slope = jax.jvp(current, (drop,), (jnp.ones_like(drop),))[1].mean(-3)
    if not bool(jnp.isfinite(slope).all() & (slope >= 0).all()):
        raise BadInput(
            "a cell's current does not rise with its voltage", where="current",
            expected="a finite slope of zero or more", got=f"{float(jnp.nanmin(slope)):.3g} S",
        )  # fmt: skip
    return replace(array, conductance=slope)


def _imbalance(wanted: Float[Array, "..."], found: Float[Array, "..."]) -> np.ndarray:
    """How far the cells' currents are from what the network has, relative to the largest; for each input."""
    largest = jnp.max(jnp.abs(wanted), axis=(-1, -2))
    off = jnp.max(jnp.abs(wanted - found), axis=(-1, -2))
    return np.asarray(jnp.where(off > 0, off / jnp.where(largest > 0, largest, 1.0), 0.0))


def _newton(
    array: ResistiveArray,
    current: CellCurrent,
    v: Float[Array | np.ndarray, "..."],
    v_sense: Float[Array | np.ndarray, "..."] | float,
    tolerance: float,
) -> Lines:
    """Newton's method from the ohmic network's voltages: every input has its own slopes, and so its own array."""
    lines = array.voltages(v, v_sense)
    count, (rows, cols) = lines.output.shape[-2], array.shape
    inputs = jnp.broadcast_to(jnp.asarray(v, float), (*array.stack, count, rows))[..., None, :]
    held = jnp.broadcast_to(jnp.asarray(v_sense, float), (*array.stack, count, cols))[..., None, :]
    drop = lines.word - lines.bit
    for _ in range(NEWTON_STEPS):
        value, slope = jax.jvp(current, (drop,), (jnp.ones_like(drop),))
        linear = replace(array, conductance=slope)
        found = linear.voltages(inputs, held, (value - slope * drop)[..., None, :, :])
        lines = Lines(*(x.squeeze(len(array.stack) + 1) for x in found))
        drop = lines.word - lines.bit
        off = _imbalance(current(drop), lines.cell)
        failed = int(np.count_nonzero(~(off <= tolerance)))
        if not failed:
            return lines
    raise NotConverged(
        f"{failed} of {off.size} inputs of an array did not converge",
        expected=f"imbalance of any cell below {tolerance:g} of the largest current", got=f"{np.nanmax(off):.2g}",
        advice="Take an array conductance near the cells' own at these voltages; currents must rise with voltage.",
    )  # fmt: skip
