"""Verify: run the test samples through the programmed dies at the highest fidelity and judge the answers."""

from __future__ import annotations

from anamorph.characterise.transfer import Transfer
from anamorph.run_folder import RunFolder
from anamorph.stages.program import Programs
from anamorph.stages.record import Floats, Integers, Record
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Chip, Die, Program
from anamorph.verify.verdict import Above, Verdict, verify

ARTEFACT = "verdict.json"


class VerdictRecord(Record):
    """`Verdict` as JSON."""

    accuracy: Floats
    predictions: Integers
    outputs: Floats
    unconverged: int
    accuracy_min: float
    n_passed: int
    yield_low: float
    yield_high: float
    confidence: float
    above: Above = Above()

    def value(self) -> Verdict:
        """The verdict."""
        return Verdict(**{name: getattr(self, name) for name in type(self).model_fields})


class Verdicts(Record):
    """Dies with their own programs, dies with one program, die 0's program on a die without mismatch."""

    compensated: VerdictRecord
    uncompensated: VerdictRecord
    ideal: VerdictRecord


def verify_all(setup: Setup, folder: RunFolder, die: Die, programs: Programs, transfer: Transfer) -> Verdicts:
    """The three verdicts of a run; kept in the folder. Currents above those of the `transfer` are counted."""
    if folder.has(ARTEFACT):
        return Verdicts.load(folder, ARTEFACT)
    section, task = setup.experiment.verify, setup.task
    limits = [activation.domain[1] for activation in transfer.activations]

    def judge(chip: Chip, program: Program) -> VerdictRecord:
        verdict = verify(
            chip, program, setup.inputs, task.y_test, task.n_classes, section.accuracy_min, section.confidence, limits
        )
        return VerdictRecord(**{name: getattr(verdict, name) for name in VerdictRecord.model_fields})

    verdicts = Verdicts(
        compensated=judge(die, programs.compensated),
        uncompensated=judge(die, programs.uncompensated),
        ideal=judge(setup.substrate.nominal(), programs.prototype),
    )
    verdicts.save(folder, ARTEFACT)
    return verdicts
