"""Train: one network per chip through its measurement, and one for all chips without any."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from anamorph.characterise.transfer import Transfer
from anamorph.network.through_transistors import train_through_transistors
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
        own = fine_tuned(setup, transfer, common)
    record = TrainingRecord(compensated=TrainedRecord.of(own), uncompensated=TrainedRecord.of(common))
    record.save(folder, ARTEFACT)
    return record


def fine_tuned(setup: Setup, transfer: Transfer, common: Trained) -> Trained:
    """Each chip's own network, from the common one on, as the section ``fine_tuning`` says.

    Raises:
        BadInput: an experiment without that section.
    """
    task, settings = setup.fine_tuning
    section, key = setup.experiment.fine_tuning, setup.key("train")
    if section is not None and section.through == "transistors":
        full_scale = setup.experiment.data.input_max
        return train_through_transistors(
            setup.substrate, transfer, task, common, settings, key, full_scale, model=setup.model
        )
    return train(setup.substrate, transfer, task, common.layers, settings, key, start=common, model=setup.model)
