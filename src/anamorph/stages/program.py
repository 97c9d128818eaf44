"""Program: trained weights become the integer settings that are written to the chips."""

from __future__ import annotations

from dataclasses import dataclass

from anamorph.characterise.transfer import Transfer
from anamorph.network.train import Trained
from anamorph.run_folder import RunFolder
from anamorph.stages.record import Integers, Record
from anamorph.stages.setup import Setup
from anamorph.stages.train import TrainedRecord, TrainingRecord
from anamorph.substrate.contract import Program, Substrate


def program(substrate: Substrate, trained: Trained, transfer: Transfer) -> Program:
    """The settings of trained weights, one program per chip that `transfer` describes."""
    return substrate.program(trained.weights, transfer)


class ProgramRecord(Record):
    """`Program` as JSON: settings ``[dies, 1, n_in, n_out]`` per weight matrix."""

    substrate: str
    settings: tuple[Integers, ...]

    @classmethod
    def load_checked(cls, folder: RunFolder, name: str, substrate: Substrate) -> Program:
        """Read a program, and make sure that `substrate` can carry it."""
        record = cls.load(folder, name)
        found = Program(record.substrate, record.settings)
        substrate.check_program(found)
        return found


@dataclass(frozen=True)
class Programs:
    """One program per die, and one that serves all of them."""

    compensated: Program
    uncompensated: Program

    @property
    def prototype(self) -> Program:
        """The compensated program of die 0, without an axis of dies."""
        return Program(self.compensated.substrate, tuple(s[0, 0] for s in self.compensated.settings))


def program_both(setup: Setup, folder: RunFolder, training: TrainingRecord, transfer: Transfer) -> Programs:
    """Both programs; kept in the folder's ``program/``."""
    known = {"compensated": lambda: transfer, "uncompensated": setup.substrate.assumed_transfer}
    found = []
    for name, through in known.items():
        file = f"program/{name}.json"
        if not folder.has(file):
            trained: TrainedRecord = getattr(training, name)
            made = program(setup.substrate, trained.value(), through())
            ProgramRecord(substrate=made.substrate, settings=made.settings).save(folder, file)
        found.append(ProgramRecord.load_checked(folder, file, setup.substrate))
    return Programs(*found)
