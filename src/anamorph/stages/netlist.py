"""Netlist: the prototype as a SPICE deck, with its deviations and the first test sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from anamorph.run_folder import RunFolder
from anamorph.stages.program import Programs
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die

ARTEFACT = "netlist/chip.cir"


@runtime_checkable
class MadeOfCircuits(Protocol):
    """What a substrate has, beside the contract, whose netlist a circuit simulator can judge."""

    def netlist_drives(self, inputs: Float[np.ndarray, "*patterns n_in"]) -> dict[str, Any]:
        """Value of every source of the netlist for input currents, A."""
        ...

    def netlist_deviations(self, die: Die) -> Float[np.ndarray, "dies fets"]:
        """Deviations of the dies in the order of the netlist's transistors, V."""
        ...

    def netlist_currents(self, voltage: Callable[[str], Any], die: Die) -> list[np.ndarray]:
        """Current into every neuron from the netlist's node voltages, A, ``[*patterns, n]`` per layer."""
        ...


def write_netlist(setup: Setup, folder: RunFolder, die: Die, programs: Programs) -> None:
    """Write the deck of die 0; nothing where the substrate has no circuit."""
    substrate = setup.substrate
    if folder.has(ARTEFACT) or not isinstance(substrate, MadeOfCircuits):
        return
    from anamorph.circuit.spice import deck

    drives = {name: float(v) for name, v in substrate.netlist_drives(np.asarray(setup.inputs[0])).items()}
    deviations = substrate.netlist_deviations(die[0])[0]
    written = deck(
        substrate.netlist(programs.prototype), setup.technology, drives, deviations,
        title=f"{setup.experiment.name} die 0",
    )  # fmt: skip
    folder.write_text(ARTEFACT, written.text)
