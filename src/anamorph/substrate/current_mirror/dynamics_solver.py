"""Which transient answers for a chip: the flat netlist's, or the cascade's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anamorph.errors import BadInput, nearest
from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.built import n_synapses
from anamorph.substrate.current_mirror.dynamics import Dynamics, dynamics
from anamorph.substrate.current_mirror.fast_dynamics import fast_dynamics
from anamorph.substrate.current_mirror.mirror_chip import MirrorChip

#: Synapses up to which "auto" takes the general transient: 40-20-10, tens of seconds for tens of patterns.
GENERAL_SYNAPSES = 1000
SOLVERS: dict[str, Callable[..., Dynamics]] = {"general": dynamics, "cascade": fast_dynamics}


def solve_dynamics(
    substrate: MirrorChip, die: Die, program: Program, *arguments: Any, solver: str = "auto", **options: Any
) -> Dynamics:
    """Time and energy of decisions by ``solver``: "general", "cascade", or "auto", by the number of synapses.

    Other arguments are those of `dynamics.dynamics` and `fast_dynamics.fast_dynamics`, which are the same.

    Raises:
        BadInput: an unknown solver, and what the solvers raise.
    """
    return SOLVERS[choose(substrate, solver)](substrate, die, program, *arguments, **options)


def choose(substrate: MirrorChip, solver: str) -> str:
    """The solver that answers to a name; see `solve_dynamics`."""
    if solver == "auto":
        synapses = n_synapses(substrate.exists, substrate.shape)
        return "general" if synapses <= GENERAL_SYNAPSES else "cascade"
    if solver not in SOLVERS:
        raise BadInput(f"no solver '{solver}'", where="solver", advice=nearest(solver, ("auto", *SOLVERS)))
    return solver
