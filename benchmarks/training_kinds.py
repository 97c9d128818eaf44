"""What each kind of training buys on mismatched dies, at transistor level: accuracy, yield, seconds per die.

    python benchmarks/training_kinds.py mnist14 --dies 10 --least 0.98 --out runs/kinds
    python benchmarks/training_kinds.py digits --dies 20 --transistors --transistor-dies 5 --out runs/kinds-digits
    python benchmarks/training_kinds.py mnist14 --dies 3 --set chip.mismatch=3 --epochs 1 --epochs 4 --out runs/bad

Every row judges the same dies by the experiment's test samples. Rows "through transistors" (`--transistors`) train on
by the exact derivative of the circuits' solution in place of fitted characteristics. The last row is what there is to
reach: the network trained without deviations, on a die without any. Stopped and started again it goes on where it was;
`--show` prints what there is so far.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table

import anamorph  # noqa: F401  (sets float64 before any array exists)
from anamorph.campaign import Axis, Campaign, Point, read, run
from anamorph.characterise.transfer import Transfer
from anamorph.experiment import Experiment, load, parse_replacements
from anamorph.network.forward import decide
from anamorph.network.through_transistors import train_through_transistors
from anamorph.network.train import Trained, train
from anamorph.run_folder import RunFolder
from anamorph.stages.compilation import keep_compiled
from anamorph.stages.setup import Setup
from anamorph.stages.train import TrainedRecord
from anamorph.substrate.contract import Die, Program
from anamorph.verify.interval import wilson

#: The point of the campaign that is a die without deviations.
IDEAL = -1
#: Networks that are the same for all dies, and what a row with them is called.
NOMINAL, INJECTED, THROUGH = "nominal", "injected", "through"
COMMON = {
    NOMINAL: "nothing: one nominal network",
    INJECTED: "deviations injected: one network for all dies",
    THROUGH: "the same, on through the transistors of a nominal die",
}
#: What a bench measures, by its protocol.
MEASURED = {"permutations": "slopes", "synapses": "synapses"}
#: What every point gives for every row, and the columns of seconds among it.
RESULTS = ("accuracy", "measure_s", "tune_s", "verify_s", "unconverged")
SECONDS = ("measure_s", "tune_s", "verify_s")


@dataclass(frozen=True)
class Kind:
    """One row: a network for all dies, or one per die after a measurement by `protocol` and `epochs` of training."""

    network: str = ""
    protocol: str = ""
    epochs: int = 0
    transistors: bool = False

    @property
    def name(self) -> str:
        """As it is printed."""
        if self.network:
            return COMMON[self.network]
        ends = f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}"
        through = " through transistors" if self.transistors else ""
        return f"{MEASURED[self.protocol]} measured, fine-tuned for {ends}{through}"


def kinds(epochs: Sequence[int], transistors: bool) -> list[Kind]:
    """All rows but the last."""
    found = [Kind(NOMINAL), Kind(INJECTED)]
    found += [Kind(THROUGH, transistors=True)] if transistors else []
    for protocol in MEASURED:
        found += [Kind(protocol=protocol, epochs=count) for count in epochs]
    return found + [Kind(protocol="synapses", epochs=count, transistors=True) for count in epochs if transistors]


@contextmanager
def _timed(into: dict[str, np.ndarray], name: str, row: int | list[int]) -> Iterator[None]:
    """Processor time of all threads, s: on a busy machine the clock on the wall says less."""
    begun = time.process_time()
    yield
    into[name][row] = time.process_time() - begun


@dataclass(frozen=True)
class OneDie:
    """The work of a point: every row on one die. `commons` has the networks that are the same for all dies."""

    setup: Setup
    rows: list[Kind]
    commons: dict[str, Trained]
    transistor_dies: int

    def __call__(self, point: Point) -> dict[str, np.ndarray]:
        """What `RESULTS` names, one value per row; NaN for rows that this die is not of."""
        substrate, assumed = self.setup.substrate, self.setup.substrate.assumed_transfer()
        found = {name: np.full(len(self.rows), np.nan) for name in RESULTS}
        programs = {name: substrate.program(one.weights, assumed) for name, one in self.commons.items()}
        if point["die"] == IDEAL:
            self._judge(substrate.nominal(), programs[NOMINAL], found, 0)
            return found
        die = substrate.fabricate(self.setup.key("fabricate"), point["die"] + 1)[point["die"]]
        for protocol in ("", *MEASURED):
            mine = [index for index, kind in enumerate(self.rows) if self._wanted(kind, protocol, point["die"])]
            if protocol:
                key = jax.random.fold_in(self.setup.key("characterise"), point["die"])
                with _timed(found, "measure_s", mine):
                    transfer = substrate.fit(substrate.measure(die, replace(self.setup.bench, protocol=protocol), key))
            for index in mine:
                if protocol:
                    with _timed(found, "tune_s", index):
                        own = self.tuned(transfer, self.rows[index])
                    program = substrate.program(own.weights, transfer)
                else:
                    program = programs[self.rows[index].network]
                self._judge(die, program, found, index)
        return found

    def _wanted(self, kind: Kind, protocol: str, die: int) -> bool:
        return kind.protocol == protocol and (die < self.transistor_dies or not kind.transistors)

    def tuned(self, transfer: Transfer, kind: Kind) -> Trained:
        """The network with injected deviations, trained on."""
        setup, start = self.setup, self.commons[INJECTED]
        task, settings = setup.fine_tuning
        settings, key = replace(settings, epochs=kind.epochs), setup.key("tune")
        if kind.transistors:
            full_scale = setup.experiment.data.input_max
            return train_through_transistors(setup.substrate, transfer, task, start, settings, key, full_scale)
        return train(setup.substrate, transfer, task, setup.experiment.network.layers, settings, key, start=start)

    def _judge(self, die: Die, program: Program, found: dict[str, np.ndarray], row: int) -> None:
        task = self.setup.task
        with _timed(found, "verify_s", row):
            response = die.run(program, self.setup.inputs)
            outputs = np.asarray(response.outputs)[0, 0, :, : task.n_classes]
        found["accuracy"][row] = np.mean(decide(outputs) == task.y_test)
        found["unconverged"][row] = (~np.asarray(response.converged)).sum()


def measure(setup: Setup, folder: Path, rows: list[Kind], dies: int, transistor_dies: int) -> xr.Dataset:
    """All rows on all dies; one die after the other, so that seconds are those of one die."""
    folder.mkdir(parents=True, exist_ok=True)
    work = OneDie(setup, rows, {}, transistor_dies)
    with RunFolder(folder) as held:
        for name in dict.fromkeys(kind.network for kind in rows if kind.network):
            file = f"{name}-{setup.experiment.digest[:12]}.json"
            if not held.has(file):
                TrainedRecord.of(_common(work, name)).save(held, file)
            work.commons[name] = TrainedRecord.load(held, file).value()
    return run(plan(setup.experiment, rows, dies, transistor_dies), work, folder / "dies")


def plan(experiment: Experiment, rows: list[Kind], dies: int, transistor_dies: int) -> Campaign:
    """The campaign: a point for the die without deviations, and one for each other."""
    code = f"{experiment.digest} {[kind.name for kind in rows]} {transistor_dies}"
    return Campaign("kinds", experiment.seed, (Axis("die", range(IDEAL, dies)),), code=code)


def _common(work: OneDie, name: str) -> Trained:
    setup = work.setup
    assumed, injected = setup.substrate.assumed_transfer(), setup.training.mismatch or 1.0
    if name == THROUGH:
        return work.tuned(assumed, Kind(epochs=1, transistors=True))
    settings = replace(setup.training, mismatch=injected if name == INJECTED else 0.0)
    layers = setup.experiment.network.layers
    return train(setup.substrate, assumed, setup.task, layers, settings, setup.key("train"))


def table(found: xr.Dataset, rows: list[Kind], least: float, confidence: float) -> Table:
    """The rows for a terminal."""
    each = Table("training", "dies", "accuracy, median", "lowest to highest", f"yield at {100 * least:.1f} %",
                 "measure", "tune", "verify", "together")  # fmt: skip
    for index, kind in enumerate(rows):
        each.add_row(kind.name, *_cells(found.sel(die=slice(0, None)), index, least, confidence))
    each.add_row("a die without deviations, the nominal network", *_cells(found.sel(die=[IDEAL]), 0, least, confidence))
    return each


def _cells(found: xr.Dataset, row: int, least: float, confidence: float) -> list[str]:
    values = {name: found[name].values[:, row] for name in RESULTS}
    done = np.isfinite(values["accuracy"])
    if not done.any():
        return ["0"]
    accuracy = values["accuracy"][done]
    passed = int(np.sum(accuracy >= least - 1e-9))
    low, high = wilson(passed, len(accuracy), confidence)
    seconds = [values[name][done] for name in SECONDS]
    shown = [f"{np.median(s):.1f} s" if np.isfinite(s).all() else "" for s in seconds]
    together = np.median(np.nansum(seconds, axis=0))
    return [
        str(len(accuracy)), f"{100 * np.median(accuracy):.2f} %",
        f"{100 * accuracy.min():.2f} to {100 * accuracy.max():.2f} %",
        f"{passed}/{len(accuracy)}, {100 * low:.0f} to {100 * high:.0f} %", *shown, f"{together:.1f} s",
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("experiment")
    arguments.add_argument("--out", type=Path, required=True, help="folder: new, or that of the same call")
    arguments.add_argument("--dies", type=int, default=10)
    arguments.add_argument("--epochs", type=int, action="append", help="of fine-tuning; several times for several rows")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--transistors", action="store_true", help="rows of training through transistors too")
    arguments.add_argument("--transistor-dies", type=int, default=2, help="dies of those rows, which take longest")
    arguments.add_argument("--least", type=float, help="accuracy from which a die passes; the experiment's if left out")
    arguments.add_argument("--show", action="store_true", help="only print what there is")
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    keep_compiled()
    experiment = load(given.experiment, parse_replacements(given.set))
    tuning = experiment.fine_tuning
    rows = kinds(given.epochs or [tuning.epochs if tuning and tuning.epochs else 1], given.transistors)
    if given.show:
        found = read(given.out / "dies")
    else:
        found = measure(Setup.of(experiment), given.out, rows, given.dies, given.transistor_dies)
    least = experiment.verify.accuracy_min if given.least is None else given.least
    console = Console(width=150)
    console.print(table(found, rows, least, experiment.verify.confidence))
    console.print("Seconds: processor time of one die, all threads, median. Yields with an interval of "
                  f"{100 * experiment.verify.confidence:.0f} %.")  # fmt: skip
    if given.json:
        named = {
            kind.name: {name: found[name].values[:, i].tolist() for name in RESULTS} for i, kind in enumerate(rows)
        }
        given.json.write_text(json.dumps(named, indent=1))


if __name__ == "__main__":
    main()
