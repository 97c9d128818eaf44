"""What each kind of training buys on mismatched dies, at transistor level: accuracy, yield, seconds per die.

    python benchmarks/training_kinds.py digits --dies 5
    python benchmarks/training_kinds.py mnist14 --dies 3 --set chip.mismatch=3 --epochs 1 --epochs 4

Every row judges the same dies by the experiment's test samples. Rows "through transistors" (`--transistors`) train on
by the exact derivative of the circuits' solution in place of fitted characteristics. The last row is what there is to
reach: the network trained without deviations, on a die without any.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import anamorph  # noqa: F401  (sets float64 before any array exists)
from anamorph.characterise.transfer import Transfer
from anamorph.experiment import load, parse_replacements
from anamorph.network.forward import decide
from anamorph.network.through_transistors import train_through_transistors
from anamorph.network.train import Trained, train
from anamorph.stages.compilation import keep_compiled
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die, Program


@dataclass
class Row:
    """One kind of training on all dies."""

    kind: str
    accuracy: list[float] = field(default_factory=list)
    measure_s: list[float] = field(default_factory=list)
    tune_s: list[float] = field(default_factory=list)
    verify_s: list[float] = field(default_factory=list)
    unconverged: int = 0


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    """Processor time of all threads, s: on a busy machine the clock on the wall says less."""
    begun = time.process_time()
    yield
    into.append(time.process_time() - begun)


def _judge(setup: Setup, die: Die, program: Program, row: Row) -> None:
    task = setup.task
    with _timed(row.verify_s):
        response = die.run(program, setup.inputs)
        outputs = np.asarray(response.outputs)[0, 0, :, : task.n_classes]
    row.accuracy.append(float(np.mean(decide(outputs) == task.y_test)))
    row.unconverged += int((~np.asarray(response.converged)).sum())


def _common(setup: Setup, mismatch: float) -> Trained:
    settings = replace(setup.training, mismatch=mismatch)
    layers = setup.experiment.network.layers
    return train(setup.substrate, setup.substrate.assumed_transfer(), setup.task, layers, settings, setup.key("train"))


def _tuned(setup: Setup, transfer: Transfer, start: Trained, epochs: int, transistors: bool = False) -> Trained:
    task, settings = setup.fine_tuning
    settings, key = replace(settings, epochs=epochs), setup.key("tune")
    if transistors:
        full_scale = setup.experiment.data.input_max
        return train_through_transistors(setup.substrate, transfer, task, start, settings, key, full_scale)
    return train(setup.substrate, transfer, task, setup.experiment.network.layers, settings, key, start=start)


def measure(
    setup: Setup, dies: int, epochs: list[int], tell: Callable[[str], None], transistors: bool = False
) -> list[Row]:
    """All rows; one die after the other, so that seconds are those of one die."""
    substrate = setup.substrate
    assumed = substrate.assumed_transfer()
    tell("networks for all dies")
    injected = setup.training.mismatch or 1.0
    commons = {"nothing: one nominal network": _common(setup, 0.0)}
    commons["deviations injected: one network for all dies"] = _common(setup, injected)
    *_, start = commons.values()
    rows = {kind: Row(kind) for kind in commons}
    if transistors:
        tell("the common network through transistors")
        kind = "the same, on through the transistors of a nominal die"
        rows[kind] = Row(kind)
        with _timed(rows[kind].tune_s):
            commons[kind] = _tuned(setup, assumed, start, epochs[0], transistors=True)
    for index in range(dies):
        die = substrate.fabricate(setup.key("fabricate"), index + 1)[index]
        for kind, common in commons.items():
            tell(f"die {index}: {kind}")
            _judge(setup, die, substrate.program(common.weights, assumed), rows[kind])
        for protocol, what in (("permutations", "slopes"), ("synapses", "synapses")):
            spent: list[float] = []
            tell(f"die {index}: {what}")
            with _timed(spent):
                key = jax.random.fold_in(setup.key("characterise"), index)
                transfer = substrate.fit(substrate.measure(die, replace(setup.bench, protocol=protocol), key))
            through = (False, True) if transistors and protocol == "synapses" else (False,)
            for count, circuits in product(epochs, through):
                name = f"{what} measured, fine-tuned for {count} epoch{'s' if count > 1 else ''}"
                name += " through transistors" if circuits else ""
                row = rows.setdefault(name, Row(name))
                row.measure_s += spent
                with _timed(row.tune_s):
                    own = _tuned(setup, transfer, start, count, circuits)
                _judge(setup, die, substrate.program(own.weights, transfer), row)
    tell("a die without deviations")
    ideal = Row("a die without deviations, the nominal network")
    _judge(setup, substrate.nominal(), substrate.program(next(iter(commons.values())).weights, assumed), ideal)
    return [*rows.values(), ideal]


def table(rows: list[Row], least: float) -> Table:
    """The rows for a terminal."""
    found = Table("training", "accuracy, median", "lowest to highest", "yield", "measure", "tune", "verify")
    for row in rows:
        accuracy = np.array(row.accuracy)
        ends = f"{100 * accuracy.min():.2f} to {100 * accuracy.max():.2f} %"
        seconds = [f"{np.median(s):.1f} s" if s else "" for s in (row.measure_s, row.tune_s, row.verify_s)]
        passed = f"{np.sum(accuracy >= least)}/{len(accuracy)}"
        found.add_row(row.kind, f"{100 * np.median(accuracy):.2f} %", ends, passed, *seconds)
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("experiment")
    arguments.add_argument("--dies", type=int, default=3)
    arguments.add_argument("--epochs", type=int, action="append", help="of fine-tuning; several times for several rows")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments.add_argument("--transistors", action="store_true", help="rows of training through transistors too")
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    keep_compiled()
    setup = Setup.of(load(given.experiment, parse_replacements(given.set)))
    console = Console()
    epochs = given.epochs or [setup.fine_tuning[1].epochs]
    rows = measure(setup, given.dies, epochs, lambda what: console.print(what, style="dim"), given.transistors)
    console.print(table(rows, setup.experiment.verify.accuracy_min))
    console.print("Seconds are processor time of one die, all threads; compilation falls to the first die.")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
