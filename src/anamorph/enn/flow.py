"""The flow of a spiking network: curve, activation, training, mirrors, many dies, area and power, report.

    neuron, synapse -> activation -> train -> W and L of every mirror -> 1 % dies -> dies by the area law -> cost

Soupizet et al. 2023 call it the synthesis framework (algorithm 1). With ``through = "logistic"`` it is theirs:
training through the generalised logistic function, every bias `x_min`, inference through the 12th-order polynomial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anamorph import technology
from anamorph.characterise.activation import combine
from anamorph.characterise.activation_fits import fit_logistic, fit_polynomial
from anamorph.characterise.linearity import feasibility
from anamorph.data.mnist import CLASSES, SOURCE, read
from anamorph.data.registry import fetch
from anamorph.data.task import Task
from anamorph.enn.curves import CIRCUITS, neuron_curve, synapse_curve
from anamorph.enn.experiment import SpikingExperiment
from anamorph.enn.variation import Curves, corner_tables, neuron_pool
from anamorph.network.spiking import Lookup, Structure, Weights, mnist_structure
from anamorph.network.spiking_monte_carlo import Dies, infer, lognormal_weights, normal_weights
from anamorph.network.spiking_train import SpikingTraining, TrainedSpiking, train_spiking
from anamorph.provenance import named_key
from anamorph.substrate.spiking.mirrors import Legs, MirrorRules, synthesise

#: Boltzmann constant over the elementary charge, V/K, and room temperature, K.
K_OVER_Q, ROOM = 8.617333e-5, 300.15
#: Stages, in order, and what each does, for the reader who waits.
STAGES = {
    "curves": "reading the neuron's and the synapse's curve",
    "train": "training through the activation",
    "mirrors": "W and L of every synapse",
    "dies": "all test images on many dies",
    "neurons": "neurons of their own, corners of temperature and supply",
    "cost": "adding up area and power",
}


@dataclass(frozen=True)
class Synthesis:
    """What a run found.

    Attributes:
        curves: characteristics, fits and their linearity.
        trained: the network as trained.
        realised: its weights as geometries make them.
        legs: mirror legs, layer by layer, biases last.
        normal: dies whose weights deviate by the stated share.
        mismatched: dies whose mirrors' transistors deviate by the area law.
        nominal: the one die without deviation, with weights as trained.
        snapped: the one die without deviation, with weights as geometries.
        transistors: dies whose mirrors and neurons deviate by the area law; None where the neuron is a file.
        corners: accuracy of the one die at each corner of temperature and supply; empty where the neuron is a file.
    """

    structure: Structure
    curves: Curves
    trained: TrainedSpiking
    realised: Weights
    legs: tuple[Legs, ...]
    rules: MirrorRules
    nominal: Dies
    snapped: Dies
    normal: Dies
    mismatched: Dies
    transistors: Dies | None
    corners: dict[str, float]


def characterised(experiment: SpikingExperiment) -> Curves:
    """The curves of an experiment with their fits, over the range up to x = 1."""
    neuron = neuron_curve(experiment.neuron, experiment.technology)
    synapse = synapse_curve(experiment.synapse, experiment.neuron, experiment.technology)
    activation = combine(neuron, synapse)
    grid = np.linspace(0.0, 1.0, 1001)
    y = activation(grid)
    found = feasibility(activation, neuron)
    return Curves(neuron, synapse, activation, fit_polynomial(grid, y), fit_logistic(grid, y), found)


def mnist(train: int | None = None, test: int | None = None) -> Task:
    """All 784 pixels of MNIST from 0 to 1: 60,000 and 10,000 images in the official order, or the first of each."""
    fetch("mnist14")  # the same four files
    found = read()
    flat = lambda images: images.reshape(len(images), -1) / 255.0  # noqa: E731
    return Task(
        "mnist", flat(found.x_train[:train]), found.y_train[:train].astype(np.int64), flat(found.x_test[:test]),
        found.y_test[:test].astype(np.int64), CLASSES, SOURCE,
    )  # fmt: skip


def lookups(curves: Curves, through: str) -> tuple[Lookup, Lookup]:
    """What training and what inference see of a neuron."""
    if through == "curve":
        spline = Lookup(curves.activation.table()[0])
        return spline, spline
    x = np.linspace(0.0, 1.0, 4097)
    return Lookup(curves.logistic(x)), Lookup(curves.polynomial(x))


def synthesis(
    experiment: SpikingExperiment, task: Task | None = None, watch: Callable[[str], None] = lambda stage: None
) -> Synthesis:
    """Run the whole flow.

    Args:
        experiment: what to do.
        task: MNIST if left out.
        watch: told the name of each of `STAGES` as it begins.

    Raises:
        BadInput: an experiment that names what is not there.
        OutOfDomain: a neuron faster than its synapse is known.
        DoesNotFit: a weight for which no mirror is wide enough.
    """
    watch("curves")
    curves = characterised(experiment)
    card = technology.load(experiment.technology)
    task = task or mnist(experiment.train, experiment.test)
    watch("train")
    structure = mnist_structure(experiment.inhibitory)
    seen, answers = lookups(curves, experiment.through)
    layers = len(structure.wirings)
    own = experiment.through == "curve"
    settings = SpikingTraining(
        epochs=experiment.epochs,
        learning_rate=experiment.learning_rate,
        batch_size=experiment.batch_size,
        stop_at=experiment.stop_at,
        x_min=experiment.x_min,
        signed=experiment.inhibitory,
        train_biases=own,
        weight_noise=experiment.weight_spread if own else 0.0,
    )
    trained = train_spiking(structure, (seen,) * layers, task, settings, named_key(experiment.seed, "train"))
    watch("mirrors")
    rules = MirrorRules(scale=experiment.mirror_scale)
    realised, legs = synthesise(trained.weights, curves.activation, rules)
    watch("dies")

    def judged(weights: Weights) -> Dies:
        return infer(structure, weights, (answers,) * layers, task.x_test, task.y_test)

    spread = _spreads(legs, layers, card.value("pfet", "a_vt"), card.value("pfet", "slope_factor"), rules)
    mismatched = lognormal_weights(realised, spread, experiment.mismatch_dies, named_key(experiment.seed, "mismatch"))
    spread_dies = normal_weights(
        trained.weights, experiment.weight_spread, experiment.dies, named_key(experiment.seed, "normal")
    )
    verdicts = {
        "nominal": judged(one_die(trained.weights)),
        "snapped": judged(one_die(realised)),
        "normal": judged(spread_dies),
        "mismatched": judged(mismatched),
    }
    transistors, corners = None, {}
    if experiment.neuron in CIRCUITS:
        watch("neurons")
        if experiment.neuron_samples:
            pool = neuron_pool(experiment, curves, structure)
            transistors = infer(structure, mismatched, pool, task.x_test, task.y_test)
        for name, table in corner_tables(experiment, curves).items():
            at_corner = infer(structure, one_die(realised), (Lookup(table),) * layers, task.x_test, task.y_test)
            corners[name] = float(at_corner.accuracy[0])
    return Synthesis(
        structure, curves, trained, realised, legs, rules, **verdicts, transistors=transistors, corners=corners
    )


def one_die(weights: Weights) -> Weights:
    """The same with an axis of dies."""
    return Weights(tuple(w[None] for w in weights.synapses), tuple(b[None] for b in weights.biases))


def _spreads(legs: tuple[Legs, ...], layers: int, a_vt: float, slope_factor: float, rules: MirrorRules) -> Weights:
    """Standard deviation of the logarithm of each weight, by the area law at room temperature."""
    sigma = [leg.mismatch(a_vt, slope_factor * K_OVER_Q * ROOM, rules) for leg in legs]
    return Weights(tuple(sigma[:layers]), tuple(sigma[layers:]))


def keep_weights(path: Path, weights: Weights) -> None:
    """Write weights as npz, which holds arrays and nothing that could run."""
    arrays = {f"synapses_{i}": np.asarray(w) for i, w in enumerate(weights.synapses)}
    arrays |= {f"biases_{i}": np.asarray(b) for i, b in enumerate(weights.biases)}
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]
