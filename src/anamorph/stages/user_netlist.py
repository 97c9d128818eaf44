"""The trained chip of a run folder as a netlist for the user's own simulator and transistor models."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.circuit.bit_sources import bits_as_sources
from anamorph.circuit.dialect import Dialect, dialect
from anamorph.circuit.foundry import netlist
from anamorph.circuit.netlist import Cell
from anamorph.circuit.pdk import Include, Models
from anamorph.errors import BadInput, nearest
from anamorph.experiment import load
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.stages.fabricate import fabricate
from anamorph.stages.netlist import MadeOfCircuits
from anamorph.stages.program import ProgramRecord
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Program

#: The program of each die, as `anamorph.stages.program` leaves it.
PROGRAM = "program/compensated.json"


def _wired(cell: Cell, drives: Mapping[str, float]) -> tuple[Cell, dict[str, float]]:
    return cell, dict(drives)


#: How the switch bits are written: the netlist and its drives become others.
BITS: Mapping[str, Callable[[Cell, Mapping[str, float]], tuple[Cell, dict[str, float]]]] = {
    "wired": _wired,
    "sources": bits_as_sources,
}


@dataclass(frozen=True)
class Wish:
    """What the user wants written.

    Attributes:
        dialect: of the simulator.
        bits: of `BITS`.
        models: names of the transistors.
        includes: where they are.
        die: whose program, and whose deviations; None for die 0's program without deviations.
        manner: how deviations are written, of `anamorph.circuit.foundry.MANNERS`.
    """

    dialect: Dialect = field(default_factory=lambda: dialect("ngspice"))
    bits: str = "wired"
    models: Models = field(default_factory=Models)
    includes: tuple[Include, ...] = ()
    die: int | None = None
    manner: str = "delvto"


def write_user_netlist(path: Path, wish: Wish, out: Path | None = None) -> Path:
    """Write the netlist of a run folder's program; by default below its ``netlist/``.

    Args:
        path: a run folder in which the stage ``program`` is done.
        wish: what to write.
        out: the file to write instead; an existing one is replaced.

    Returns:
        The file.

    Raises:
        BadInput: no run folder, nothing programmed yet, a substrate without a circuit, no such die.
    """
    if not (path / EXPERIMENT).is_file():
        raise BadInput("not a run folder", where=str(path), expected=f"a folder that holds {EXPERIMENT}")
    if wish.bits not in BITS:
        raise BadInput(f"no style '{wish.bits}' of bits", where="bits", advice=nearest(wish.bits, BITS))
    setup = Setup.of(load(path / EXPERIMENT))
    if not isinstance(setup.substrate, MadeOfCircuits):
        raise BadInput("this substrate has no circuit to write", where=str(path), got=setup.substrate.name)
    if out is not None and not out.parent.is_dir():
        raise BadInput("no such folder", where=str(out.parent))
    with RunFolder(path) as folder:
        if not folder.has(PROGRAM):
            raise BadInput("nothing is programmed yet", where=str(path), advice=f"Run: anamorph program {path}")
        program = ProgramRecord.load_checked(folder, PROGRAM, setup.substrate)
        text = _text(setup, program, wish)
        if out is None:
            return folder.write_text(f"netlist/user{wish.dialect.suffix}", text)
    return write_out(out, text)


def write_out(out: Path, text: str) -> Path:
    """Write a file outside of a run folder, whole or not at all."""
    partial = out.with_name(f".partial-{out.name}")
    try:
        partial.write_text(text)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def _text(setup: Setup, program: Program, wish: Wish) -> str:
    substrate: Any = setup.substrate
    dies = setup.experiment.chip.dies
    if wish.die is not None and not 0 <= wish.die < dies:
        raise BadInput("no such die", where="die", expected=f"0 to {dies - 1}, or none", got=str(wish.die))
    which = wish.die or 0
    own = Program(program.substrate, tuple(s[min(which, len(s) - 1), 0] for s in program.settings))
    inputs = np.asarray(setup.inputs[0])
    drives = {name: float(value) for name, value in substrate.netlist_drives(inputs).items()}
    cell, drives = BITS[wish.bits](substrate.netlist(own), drives)
    deviations = None
    if wish.die is not None:
        # die i depends on the key and on i alone
        die = fabricate(substrate, setup.key("fabricate"), wish.die + 1)
        deviations = substrate.netlist_deviations(die[wish.die])[0]
    title = f"{setup.experiment.name} program of die {which} {'without' if deviations is None else 'its'} deviations"
    outputs = [name for name in drives if name.startswith("out_")]
    return netlist(
        cell, wish.dialect, wish.models, drives, includes=wish.includes, deviations=deviations,
        manner=wish.manner, saved=["vdd", *outputs], title=title,
    ).text  # fmt: skip
