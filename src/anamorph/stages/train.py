"""Train: one network per chip through its measurement, and one for all chips without any."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from anamorph.characterise.transfer import Transfer
from anamorph.network.train import Trained, train
from anamorph.run_folder import RunFolder
from anamorph.stages.record import Floats, Record
from anamorph.stages.setup import Setup

ARTEFACT = "training.json"


class TrainedRecord(Record):
    """`Trained` as JSON."""

    weights: tuple[Floats, ...]
    loss: Floats
    train_accuracy: Floats
    layers: tuple[int, ...]

    @classmethod
    def of(cls, trained: Trained) -> TrainedRecord:
        """From the result of a training."""
        return cls(
            weights=tuple(np.asarray(w) for w in trained.weights),
            loss=trained.loss,
            train_accuracy=trained.train_accuracy,
            layers=trained.layers,
        )

    def value(self) -> Trained:
        """The result of a training; what it would go on from is its rounded weights."""
        weights = tuple(jnp.asarray(w) for w in self.weights)
        return Trained(weights, self.weights, self.loss, self.train_accuracy, self.layers)


class TrainingRecord(Record):
    """Both trainings of a run."""

    compensated: TrainedRecord
    uncompensated: TrainedRecord


def train_both(setup: Setup, folder: RunFolder, transfer: Transfer) -> TrainingRecord:
    """Networks trained with and without the measurement, from the same starts; kept in the folder.

    With a section ``fine_tuning``, what is trained without the measurement is where each chip's own training starts.
    """
    if folder.has(ARTEFACT):
        return TrainingRecord.load(folder, ARTEFACT)
    layers, key, substrate = setup.experiment.network.layers, setup.key("train"), setup.substrate
    model = setup.model
    common = train(substrate, substrate.assumed_transfer(), setup.task, layers, setup.training, key, model=model)
    if setup.experiment.fine_tuning is None:
        own = train(substrate, transfer, setup.task, layers, setup.training, key, model=model)
    else:
        task, settings = setup.fine_tuning
        own = train(substrate, transfer, task, layers, settings, key, start=common, model=model)
    record = TrainingRecord(compensated=TrainedRecord.of(own), uncompensated=TrainedRecord.of(common))
    record.save(folder, ARTEFACT)
    return record
