"""Cost: what an inference on the prototype takes in joules, seconds and square metres."""

from __future__ import annotations

import dataclasses

from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.run_folder import RunFolder
from anamorph.stages.dynamics import Waveforms, dynamics
from anamorph.stages.program import Programs
from anamorph.stages.record import Record
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die, Program, Response, Substrate

ARTEFACT = "cost.json"


def cost(substrate: Substrate, program: Program, response: Response) -> CostSheet:
    """The cost sheet of one program, given what a die answered with it."""
    return substrate.cost(program, response)


class LineRecord(Record):
    """`CostLine` as JSON."""

    quantity: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    basis: str
    source: str
    n: int | None = None


class CostRecord(Record):
    """The cost sheet of the prototype, and the waveforms it was read from, where there are any."""

    lines: tuple[LineRecord, ...]
    waveforms: Waveforms | None = None
    warnings: tuple[str, ...] = ()


def cost_of_prototype(setup: Setup, folder: RunFolder, die: Die, programs: Programs) -> CostRecord:
    """What die 0 costs with its own program and the test samples; kept in the folder."""
    if folder.has(ARTEFACT):
        return CostRecord.load(folder, ARTEFACT)
    response = die[0].run(programs.prototype, setup.inputs)
    lines = {line.quantity: line for line in cost(setup.substrate, programs.prototype, response).lines}
    found = dynamics(setup, die[0], programs.prototype)
    if found is not None:
        lines |= {line.quantity: line for line in found.lines}
    record = CostRecord(
        lines=tuple(_record(line) for line in lines.values()),
        waveforms=found.waveforms if found is not None else None,
        warnings=found.warnings if found is not None else (),
    )
    record.save(folder, ARTEFACT)
    return record


def _record(line: CostLine) -> LineRecord:
    values = dataclasses.asdict(line)
    for name in ("value", "low", "high"):
        if values[name] is not None:
            values[name] = None if values[name] != values[name] else float(values[name])
    return LineRecord(**values)
