"""What the transients ask of a current-mirror chip: said here, so that they need not know the class that asks them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from anamorph.circuit.netlist import Cell
from anamorph.substrate.contract import Die, Program, Shape
from anamorph.substrate.current_mirror.built import Exists
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.technology import Technology


@runtime_checkable
class MirrorChip(Protocol):
    """See `CurrentMirror`, which is one."""

    shape: Shape
    technology: Technology
    exists: Exists
    v_dd: float

    def check_program(self, program: Program) -> None:
        """Raises for a program that the chip cannot carry."""
        ...

    def as_built(self, program: Program) -> Program:
        """The program with the places marked that have no synapse."""
        ...

    def netlist(self, program: Program) -> Cell:
        """The chip with its bits hard-wired."""
        ...

    def netlist_deviations(self, die: Die) -> Float[np.ndarray, "dies fets"]:
        """Deviations of the dies in the order of the netlist's transistors, V."""
        ...

    def netlist_drives(self, inputs: Float[np.ndarray, "*patterns n_in"]) -> dict[str, Any]:
        """Value of every source of the netlist for input currents (A)."""
        ...


@runtime_checkable
class TabulatedChip(MirrorChip, Protocol):
    """One whose cells are tabulated for the feedforward solver."""

    @property
    def stage(self) -> Stage:
        """Soma and synapse, tabulated."""
        ...
