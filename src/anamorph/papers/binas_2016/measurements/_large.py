"""What the measurements of the 196-100-50-10 networks have in common: the recipe, initialisations, and dies."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from anamorph.campaign import Axis, Campaign, Point, run
from anamorph.characterise.transfer import Transfer
from anamorph.experiment import Experiment, load
from anamorph.network.forward import decide, forward
from anamorph.network.train import Trained, train
from anamorph.papers.binas_2016.measurements._networks import kept
from anamorph.papers.measure import Context, Measured
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die

#: Initialisations, dies and test samples of the full measurement and of the quick one.
INITIALISATIONS, QUICK_INITIALISATIONS = 10, 2
DIES, QUICK_DIES = 100, 2
#: What the quick one does less, of each experiment: samples, distorted copies, passes over them, test samples.
QUICK = {
    "mnist14": {
        "data.train": "20000", "data.copies": "0", "data.test": "1000", "training.epochs": "8",
        "training.batch_size": "50", "fine_tuning.samples": "10000", "bench.protocol": "permutations",
    },
    "spoken_digits": {"data.test": "300", "training.epochs": "20", "training.restarts": "1"},
}  # fmt: skip
#: Test images decided together by the behavioural model.
TOGETHER = 2500


@dataclass(frozen=True)
class Large:
    """An experiment with everything that its measurements share."""

    context: Context
    setup: Setup

    @classmethod
    def of(cls, context: Context, experiment: str) -> Large:
        """A built-in experiment, with less work in a quick ledger."""
        return cls(context, _setup(experiment, context.seed, context.quick))

    @property
    def experiment(self) -> Experiment:
        """What is measured."""
        return self.setup.experiment

    def train(self, transfer: Transfer, key: jax.Array) -> Trained:
        """One network by the experiment's recipe, through `transfer`."""
        layers = self.experiment.network.layers
        return train(self.setup.substrate, transfer, self.setup.task, layers, self.setup.training, key)

    def common(self, prefix: str) -> Trained:
        """The network of the characteristics without mismatch, which measurements share."""
        transfer, name = self.setup.substrate.assumed_transfer(), f"{prefix} common"

        def make() -> Trained:
            self.context.tell("the common network")
            return self.train(transfer, self.context.key(name))

        folder = self.context.shared or self.context.folder
        path = folder / f"{prefix}-common-{self.experiment.digest[:16]}.npz"
        return kept(path, self.experiment.network.layers, make)

    @property
    def recipe(self) -> str:
        """How networks are trained, for notes."""
        training, samples = self.setup.training, len(self.setup.task.y_train)
        return f"Trained on {samples:,} samples in {training.epochs} epochs, best of {training.restarts} starts."

    def model_accuracy(self, transfer: Transfer, trained: Trained) -> float:
        """Test accuracy of the behavioural model."""
        task = self.setup.task
        weights = [jnp.asarray(w, np.float32) for w in trained.weights]
        parts = [
            decide(forward(self.setup.substrate, transfer, weights, jnp.asarray(task.x_test[low : low + TOGETHER])))[0]
            for low in range(0, len(task.x_test), TOGETHER)
        ]
        return float(np.mean(np.concatenate(parts) == task.y_test))

    def characterised(self, die: Die, key: jax.Array, protocol: str | None = None) -> Transfer:
        """What the bench finds of a die, by the experiment's protocol or another."""
        substrate, bench = self.setup.substrate, self.setup.bench
        return substrate.fit(substrate.measure(die, replace(bench, protocol=protocol or bench.protocol), key))

    def campaign(self, name: str, axis: Axis) -> Campaign:
        """Points along one axis, whose results belong to this experiment alone."""
        return Campaign(name, seed=self.context.seed, axes=(axis,), code=self.experiment.digest)


@functools.lru_cache(maxsize=1)
def _setup(experiment: str, seed: int, quick: bool) -> Setup:
    """Measurements of one experiment follow each other: they share its data and its substrate's compiled code."""
    return Setup.of(load(experiment, {"seed": str(seed)} | (QUICK[experiment] if quick else {})))


