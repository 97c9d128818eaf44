"""The flow of a spiking network: curve, activation, training, mirrors, many dies, area and power, report.

    neuron, synapse -> activation -> train -> W and L of every mirror -> 1 % dies -> dies by the area law -> cost

Soupizet et al. 2023 call it the synthesis framework (algorithm 1). With ``through = "logistic"`` it is theirs:
training through the generalised logistic function, every bias `x_min`, inference through the 12th-order polynomial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from anamorph.enn.corners import Corner, corners_of
from anamorph.enn.curve_arrays import arrays_of, curve_of
from anamorph.enn.curves import CIRCUITS, neuron_curve, synapse_curve
from anamorph.enn.experiment import SpikingExperiment
from anamorph.enn.synapse_circuits import LEGS
from anamorph.enn.tuned import Tuned, tuned_dies
from anamorph.enn.variation import CORNER_END, Curves, corner_tables, neuron_pool
from anamorph.kept_stages import Arrays, Stages
from anamorph.network.spiking import Lookup, Structure, Weights, mnist_structure
from anamorph.network.spiking_monte_carlo import Dies, Neurons, infer, lognormal_weights, normal_weights
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
    "tune": "training single dies",
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
        tuned: some of these dies trained one by one; None where there are none.
        corners: accuracies of the one die at each corner of temperature and supply; empty where the neuron is a file.
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
    tuned: Tuned | None
    corners: dict[str, Corner]


def characterised(experiment: SpikingExperiment, stages: Stages | None = None) -> Curves:
    """The curves of an experiment with their fits, over the range up to x = 1."""
    name = experiment.neuron
    if name in CIRCUITS:
        inputs = {"neuron": name, "technology": technology.load(experiment.technology).digest}
        measure = lambda: arrays_of(neuron_curve(name, experiment.technology))  # noqa: E731
        neuron = curve_of((stages or Stages()).arrays("curve", inputs, measure))
    else:
        neuron = neuron_curve(name, experiment.technology)
    synapse = synapse_curve(experiment.synapse, experiment.neuron, experiment.technology)
    activation = combine(neuron, synapse)
    grid = np.linspace(0.0, 1.0, 1001)
    y = activation(grid)
    found = feasibility(activation, neuron)
    return Curves(neuron, synapse, activation, fit_polynomial(grid, y), fit_logistic(grid, y), found)


def mnist(train: int | None = None, test: int | None = None, validation: int = 0) -> Task:
    """All 784 pixels of MNIST from 0 to 1: 60,000 and 10,000 images in the official order, or the first of each.

    Args:
        train: how many training images; all without it.
        test: how many test images; all without it.
        validation: so many of the training images, the last of all 60,000, are judged in place of the test images and
            not trained on: for choices of hyper-parameters.
    """
    fetch("mnist14")  # the same four files
    found = read()
    flat = lambda images: images.reshape(len(images), -1) / 255.0  # noqa: E731
    x, y, x_test, y_test = found.x_train, found.y_train, found.x_test, found.y_test
    if validation:
        x, y, x_test, y_test = x[:-validation], y[:-validation], x[-validation:], y[-validation:]
    return Task(
        "mnist", flat(x[:train]), y[:train].astype(np.int64), flat(x_test[:test]), y_test[:test].astype(np.int64),
        CLASSES, SOURCE,
    )  # fmt: skip


def lookups(curves: Curves, through: str) -> tuple[Lookup, Lookup]:
    """What training and what inference see of a neuron."""
    if through == "curve":
        spline = Lookup(curves.activation.table()[0])
        return spline, spline
    x = np.linspace(0.0, 1.0, 4097)
    return Lookup(curves.logistic(x)), Lookup(curves.polynomial(x))


def synthesis(
    experiment: SpikingExperiment,
    task: Task | None = None,
    watch: Callable[[str], None] = lambda stage: None,
    stages: Stages | None = None,
) -> Synthesis:
    """Run the whole flow.

    Args:
        experiment: what to do.
        task: MNIST if left out.
        watch: told the name of each of `STAGES` as it begins.
        stages: where what takes long is kept, for a run that is taken up again; nowhere if left out.

    Raises:
        BadInput: an experiment that names what is not there.
        OutOfDomain: a neuron faster than its synapse is known.
        DoesNotFit: a weight for which no mirror is wide enough.
    """
    stages = stages or Stages()
    watch("curves")
    curves = characterised(experiment, stages)
    card = technology.load(experiment.technology)
    task = task or mnist(experiment.train, experiment.test, experiment.validation)
    watch("train")
    structure = mnist_structure(experiment.inhibitory)
    seen, answers = lookups(curves, experiment.through)
    layers = len(structure.wirings)
    trained = _trained(experiment, structure, seen, task, stages)
    watch("mirrors")
    rules = mirror_rules(experiment)
    realised, legs = synthesise(trained.weights, curves.activation, rules)
    watch("dies")

    def judged(name: str, weights: Weights, neurons: tuple[Lookup, ...] | Neurons | None = None) -> Dies:
        neurons = neurons or (answers,) * layers
        return _kept_dies(stages, name, structure, weights, neurons, task)

    spread = _spreads(legs, layers, card.value("pfet", "a_vt"), card.value("pfet", "slope_factor"), rules)
    mismatched = lognormal_weights(realised, spread, experiment.mismatch_dies, named_key(experiment.seed, "mismatch"))
    spread_dies = normal_weights(
        trained.weights, experiment.weight_spread, experiment.dies, named_key(experiment.seed, "normal")
    )
    verdicts = {
        "nominal": judged("dies_nominal", one_die(trained.weights)),
        "snapped": judged("dies_snapped", one_die(realised)),
        "normal": judged("dies_normal", spread_dies),
        "mismatched": judged("dies_mismatched", mismatched),
    }
    transistors, tuned, corners = None, None, {}
    if experiment.neuron in CIRCUITS:
        watch("neurons")
        if experiment.neuron_samples:
            pool = neuron_pool(experiment, curves, structure, stages)
            transistors = judged("dies_transistors", mismatched, pool)
            if experiment.tuned_dies:
                watch("tune")
                tuned = tuned_dies(
                    experiment, structure, realised, mismatched, pool, np.asarray(answers.values), task, stages
                )
        tables = corner_tables(experiment, curves, stages)
        judge = lambda name, weights, f: judged(name, one_die(weights), (f,) * layers)  # noqa: E731
        corners = corners_of(np.asarray(answers.values), tables, judge, realised, CORNER_END)
    return Synthesis(
        structure, curves, trained, realised, legs, rules, **verdicts, transistors=transistors, tuned=tuned,
        corners=corners,
    )  # fmt: skip


def _trained(
    experiment: SpikingExperiment, structure: Structure, seen: Lookup, task: Task, stages: Stages
) -> TrainedSpiking:
    """The trained network, from the run folder where it is there."""
    own, layers = experiment.through == "curve", len(structure.wirings)
    settings = SpikingTraining(
        epochs=experiment.epochs,
        learning_rate=experiment.learning_rate,
        batch_size=experiment.batch_size,
        stop_at=experiment.stop_at,
        focus=experiment.focus,
        starts=experiment.starts,
        over_range=experiment.over_range,
        x_min=experiment.x_min,
        signed=experiment.inhibitory,
        train_biases=own,
        weight_noise=experiment.weight_spread if own else 0.0,
    )
    inputs = {"settings": settings, "curve": np.asarray(seen.values), "seed": experiment.seed, **_of(task, "train")}

    def make() -> Arrays:
        found = train_spiking(structure, (seen,) * layers, task, settings, named_key(experiment.seed, "train"))
        shares = {name: np.asarray(getattr(found, name)) for name in ("train_accuracy", "over_range", "under_range")}
        return weight_arrays(found.weights) | shares

    found = stages.arrays("trained", inputs, make)
    return TrainedSpiking(
        weights_of(found, layers), found["train_accuracy"], float(found["over_range"]), float(found["under_range"])
    )


def _kept_dies(
    stages: Stages, name: str, structure: Structure, weights: Weights, neurons: tuple[Lookup, ...] | Neurons, task: Task
) -> Dies:
    """What dies answer, from the run folder where it is there."""
    tables = neurons.pool if isinstance(neurons, Neurons) else np.stack([np.asarray(n.values) for n in neurons])
    inputs = weight_arrays(weights) | {"tables": tables} | _of(task, "test")
    if isinstance(neurons, Neurons):
        inputs |= {f"chosen_{i}": chosen for i, chosen in enumerate(neurons.chosen)}

    def make() -> Arrays:
        found = infer(structure, weights, neurons, task.x_test, task.y_test)
        return {"accuracy": found.accuracy, "undecided": found.undecided}

    found = stages.arrays(name, inputs, make)
    return Dies(found["accuracy"], found["undecided"])


def _of(task: Task, part: str) -> dict[str, np.ndarray]:
    """By what images are told apart from others: their sums and labels."""
    return {f"x_{part}": getattr(task, f"x_{part}").sum(axis=1), f"y_{part}": getattr(task, f"y_{part}")}


def mirror_rules(experiment: SpikingExperiment) -> MirrorRules:
    """Rules whose reference is the leg with which the synapse was characterised; table II's where it is no circuit."""
    w, length = (1e-9 * size for size in LEGS.get(experiment.synapse, LEGS["compact"]))
    return MirrorRules(w_reference=w, l_reference=length, scale=experiment.mirror_scale)


