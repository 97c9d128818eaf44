"""Many dies one by one: each measured, trained for, programmed and verified by itself, and kept as soon as it is done.

`flow.closed_loop` takes all dies through one stage after the other, which needs memory for all of them and loses a
stage when it is stopped. This is a campaign (`anamorph.campaign`) with one point per die: it needs memory for one, and
is taken up where it was stopped. Dies are those of the same experiment; their readings have noise of their own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import xarray as xr

from anamorph.campaign import Axis, Campaign, Point, Scheduler, run
from anamorph.characterise.transfer import Transfer
from anamorph.network.train import Trained, train
from anamorph.run_folder import RunFolder
from anamorph.stages.fabricate import fabricate
from anamorph.stages.setup import Setup
from anamorph.stages.train import TrainedRecord, fine_tuned
from anamorph.substrate.contract import Die, Program
from anamorph.verify.verdict import Verdict, verify

#: The folder of the campaign.
DIES = "dies"


def run_lot(
    setup: Setup, folder: Path, scheduler: Scheduler | None = None, *, both: bool = False, progress: bool = True
) -> xr.Dataset:
    """Run the dies of an experiment one by one.

    Args:
        setup: of an experiment; its ``chip.dies`` is how many.
        folder: new, or that of the same call that was stopped.
        scheduler: one die after the other if left out; several at a time use the cores better, and need more memory.
        both: also run the network that is the same for all dies through each.
        progress: show a bar on stderr.

    Returns:
        By ``die``: ``accuracy``, ``unconverged``, ``measure_s``, ``train_s``, ``verify_s`` (clock on the wall; the
        first die after a start compiles too), and with `both` ``common_accuracy``.

    Raises:
        BadInput: a folder of something else.
        Interrupted: Ctrl-C; the same call goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    experiment = setup.experiment
    with RunFolder(folder) as held:
        name = f"common-{experiment.digest[:12]}.json"
        if not held.has(name):
            TrainedRecord.of(_common(setup)).save(held, name)
        common = TrainedRecord.load(held, name).value()
    die = fabricate(setup.substrate, setup.key("fabricate"), experiment.chip.dies)
    work = _OneDie(setup, die, common, both)
    axes = (Axis("die", range(experiment.chip.dies)),)
    campaign = Campaign("lot", experiment.seed, axes, code=f"{experiment.digest} both={both}")
    return run(campaign, work, folder / DIES, scheduler, progress=progress)


def _common(setup: Setup) -> Trained:
    layers, substrate = setup.experiment.network.layers, setup.substrate
    return train(
        substrate, substrate.assumed_transfer(), setup.task, layers, setup.training, setup.key("train"),
        model=setup.model,
    )  # fmt: skip


@dataclass(frozen=True)
class _OneDie:
    """The work of a point."""

    setup: Setup
    dies: Die
    common: Trained
    both: bool

    def __call__(self, point: Point) -> dict[str, float | int]:
        setup, substrate = self.setup, self.setup.substrate
        die = self.dies[point["die"]]
        clock = [time.perf_counter()]
        key = jax.random.fold_in(setup.key("characterise"), point["die"])
        transfer = substrate.fit(substrate.measure(die, setup.bench, key))
        clock.append(time.perf_counter())
        own = self._trained(transfer)
        clock.append(time.perf_counter())
        verdict = self._judged(die, substrate.program(own.weights, transfer))
        clock.append(time.perf_counter())
        seconds = dict(zip(("measure_s", "train_s", "verify_s"), np.diff(clock).tolist(), strict=True))
        found = {"accuracy": float(verdict.accuracy[0]), "unconverged": verdict.unconverged, **seconds}
        if self.both:
            same = self._judged(die, substrate.program(self.common.weights, substrate.assumed_transfer()))
            found["common_accuracy"] = float(same.accuracy[0])
        return found

    def _trained(self, transfer: Transfer) -> Trained:
        setup = self.setup
        layers, key = setup.experiment.network.layers, setup.key("train")
        if setup.experiment.fine_tuning is None:
            return train(setup.substrate, transfer, setup.task, layers, setup.training, key, model=setup.model)
        return fine_tuned(setup, transfer, self.common)

    def _judged(self, die: Die, program: Program) -> Verdict:
        setup, section = self.setup, self.setup.experiment.verify
        task = setup.task
        return verify(die, program, setup.inputs, task.y_test, task.n_classes, section.accuracy_min, section.confidence)
