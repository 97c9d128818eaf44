"""Training straight through the transistors: from a trained network on, by the solver's exact derivative.

The substrate gives a `Transfer` whose layers solve the circuits (`Substrate.through_transistors`); all else is `train`.
Only the scale of the outputs differs: a chip's outputs are worth what its mirrors make of them, and a decision does
not depend on it. So the target of a right class is set to where the starting network has it, and not a step is spent
on the scale.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from anamorph.characterise.transfer import Transfer
from anamorph.data.task import Task
from anamorph.network.model import Feedforward, Model, answers
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import Trained, train
from anamorph.substrate.contract import Substrate

#: Training samples that set the target: a mean over hundreds is known to a few per cent, and needs no better.
SAMPLES = 500


def train_through_transistors(
    substrate: Substrate,
    transfer: Transfer,
    task: Task,
    start: Trained,
    settings: TrainingSettings,
    key: PRNGKeyArray,
    full_scale: float,
    model: Model | None = None,
) -> Trained:
    """Train networks on with every layer computed by its transistors.

    Args:
        substrate: one that can (`Substrate.through_transistors`).
        transfer: what was measured of each chip, or is assumed of it; cells are otherwise those of the design.
        task: only its training samples are used.
        start: networks to go on from, one per chip or one for all.
        settings: hyper-parameters; `target` is that of `start`, and of the loss that is returned.
        key: as of `train`.
        full_scale: input current of a value of 1, A.
        model: as of `train`.

    Raises:
        BadInput: a substrate that cannot; and what `train` raises.
    """
    model = Feedforward.dense(start.layers) if model is None else model
    through = substrate.through_transistors(transfer, full_scale)
    target = settled_target(substrate, through, task, start, model)
    own = train(substrate, through, task, start.layers, replace(settings, target=target), key, start=start, model=model)
    return replace(own, loss=own.loss * (settings.target / target) ** 2)


def settled_target(substrate: Substrate, transfer: Transfer, task: Task, start: Trained, model: Model) -> float:
    """The target t of a right class at which no change of the outputs' scale would lower the error of a network.

    ``t = <y, y> / <y, e>`` for outputs y and one-hot classes e: the mean squared error of ``s y`` against ``t e`` is
    then least at ``s = 1``. The mean over all chips.
    """
    x, classes = task.x_train[:SAMPLES], task.y_train[:SAMPLES]
    weights = tuple(jnp.broadcast_to(w, (transfer.n_dies, *w.shape[1:])) for w in start.weights)
    y = np.asarray(answers(model, substrate, transfer.select(start.layers), weights, jnp.asarray(x)))
    right = np.take_along_axis(y, classes[None, :, None], axis=2)
    return float(np.mean((y**2).sum((1, 2)) / right.sum((1, 2))))
