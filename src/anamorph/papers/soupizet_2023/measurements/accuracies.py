"""Training and judging MNIST networks, the paper's way and through the curve itself."""

from __future__ import annotations

import numpy as np

from anamorph.characterise.activation_fits import fit_logistic, fit_polynomial
from anamorph.data.task import Task
from anamorph.enn.flow import mnist
from anamorph.network.spiking import Lookup, mnist_structure
from anamorph.network.spiking_monte_carlo import infer, normal_weights
from anamorph.network.spiking_train import SpikingTraining, train_spiking
from anamorph.papers.measure import Context, Findings, Measured
from anamorph.papers.soupizet_2023.measurements._curves import CIRCUIT, NEURONS, PUBLISHED, activation

#: Dies of the Monte Carlo, and the weights' spread in the paper.
DIES, SPREAD = 100, 0.01
#: Epochs of algorithm 1; and of training through a curve, with so many starts.
EPOCHS, OWN_EPOCHS, STARTS = 100, 60, 4
RESTRICTED = 0.2
#: End of a claim's name -> synapse, and whether training is through the curve itself; the first is the paper's way.
WAYS = {"": (PUBLISHED, False), "_curve": (PUBLISHED, True), "_circuit": (CIRCUIT, True)}


def measure(context: Context) -> Findings:
    """Each neuron: the paper's way, and through the curve with either synapse; over the whole range and from 0.2."""
    if context.quick:
        note = "Left out of the quick ledger: a minute of training each."
        return Findings({name: Measured(None, note=note) for name in NAMES})
    task, claims = mnist(), {}
    for name, (neuron, x_min, way) in NAMES.items():
        context.tell(name)
        claims[name] = _accuracy(context, task, neuron, x_min, way)
    return Findings(claims)


def _names() -> dict[str, tuple[str, float, str]]:
    """Claim -> neuron, least excitation, way; the paper restricts no LIF neuron."""
    whole = {f"{n}_accuracy{way}": (n, 0.0, way) for n in NEURONS for way in WAYS if way != "_circuit" or n != "lif"}
    parts = {f"{n}_accuracy_restricted{way}": (n, RESTRICTED, way) for n in NEURONS for way in WAYS if n != "lif"}
    return whole | parts


NAMES = _names()


def _accuracy(context: Context, task: Task, neuron: str, x_min: float, way: str) -> Measured:
    """Mean over dies, with the range that holds 95 % of them."""
    x, (synapse, own) = np.linspace(0.0, 1.0, 4097), WAYS[way]
    found = activation(neuron, synapse)
    if own:
        seen = judged = Lookup(found.table()[0])
    else:
        y = found(x)
        seen, judged = Lookup(fit_logistic(x, y)(x)), Lookup(fit_polynomial(x, y)(x))
    structure = mnist_structure()
    settings = SpikingTraining(
        epochs=OWN_EPOCHS if own else EPOCHS, x_min=x_min, stop_at=None if own else 0.9, train_biases=own,
        weight_noise=SPREAD if own else 0.0, starts=STARTS if own else 1,
    )  # fmt: skip
    trained = train_spiking(structure, (seen,) * 3, task, settings, context.key(f"{neuron} {x_min} {way}"))
    dies = normal_weights(trained.weights, SPREAD, DIES, context.key("dies"))
    accuracy = infer(structure, dies, (judged,) * 3, task.x_test, task.y_test).accuracy
    low, high = np.percentile(accuracy, [2.5, 97.5])
    return Measured(
        float(accuracy.mean()), float(low), float(high), DIES,
        note=f"{len(trained.train_accuracy)} epochs, {100 * trained.train_accuracy[-1]:.1f} % on the training images "
        f"with nominal weights; {100 * trained.over_range:.1f} % of excitations above the characterised range.",
    )  # fmt: skip
