"""The main idea, in order: measure a chip, train through the measurement, program it back, prove it, cost it.

    card -> device -> cell -> die -> measure -> transfer -> train -> program -> verify -> cost -> report

`closed_loop` is that line as code. Each stage is a function of its own (`anamorph.fabricate`, `characterise`,
`fit`, `train`, `program`, `verify`, `cost`); here they are joined, and what each leaves is kept in the
run folder, so that a run which was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anamorph.characterise.characterisation import Characterisation
from anamorph.stages import characterise as measuring
from anamorph.stages.cost import cost_of_prototype
from anamorph.stages.fabricate import fabricate
from anamorph.stages.netlist import write_netlist
from anamorph.stages.program import program_both
from anamorph.stages.report import write_page
from anamorph.stages.result import check_provenance, metrics, warnings, write_result
from anamorph.stages.setup import Setup
from anamorph.stages.train import train_both
from anamorph.stages.verify import verify_all

if TYPE_CHECKING:
    from anamorph.run_folder import RunFolder


def closed_loop(setup: Setup, folder: RunFolder) -> Iterator[str]:
    """Run the stages of `anamorph.stages.drive.STAGES`. Yields the name of each as it begins.

    A consumer that stops asking stops the run there; what is done is in the folder.
    """
    check_provenance(setup, folder)
    substrate = setup.substrate

    yield "fabricate"  # hidden truth: from here on only `measure` and `run` look at it
    die = fabricate(substrate, setup.key("fabricate"), setup.experiment.chip.dies)

    yield "characterise"
    measured = folder.keep(
        measuring.ARTEFACT,
        lambda: measuring.characterise(substrate, die, setup.bench, setup.key("characterise")),
        Characterisation.save,
        Characterisation.load,
    )
    measuring.check_same(measured, die)

    yield "fit"
    transfer = measuring.fit(substrate, measured)

    yield "train"  # sees the transfer, never the die
    training = train_both(setup, folder, transfer)

    yield "program"
    programs = program_both(setup, folder, training, transfer)
    write_netlist(setup, folder, die, programs)

    yield "verify"
    verdicts = verify_all(setup, folder, die, programs, transfer)

    yield "cost"
    cost = cost_of_prototype(setup, folder, die, programs)

    yield "report"
    found = metrics(setup, transfer, verdicts, cost)
    said = [*warnings(setup, transfer, found, verdicts.compensated), *cost.warnings]
    write_page(setup, folder, measured, transfer, training, verdicts, cost, found, said)
    write_result(setup, folder, found, said)
