"""What per-die training regains on dies whose every transistor deviates: see `anamorph.network.spiking_tune`."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float

from anamorph.data.task import Task
from anamorph.enn.experiment import SpikingExperiment
from anamorph.kept_stages import Stages
from anamorph.network.spiking import Structure, Weights
from anamorph.network.spiking_monte_carlo import Neurons
from anamorph.network.spiking_tune import Die, OwnCurves, TuneSettings, accuracy, matched, read, readout_accuracy, tune
from anamorph.provenance import named_key

#: Training images that each die is shown.
CALIBRATION = 10_000
#: How well the bench knows what a leg passes on: standard deviation of the logarithm (assumed).
READING = 0.01


@dataclass(frozen=True)
class Tuned:
    """Accuracy of the same dies, by what is fitted to each.

    Attributes:
        as_made: nothing.
        readout: a linear function outside the chip, of the rates of the last hidden layer.
        weights: all weights, trained through the die's own curves.
        both: all weights, trained for such a readout, and the readout.
    """

    as_made: Float[np.ndarray, " dies"]
    readout: Float[np.ndarray, " dies"]
    weights: Float[np.ndarray, " dies"]
    both: Float[np.ndarray, " dies"]


#: Ways of fitting, as fields of `Tuned`, and how a report calls them.
WAYS = {"as_made": "as made", "readout": "readout per die", "weights": "weights per die", "both": "both per die"}


def die_of(index: int, nominal: Weights, dies: Weights, neurons: Neurons) -> Die:
    """One of the dies of a Monte Carlo run: what its legs pass on over what they were drawn for, and its curves."""

    def factor(made: Array | np.ndarray, drawn: Array | np.ndarray) -> np.ndarray:
        nominal = np.asarray(drawn)
        return np.divide(np.asarray(made[index]), nominal, out=np.ones(nominal.shape), where=nominal != 0)

    synapses = tuple(factor(m, d) for m, d in zip(dies.synapses, nominal.synapses, strict=True))
    biases = tuple(factor(m, d) for m, d in zip(dies.biases, nominal.biases, strict=True))
    curves = tuple(OwnCurves(neurons.pool[chosen[index]], neurons.x_max) for chosen in neurons.chosen)
    return Die(Weights(synapses, biases), curves)


def tuned_dies(
    experiment: SpikingExperiment,
    structure: Structure,
    nominal: Weights,
    dies: Weights,
    neurons: Neurons,
    nominal_table: Float[np.ndarray, " knots"],
    task: Task,
    stages: Stages | None = None,
) -> Tuned:
    """The first `SpikingExperiment.tuned_dies` of some dies: as made, and fitted in either way; each is a stage."""
    calibration, test = (
        (task.x_train[:CALIBRATION], task.y_train[:CALIBRATION]),
        (task.x_test, task.y_test),
    )
    settings = TuneSettings(epochs=experiment.tune_epochs)
    found = []
    for index in range(min(experiment.tuned_dies, len(dies.synapses[0]))):
        die = die_of(index, nominal, dies, neurons)
        parts = {f"part_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves((nominal, die)))}
        inputs = {
            "settings": settings,
            "both": "for a readout",
            "seed": experiment.seed,
            "nominal": nominal_table,
            "images": task.x_train.sum(axis=1)[:CALIBRATION],
        }

        def make(die: Die = die, index: int = index) -> dict[str, np.ndarray]:
            known = read(die, READING, named_key(experiment.seed, f"read {index}"))
            begin = matched(structure, nominal, known, nominal_table)
            key = named_key(experiment.seed, f"tune {index}")
            programmed = tune(structure, begin, known, *calibration, settings, key)
            served = tune(structure, begin, known, *calibration, settings, key, outside=True)
            return {
                "as_made": np.array(accuracy(structure, nominal, die, *test)),
                "readout": np.array(readout_accuracy(structure, nominal, die, calibration, test)),
                "weights": np.array(accuracy(structure, programmed, die, *test)),
                "both": np.array(readout_accuracy(structure, served, die, calibration, test)),
            }

        found.append((stages or Stages()).arrays(f"tuned_{index:04d}", parts | inputs, make))
    return Tuned(**{name: np.array([float(one[name]) for one in found]) for name in WAYS})
