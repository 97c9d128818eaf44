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
from anamorph.papers.soupizet_2023.measurements._curves import NEURONS, activation

#: Dies of the Monte Carlo, and the weights' spread in the paper.
DIES, SPREAD = 100, 0.01
#: Epochs of algorithm 1.
EPOCHS = 100
RESTRICTED = 0.2


def measure(context: Context) -> Findings:
    """Each neuron: logistic then polynomial, and the curve; both over the whole range and from x = 0.2."""
    if context.quick:
        note = "Left out of the quick ledger: a minute of training each."
        return Findings({name: Measured(None, note=note) for name in _names()})
    task = mnist()
    claims = {}
    for neuron in NEURONS:
        for x_min, way in ((0.0, ""), (RESTRICTED, "_restricted")):
            for through in ("logistic", "curve"):
                name = f"{neuron}_accuracy{way}{'_curve' if through == 'curve' else ''}"
                if name in _names():
                    context.tell(name)
                    claims[name] = _accuracy(context, task, neuron, x_min, through)
    return Findings(claims)


def _names() -> list[str]:
    whole = [f"{n}_accuracy{way}" for n in NEURONS for way in ("", "_curve")]
    return whole + [f"{n}_accuracy_restricted{way}" for n in NEURONS if n != "lif" for way in ("", "_curve")]


def _accuracy(context: Context, task: Task, neuron: str, x_min: float, through: str) -> Measured:
    """Mean over dies, with the range that holds 95 % of them."""
    x = np.linspace(0.0, 1.0, 4097)
    found = activation(neuron)
    if through == "curve":
        seen = judged = Lookup(found.table()[0])
    else:
        y = found(x)
        seen, judged = Lookup(fit_logistic(x, y)(x)), Lookup(fit_polynomial(x, y)(x))
    structure = mnist_structure()
    own = through == "curve"
    settings = SpikingTraining(
        epochs=EPOCHS, x_min=x_min, stop_at=None if own else 0.9, train_biases=own, weight_noise=SPREAD if own else 0.0
    )
    trained = train_spiking(structure, (seen,) * 3, task, settings, context.key(f"{neuron} {x_min} {through}"))
    dies = normal_weights(trained.weights, SPREAD, DIES, context.key("dies"))
    accuracy = infer(structure, dies, (judged,) * 3, task.x_test, task.y_test).accuracy
    low, high = np.percentile(accuracy, [2.5, 97.5])
    return Measured(
        float(accuracy.mean()), float(low), float(high), DIES,
        note=f"{len(trained.train_accuracy)} epochs, {100 * trained.train_accuracy[-1]:.1f} % on the training images "
        f"with nominal weights; {100 * trained.over_range:.1f} % of excitations above the characterised range.",
    )  # fmt: skip