def one_die(weights: Weights) -> Weights:
    """The same with an axis of dies."""
    return Weights(tuple(w[None] for w in weights.synapses), tuple(b[None] for b in weights.biases))


def _spreads(legs: tuple[Legs, ...], layers: int, a_vt: float, slope_factor: float, rules: MirrorRules) -> Weights:
    """Standard deviation of the logarithm of each weight, by the area law at room temperature."""
    sigma = [leg.mismatch(a_vt, slope_factor * K_OVER_Q * ROOM, rules) for leg in legs]
    return Weights(tuple(sigma[:layers]), tuple(sigma[layers:]))


def weight_arrays(weights: Weights) -> Arrays:
    """Weights by names that `weights_of` reads."""
    arrays = {f"synapses_{i}": np.asarray(w) for i, w in enumerate(weights.synapses)}
    return arrays | {f"biases_{i}": np.asarray(b) for i, b in enumerate(weights.biases)}


def weights_of(arrays: Mapping[str, np.ndarray], layers: int) -> Weights:
    """What `weight_arrays` took apart."""
    return Weights(
        tuple(arrays[f"synapses_{i}"] for i in range(layers)), tuple(arrays[f"biases_{i}"] for i in range(layers))
    )


def keep_weights(path: Path, weights: Weights) -> None:
    """Write weights as npz, which holds arrays and nothing that could run."""
    with path.open("wb") as stream:
        np.savez(stream, **weight_arrays(weights))  # pyright: ignore[reportArgumentType]
