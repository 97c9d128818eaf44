"""What the measurements of the 196-100-50-10 networks have in common: the recipe, initialisations, and dies."""

from __future__ import annotations

import functools
from collections.abc import Mapping
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
from anamorph.papers.measure import Context, Measured, left_out
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die
from anamorph.verify.interval import wilson

#: Initialisations and dies of the full measurement and of the quick one.
INITIALISATIONS, QUICK_INITIALISATIONS = 10, 1
DIES, QUICK_DIES = 100, 1
#: Dies that the network common to all is run through as well: half of a die's time is running it.
COMPARED = 10
#: Accuracy at transistor level that a die has to reach to count for the yield: the paper's one die did.
ENOUGH = {"mnist": 0.98, "speech": 0.946}
#: What the quick one does less, of each experiment: distorted copies, passes, test samples, what is measured of a die.
QUICK = {
    "mnist14": {
        "data.copies": "0", "data.test": "1000", "training.epochs": "3", "training.batch_size": "50",
        "fine_tuning.samples": "10000", "bench.protocol": "permutations",
    },
    "spoken_digits": {"training.epochs": "20"},
}  # fmt: skip
#: Test images decided together by the behavioural model.
TOGETHER = 2500


@dataclass(frozen=True)
class Large:
    """An experiment with everything that its measurements share.

    Attributes:
        context: of the measurement.
        setup: of the experiment, which is a smaller one in a quick ledger.
        full: the experiment of the full ledger.
    """

    context: Context
    setup: Setup
    full: Experiment

    @classmethod
    def of(cls, context: Context, experiment: str, replace: Mapping[str, str] | None = None) -> Large:
        """A built-in experiment with values replaced, and with less work in a quick ledger."""
        given = {"seed": str(context.seed), **(replace or {})}
        asked = given | (QUICK[experiment] if context.quick else {})
        return cls(context, _setup(experiment, tuple(asked.items())), load(experiment, given))

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
        reading = self.experiment.data.pixels
        pixels = f" Pixels: {reading}." if reading else ""
        return f"Trained on {samples:,} samples in {training.epochs} epochs.{pixels}{self._reduced}"

    @property
    def _reduced(self) -> str:
        """What a quick ledger's experiment does less, value by value."""
        pairs = {key: (_of(self.experiment, key), _of(self.full, key)) for key in QUICK[self.experiment.name]}
        said = [f"{key} = {quick} instead of {full}" for key, (quick, full) in pairs.items() if quick != full]
        return self.context.reduced(", ".join(said))

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
def _setup(experiment: str, replace: tuple[tuple[str, str], ...]) -> Setup:
    """Measurements of one experiment follow each other: they share its data and its substrate's compiled code."""
    return Setup.of(load(experiment, dict(replace)))


def _of(experiment: Experiment, key: str) -> object:
    """The value of a dotted key."""
    return functools.reduce(getattr, key.split("."), experiment)


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

    axis = Axis("initialisation", range(QUICK_INITIALISATIONS if context.quick else INITIALISATIONS))
    table = run(large.campaign(f"{prefix}_models", axis), work, context.folder / "models", progress=False)
    claims = {}
    for kind in transfers:
        claims |= mean_and_best(table[kind].values, f"{prefix}_{kind}", large)
    return claims


def mean_and_best(accuracy: Float[np.ndarray, " initialisations"], claim: str, large: Large) -> dict[str, Measured]:
    """Mean, spread and best over initialisations; of one alone its accuracy, and nothing of the others."""
    mean, n = float(accuracy.mean()), len(accuracy)
    tested = f"{len(large.setup.task.y_test):,} test samples. {large.recipe}"
    if n == 1:
        alone = left_out(f"one initialisation instead of {INITIALISATIONS}")
        found = Measured(mean, n=1, note=f"One initialisation instead of {INITIALISATIONS}, {tested}")
        return {f"{claim}_mean": found, f"{claim}_spread": alone, f"{claim}_best": alone}
    spread, note = float(accuracy.std(ddof=1)), f"{n} initialisations, {tested}"
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
        programs = {"own": substrate.program(own.weights, transfer)}
        if point.index < COMPARED:
            programs["common"] = uncompensated
        found = {"own": np.nan, "common": np.nan}
        context.tell(f"{name}: running")
        for kind, program in programs.items():
            outputs = np.asarray(die.run(program, setup.inputs).outputs)[0, 0, :, : task.n_classes]
            found[kind] = float(np.mean(decide(outputs) == task.y_test))
        return found

    axis = Axis("die", range(QUICK_DIES if context.quick else DIES))
    table = run(large.campaign(f"{prefix}_transistors", axis), work, context.folder / "dies", progress=False)
    own, before = table["own"].values, table["common"].values[:COMPARED]
    low, high = (float(np.quantile(own, part)) if len(own) > 1 else None for part in (0.05, 0.95))
    dies = f"Median of {len(own)} dies" if len(own) > 1 else f"One die instead of {DIES}"
    ends = _ends(own, len(task.y_test), ENOUGH[prefix]) if len(own) > 1 else ""
    compared = f" ({len(before)} dies)" if len(before) < len(own) else ""
    note = (
        f"{dies} over {len(task.y_test):,} test samples, every transistor deviating{ends}; with the common network "
        f"{100 * np.median(before):.2f} %{compared}. Each die is fine-tuned on {len(tuning.y_train):,} samples in "
        f"{settings.epochs} epoch{'s' if settings.epochs > 1 else ''}. {large.recipe}"
    )
    return Measured(float(np.median(own)), low, high, len(own), note=note)


def _ends(accuracy: Float[np.ndarray, " dies"], n_test: int, enough: float) -> str:
    """For a note: the best of many dies, and how many are good enough. Samples are counted, not shares of them."""
    passed = int(np.sum(accuracy * n_test >= enough * n_test - 1e-6))
    low, high = wilson(passed, len(accuracy))
    return (
        f"; the range holds nine in ten. Best {100 * accuracy.max():.2f} %; {passed} reach {100 * enough:.1f} % "
        f"(yield {100 * low:.0f} to {100 * high:.0f} %)"
    )
