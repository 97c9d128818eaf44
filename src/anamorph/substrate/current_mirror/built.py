"""Chips that have only some of the synapses: which, and what that means for a program.

A synapse that does not exist is no switched-off one: it leaks nothing, loads no gate, takes no area. Inside this
folder its place in a matrix of settings holds `ABSENT`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.contract import Program, Shape

#: No setting: more than any number of bits can write.
ABSENT = 1 << 20

#: Per weight matrix, where there is a synapse, ``[n_in, n_out]``; None where there is everywhere.
Exists = tuple[Bool[np.ndarray, "_ _"], ...] | None


def check_exists(exists: Sequence[np.ndarray] | None, shape: Shape) -> Exists:
    """`exists` as a tuple. Raises `BadInput` where it does not suit the shape or leaves a neuron without input."""
    if exists is None:
        return None
    sizes = [np.shape(where) for where in exists]
    wanted = list(zip(shape, shape[1:], strict=False))
    if sizes != wanted:
        raise BadInput("synapses of another shape than the chip", where="exists", expected=str(wanted), got=str(sizes))
    found = tuple(np.asarray(where, bool) for where in exists)
    for layer, where in enumerate(found):
        if not where.any(0).all():
            neuron = int(np.argmin(where.any(0)))
            raise BadInput("a neuron that no synapse feeds", where=f"exists[{layer}]: neuron {neuron}")
    return found


def as_built(program: Program, exists: Exists) -> Program:
    """The program with `ABSENT` where the chip has no synapse."""
    if exists is None:
        return program
    settings = tuple(np.where(where, s, ABSENT) for s, where in zip(program.settings, exists, strict=True))
    return Program(program.substrate, settings)


def check_places(program: Program, exists: Exists) -> None:
    """Raises `DoesNotFit` for a weight where the chip has no synapse."""
    for index, (setting, where) in enumerate(zip(program.settings, exists or (), strict=False)):
        lost = ((setting != 0) & ~where).reshape(-1, *where.shape).any(0)
        if lost.any():
            j, k = np.argwhere(lost)[0]
            raise DoesNotFit(
                "a weight where the chip has no synapse",
                where=f"program: weight matrix {index}, from neuron {j} to {k}",
                got=f"{int(lost.sum())} such weights",
                advice="Train with the wiring that the chip was made for.",
            )


def n_synapses(exists: Exists, shape: Shape) -> int:
    """How many synapses a chip has, readouts not counted."""
    if exists is None:
        return sum(a * b for a, b in zip(shape, shape[1:], strict=False))
    return int(sum(where.sum() for where in exists))


def idle(exists: Exists, shape: Shape) -> tuple[Bool[np.ndarray, " _"], ...]:
    """Per layer, the neurons that feed nothing although they are not outputs: no measurement can see them."""
    silent = [np.zeros(n, bool) for n in shape]
    for layer, where in enumerate(exists or ()):
        silent[layer] = np.asarray(~where.any(axis=1))
    return tuple(silent)