def models(large: Large, prefix: str) -> dict[str, Measured]:
    """Accuracies of the behavioural models, without mismatch and of one measured die, over initialisations.

    Args:
        large: the experiment.
        prefix: of the claims: ``mnist`` or ``speech``.
    """
    context, substrate = large.context, large.setup.substrate
    make, measure = jax.random.split(context.key(f"{prefix} die"))
    transfers = {
        "homogeneous": substrate.assumed_transfer(),
        # as the paper measures, section 3.3: neurons alone
        "inhomogeneous": large.characterised(substrate.fabricate(make, 1), measure, "permutations"),
    }

    def work(point: Point) -> dict[str, float]:
        found = {}
        for kind, transfer in transfers.items():
            context.tell(f"{kind} network {point.index + 1}")
            # the first without mismatch is the one that the other measurements use
            first = kind == "homogeneous" and point.index == 0
            trained = large.common(prefix) if first else large.train(transfer, point.key())
            found[kind] = large.model_accuracy(transfer, trained)
        return found

    count = QUICK_INITIALISATIONS if context.quick else INITIALISATIONS
    axis = Axis("initialisation", range(count))
    table = run(large.campaign(f"{prefix}_models", axis), work, context.folder / "models", progress=False)
    claims = {}
    for kind in transfers:
        claims |= _mean_and_best(table[kind].values, f"{prefix}_{kind}", large)
    return claims


def _mean_and_best(accuracy: Float[np.ndarray, " initialisations"], claim: str, large: Large) -> dict[str, Measured]:
    spread = float(accuracy.std(ddof=1)) if len(accuracy) > 1 else 0.0
    mean, n = float(accuracy.mean()), len(accuracy)
    note = f"{n} initialisations, {len(large.setup.task.y_test):,} test samples. {large.recipe}"
    return {
        f"{claim}_mean": Measured(mean, mean - spread, mean + spread, n, note=f"{note} The range is one s.d."),
        f"{claim}_spread": Measured(spread, n=n, note=note),
        f"{claim}_best": Measured(float(accuracy.max()), n=n, note=note),
    }


def transistors(large: Large, prefix: str) -> Measured:
    """Accuracy of dies with every transistor, each with a network of its own; the median, and nine dies in ten."""
    context, setup = large.context, large.setup
    substrate, task = setup.substrate, setup.task
    common = large.common(prefix)
    uncompensated = substrate.program(common.weights, substrate.assumed_transfer())
    tuning, settings = setup.fine_tuning

    def work(point: Point) -> dict[str, float]:
        name = f"die {point.index + 1}"
        context.tell(f"{name}: measuring")
        make, measure, learn = jax.random.split(point.key(), 3)
        die = substrate.fabricate(make, 1)
        transfer = large.characterised(die, measure)
        context.tell(f"{name}: training")
        own = train(substrate, transfer, tuning, large.experiment.network.layers, settings, learn, start=common)
        programs = {"own": substrate.program(own.weights, transfer), "common": uncompensated}
        found = {}
        context.tell(f"{name}: running")
        for kind, program in programs.items():
            outputs = np.asarray(die.run(program, setup.inputs).outputs)[0, 0, :, : task.n_classes]
            found[kind] = float(np.mean(decide(outputs) == task.y_test))
        return found

    axis = Axis("die", range(QUICK_DIES if context.quick else DIES))
    table = run(large.campaign(f"{prefix}_transistors", axis), work, context.folder / "dies", progress=False)
    own, before = table["own"].values, table["common"].values
    low, high = np.quantile(own, [0.05, 0.95])
    note = (
        f"Median of {len(own)} dies over {len(task.y_test):,} test samples, every transistor deviating; the range "
        f"holds nine in ten. Best {100 * own.max():.2f} %; with the common network, median "
        f"{100 * np.median(before):.2f} %. {large.recipe} "
        f"Each die is fine-tuned on {len(tuning.y_train):,} samples (epochs: {settings.epochs})."
    )
    return Measured(float(np.median(own)), float(low), float(high), len(own), note=note)
