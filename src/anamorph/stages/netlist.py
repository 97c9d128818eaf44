"""Netlist: the prototype as a SPICE deck, with the deviations of its transistors and the first test sample."""

from __future__ import annotations

from anamorph.run_folder import RunFolder
from anamorph.stages.program import Programs
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die

ARTEFACT = "netlist/chip.cir"


def write_netlist(setup: Setup, folder: RunFolder, die: Die, programs: Programs) -> None:
    """Write the deck of die 0; nothing where the substrate has no circuit."""
    substrate = setup.substrate
    if folder.has(ARTEFACT) or not getattr(substrate, "has_netlist", True):
        return
    from anamorph.circuit.spice import deck

    drives = {name: float(v) for name, v in substrate.netlist_drives(setup.inputs[0]).items()}
    deviations = substrate.netlist_deviations(die[0])[0]
    written = deck(
        substrate.netlist(programs.prototype), setup.technology, drives, deviations,
        title=f"{setup.experiment.name} die 0",
    )  # fmt: skip
    folder.write_text(ARTEFACT, written.text)
