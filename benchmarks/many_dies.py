"""Many dies of an experiment, one by one: median accuracy, yield with its interval, seconds per die.

    python benchmarks/many_dies.py mnist14 --dies 100 --seed 11 --out runs/lot

Stopped and started again it goes on where it was. `--show` prints what there is so far, also of a lot at work.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console

import anamorph  # noqa: F401  (sets float64 before any array exists)
from anamorph.campaign import Serial, Threads, read
from anamorph.experiment import load, parse_replacements
from anamorph.stages.compilation import keep_compiled
from anamorph.stages.lot import DIES, run_lot
from anamorph.stages.setup import Setup
from anamorph.verify.interval import wilson


def said(found: xr.Dataset, least: float, confidence: float) -> list[str]:
    """What the dies that are done say together."""
    done = found.isel(die=np.flatnonzero(np.isfinite(found["accuracy"].values)))
    count = done.sizes["die"]
    if not count:
        return ["no die is done"]
    lines = [f"{count} dies, {int(done['unconverged'].sum())} samples without an answer"]
    for name in ("accuracy", "common_accuracy"):
        if name in done:
            a = 100 * done[name].values
            ends = f"{a.min():.2f} to {a.max():.2f} %"
            lines.append(f"{name}: median {np.median(a):.2f} %, mean {a.mean():.3f} +- {a.std():.3f} %, {ends}")
    passed = int((done["accuracy"].values >= least - 1e-9).sum())
    low, high = wilson(passed, count, confidence)
    lines.append(f"yield at {100 * least:.1f} %: {passed}/{count}, {100 * low:.1f} to {100 * high:.1f} %")
    names = ("measure_s", "train_s", "verify_s")
    each = {name: float(np.median(done[name].values)) for name in names}
    total = float(np.median(sum(done[name].values for name in names)))
    lines.append(
        "median seconds: " + ", ".join(f"{n[:-2]} {s:.1f}" for n, s in each.items()) + f", together {total:.1f}"
    )
    return lines


def main() -> None:
    """Run or show."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("experiment")
    arguments.add_argument("--dies", type=int, default=10)
    arguments.add_argument("--seed", type=int)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--at-once", type=int, default=1, help="dies computed together; seconds are then of all")
    arguments.add_argument("--both", action="store_true", help="also the network that is the same for all dies")
    arguments.add_argument("--least", type=float, help="accuracy from which a die passes; the experiment's if left out")
    arguments.add_argument("--show", action="store_true", help="only print what there is")
    arguments.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = arguments.parse_args()
    keep_compiled()
    replacements = parse_replacements(given.set) | {"chip.dies": str(given.dies)}
    if given.seed is not None:
        replacements["seed"] = str(given.seed)
    experiment = load(given.experiment, replacements)
    if given.show:
        found = read(given.out / DIES)
    else:
        scheduler = Threads(given.at_once) if given.at_once > 1 else Serial()
        found = run_lot(Setup.of(experiment), given.out, scheduler, both=given.both)
    least = experiment.verify.accuracy_min if given.least is None else given.least
    Console().print("\n".join(said(found, least, experiment.verify.confidence)), highlight=False)


if __name__ == "__main__":
    main()
