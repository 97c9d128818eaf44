"""The second opinion: the prototype in ngspice, every neuron's current compared with ours.

Three answers to the same samples: the substrate's own `run`, the general solver on the netlist, and ngspice
on the same netlist. The general solver's node voltages serve ngspice as a starting point only: it iterates
until its own equations hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.errors import BadInput
from anamorph.experiment import load
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.stages.fabricate import fabricate
from anamorph.stages.netlist import MadeOfCircuits
from anamorph.stages.program import ProgramRecord
from anamorph.stages.record import Record
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Program

ARTEFACT = "spice.json"
#: Test samples compared; each is an ngspice run of the whole chip.
PATTERNS = 3
#: Largest relative difference of a current, and the magnitude above which it is judged, A.
TOLERANCE, CURRENT_MIN = 1e-3, 1e-11


class SpiceComparison(Record):
    """Currents into every neuron of die 0, A, ``[patterns * neurons]``, and how far they are apart.

    `worst` is the largest relative difference between ngspice and the general solver, `worst_fast` that
    between ngspice and the substrate's own `run`, both over currents of at least `current_min`.
    """

    version: str
    names: tuple[str, ...]
    ours: tuple[float, ...]
    fast: tuple[float, ...]
    ngspice: tuple[float, ...]
    n_patterns: int
    n_compared: int
    tolerance: float
    current_min: float
    worst: float
    worst_fast: float
    worst_at: str

    @property
    def agrees(self) -> bool:
        """Whether the judge agrees with the general solver."""
        return self.worst <= self.tolerance


def compare_run(path: Path) -> SpiceComparison:
    """Compare die 0 of a run folder with ngspice; writes `spice.json`.

    Raises:
        BadInput: ngspice is absent, or the substrate has no circuit.
        NotConverged: a simulator found no operating point.
    """
    version = ngspice.available()
    if version is None:
        raise BadInput("ngspice was not found on the path", where="verify --spice", advice=ngspice.ADVICE)
    setup = Setup.of(load(path / EXPERIMENT))
    if not isinstance(setup.substrate, MadeOfCircuits):
        raise BadInput("this substrate has no circuit to compare", where="verify --spice", got=setup.substrate.name)
    with RunFolder(path) as folder:
        compensated = ProgramRecord.load_checked(folder, "program/compensated.json", setup.substrate)
        prototype = Program(compensated.substrate, tuple(s[0, 0] for s in compensated.settings))
        found = compare(setup, prototype, version)
        found.save(folder, ARTEFACT)
    return found


def compare(setup: Setup, program: Program, version: str) -> SpiceComparison:
    """All three simulators on the first test samples."""
    substrate: Any = setup.substrate
    die = fabricate(substrate, setup.key("fabricate"), 1)
    inputs = np.asarray(setup.inputs[:PATTERNS])
    cell, deviations = substrate.netlist(program), substrate.netlist_deviations(die)[0]
    drives = substrate.netlist_drives(inputs)
    solved = operating_point(compile_cell(cell, setup.technology), drives, deviations).require_converged()
    judged = ngspice.operating_points(cell, setup.technology, drives, deviations, start=np.asarray(solved.voltages))
    response = die.run(program, setup.inputs[:PATTERNS])
    ours, theirs = (substrate.netlist_currents(v, die) for v in (solved.voltage, judged.voltage))
    fast = [np.asarray(layer)[0, 0] for layer in response.neuron_currents or ours]
    names = [
        f"sample {p}, layer {layer}, neuron {j}"
        for layer, values in enumerate(ours) for p in range(len(inputs)) for j in range(values.shape[-1])
    ]  # fmt: skip
    flat = [np.concatenate([np.asarray(layer).ravel() for layer in found]) for found in (ours, fast, theirs)]
    return _judge(names, *flat, version=version, n_patterns=len(inputs))


def _judge(
    names: list[str], ours: np.ndarray, fast: np.ndarray, theirs: np.ndarray, *, version: str, n_patterns: int
) -> SpiceComparison:
    large = np.abs(theirs) >= CURRENT_MIN
    scale = np.where(large, np.abs(theirs), np.inf)
    apart = [np.abs(mine - theirs) / scale for mine in (ours, fast)]
    worst = int(np.argmax(apart[0]))
    return SpiceComparison(
        version=version,
        names=tuple(names),
        ours=tuple(ours.tolist()),
        fast=tuple(fast.tolist()),
        ngspice=tuple(theirs.tolist()),
        n_patterns=n_patterns,
        n_compared=int(large.sum()),
        tolerance=TOLERANCE,
        current_min=CURRENT_MIN,
        worst=float(apart[0][worst]),
        worst_fast=float(apart[1].max()),
        worst_at=names[worst],
    )
