"""From an experiment's text to the things it names: substrate, card, task, bench, keys."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.characterise.bench import Bench
from anamorph.data.task import Task
from anamorph.network.settings import TrainingSettings
from anamorph.provenance import named_key
from anamorph.substrate.contract import Substrate
from anamorph.technology import Technology

if TYPE_CHECKING:
    from anamorph.experiment import Experiment


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

        card = technology.load(experiment.technology)
        shape, n_bits = experiment.chip.layers, experiment.chip.bits
        return cls(experiment, card, substrate.create(experiment.substrate, card, shape, n_bits=n_bits))

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
        return Bench(section.currents, section.repeats, section.read_noise)

    @functools.cached_property
    def training(self) -> TrainingSettings:
        """The hyper-parameters."""
        return TrainingSettings(**self.experiment.training.model_dump())
