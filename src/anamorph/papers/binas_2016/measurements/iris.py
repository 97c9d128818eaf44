"""Measuring, training, programming and running 7-7-7 chips on Iris."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from anamorph.characterise.characterisation import Characterisation
from anamorph.experiment import load
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.report import figures
from anamorph.report.page import Figure
from anamorph.run_folder import RunFolder
from anamorph.stages import characterise as measuring
from anamorph.stages.drive import run
from anamorph.stages.report import one_neuron
from anamorph.stages.setup import Setup
from anamorph.stages.train import ARTEFACT as TRAINING
from anamorph.stages.train import TrainingRecord
from anamorph.stages.verify import ARTEFACT as VERDICTS
from anamorph.stages.verify import Verdicts

#: Dies of the full measurement and of the quick one.
DIES, QUICK_DIES = 100, 40
#: The neuron whose characteristic is shown: layer and number, from 0.
SHOWN = (1, 0)


def measure(context: Context) -> Findings:
    """The closed loop of the experiment `iris` up to the verdicts, on many dies instead of one."""
    dies = QUICK_DIES if context.quick else DIES
    experiment = load("iris", {"chip.dies": str(dies), "seed": str(context.seed)})
    done = run(experiment, context.folder / "iris", until="verify", watch=lambda stage: context.tell(stage or ""))
    setup = Setup.of(experiment)
    with RunFolder(done.folder) as folder:
        measured = Characterisation.load(folder.path / measuring.ARTEFACT)
        training = TrainingRecord.load(folder, TRAINING)
        verdicts = Verdicts.load(folder, VERDICTS)
    n_test = len(setup.task.y_test)
    claims = {"iris_accuracy": accuracy(verdicts.compensated.accuracy, verdicts.uncompensated.accuracy, n_test)}
    if context.quick:
        fewer = context.reduced(f"{QUICK_DIES} dies instead of {DIES}")
        claims = {name: replace(found, note=found.note + fewer) for name, found in claims.items()}
    return Findings(claims, _figures(setup, measured, training, verdicts))


def accuracy(own: Float[np.ndarray, " dies"], common: Float[np.ndarray, " dies"], n_test: int) -> Measured:
    """Median over dies, with the range of nine dies in ten.

    Args:
        own: accuracy of each die, trained through its own measurement.
        common: the same without the measurement.
        n_test: test flowers.
    """
    perfect = int((own * n_test > n_test - 0.5).sum())
    low, high = np.quantile(own, [0.05, 0.95])
    note = (
        f"Median of {len(own)} dies; the range holds nine in ten. {perfect} dies get all {n_test} flowers right, "
        f"the mean is {100 * own.mean():.1f} %, and without compensation {100 * common.mean():.1f} %."
    )
    return Measured(float(np.median(own)), float(low), float(high), len(own), note=note)


def _figures(
    setup: Setup, measured: Characterisation, training: TrainingRecord, verdicts: Verdicts
) -> dict[str, tuple[Figure, ...]]:
    transfer, task = measuring.fit(setup.substrate, measured), setup.task
    slope = [np.asarray(a.slope)[0] for a in transfer.activations]
    spread = [np.asarray(a.spread)[0] for a in transfer.activations]
    own, common = verdicts.compensated, verdicts.uncompensated
    weights = [w[0] for w in training.compensated.weights]
    return {
        "Figure 5b": (one_neuron(measured, *SHOWN),),
        "Figure 5c": (figures.slopes(slope, spread, marked=SHOWN),),
        "Figure 5d": (figures.network_diagram(weights, setup.substrate.shape, (), task.class_names),),
        "Figure 5e": (
            figures.barycentric(own.outputs[0], task.y_test, task.class_names),
            figures.accuracy_histogram(own.accuracy, common.accuracy, own.accuracy_min),
        ),
    }
