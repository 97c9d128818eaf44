"""From an experiment's text to the things it names: substrate, card, task, bench, keys."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.characterise.bench import Bench
from anamorph.data.task import Task
from anamorph.errors import BadInput
from anamorph.network.model import Feedforward
from anamorph.network.settings import TrainingSettings
from anamorph.provenance import named_key
from anamorph.substrate.contract import Substrate
from anamorph.technology import Technology

if TYPE_CHECKING:
    from anamorph.experiment_sections import Experiment


@dataclass(frozen=True)
class Setup:
    """What the stages work with."""

    experiment: Experiment
    technology: Technology
    substrate: Substrate

    @classmethod
    def of(cls, experiment: Experiment) -> Setup:
        """Load the card and build the substrate.

        Raises:
            BadInput: a card that is missing or wrong.
        """
        from anamorph import substrate, technology

        card = technology.load(experiment.technology).with_mismatch(experiment.chip.mismatch or 1.0)
        shape, n_bits = experiment.chip.layers, experiment.chip.bits
        wired = experiment.chip.synapses == "wired"
        options = {"exists": [wiring.exists for wiring in experiment.network.wirings()]} if wired else {}
        return cls(experiment, card, substrate.create(experiment.substrate, card, shape, n_bits=n_bits, **options))

    def key(self, stage: str) -> jax.Array:
        """The random key of one stage."""
        return named_key(self.experiment.seed, stage)

    @functools.cached_property
    def task(self) -> Task:
        """The data; where there is no official split, split at random."""
        from anamorph.data.registry import load_task

        data = self.experiment.data
        return load_task(data.name, self.key("data"), data.train, data.test, **data.options)

    @functools.cached_property
    def inputs(self) -> Float[jax.Array, "patterns n_in"]:
        """Test samples as input currents, A, padded with zeros to the chip's inputs."""
        currents = self.task.x_test * self.experiment.data.input_max
        unused = self.substrate.shape[0] - currents.shape[1]
        return jnp.asarray(np.pad(currents, ((0, 0), (0, unused))))

    @functools.cached_property
    def bench(self) -> Bench:
        """The instrument."""
        section = self.experiment.bench
        return Bench(section.currents, section.repeats, section.read_noise, section.protocol, section.setting)

    @functools.cached_property
    def training(self) -> TrainingSettings:
        """The hyper-parameters."""
        return TrainingSettings(**self.experiment.training.model_dump())

    @functools.cached_property
    def model(self) -> Feedforward:
        """The network."""
        return Feedforward(self.experiment.network.wirings())

    @functools.cached_property
    def fine_tuning(self) -> tuple[Task, TrainingSettings]:
        """The samples and hyper-parameters with which a chip's own network is trained on from the common one.

        Raises:
            BadInput: an experiment without that section.
        """
        section = self.experiment.fine_tuning
        if section is None:
            raise BadInput("no fine-tuning in this experiment", advice="Add a section [fine_tuning].")
        settings = replace(self.training, epochs=section.epochs, learning_rate=section.learning_rate, restarts=1)
        task = self.task
        if section.samples is None or section.samples >= len(task.x_train):
            return task, settings
        chosen = jax.random.permutation(self.key("fine_tuning"), len(task.x_train))[: section.samples]
        chosen = np.asarray(chosen)
        return replace(task, x_train=task.x_train[chosen], y_train=task.y_train[chosen]), settings
