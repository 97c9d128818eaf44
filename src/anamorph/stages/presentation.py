"""Presentation: how long each input of a run has to be shown, predicted, and what that saves on the test samples.

Laws are fitted to transients of training samples, their reserve is calibrated with other training samples, and policies
are judged with the test samples: three sets that share nothing. Every sample follows another one, drawn at random, that
the chip had settled on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from anamorph.characterise.characterisation import Characterisation
from anamorph.errors import BadInput
from anamorph.experiment import load
from anamorph.presentation.features import CURRENT, current_features, model_features
from anamorph.presentation.law import Law, fit_law, reserve
from anamorph.presentation.policies import Outcome, own_times, scales, stopped
from anamorph.run_folder import EXPERIMENT, RunFolder
from anamorph.stages import characterise as measuring
from anamorph.stages.fabricate import fabricate
from anamorph.stages.presentation_page import write_page
from anamorph.stages.presentation_record import LawRecord, PolicyRecord, PresentationRecord
from anamorph.stages.program import ProgramRecord
from anamorph.stages.setup import Setup
from anamorph.substrate.contract import Die, Program
from anamorph.verify.interval import wilson

ARTEFACT = "presentation.json"
#: Training samples are watched for so many presentations, so that slow decisions are seen.
LONGER = 2.0
#: Factors on the input currents with which a law learns what a current is worth.
FACTORS = (0.5, 2.0)
#: Decisions within this are of the switch of inputs, and not of the network, s.
EARLIEST = 100e-9


@dataclass(frozen=True)
class Subject:
    """The prototype of a run: what is known of it (model), and what can be watched (transients)."""

    setup: Setup
    die: Die
    program: Program
    know: Callable[[np.ndarray], tuple[tuple[str, ...], np.ndarray]]

    def watch(self, currents: Float[np.ndarray, "patterns n_in"], presentation: float) -> Any:
        """Transients from each pattern to the next (inputs in A), the last one first."""
        simulate: Any = self.setup.substrate
        before = np.roll(currents, 1, axis=0)
        n_classes = self.setup.task.n_classes
        # an estimate is far rougher than the 1 to 2 % by which the fast transient is off
        return simulate.dynamics(
            self.die, self.program, currents, before, presentation, n_classes=n_classes, solver="cascade"
        )

    def currents(self, x: Float[np.ndarray, "patterns features"]) -> Float[np.ndarray, "patterns n_in"]:
        """Samples as input currents, A."""
        unused = self.setup.substrate.shape[0] - x.shape[1]
        return np.pad(x * self.setup.experiment.data.input_max, ((0, 0), (0, unused)))


@dataclass(frozen=True)
class Samples:
    """Samples in random order, and their transients."""

    x: Float[np.ndarray, "patterns features"]
    y: Int[np.ndarray, " patterns"]
    currents: Float[np.ndarray, "patterns n_in"]
    found: Any

    @classmethod
    def of(cls, subject: Subject, x: np.ndarray, y: np.ndarray, presentation: float) -> Samples:
        """Watch them."""
        currents = subject.currents(x)
        return cls(x, y, currents, subject.watch(currents, presentation))

    @property
    def decided(self) -> Float[np.ndarray, " patterns"]:
        """Times to output, s; NaN where there is none. One within the switch counts as `EARLIEST`."""
        return np.maximum(self.found.time_to_output, EARLIEST)


def presentation_of_run(path: Path, patterns: int = 200, quantile: float = 0.99) -> PresentationRecord:
    """Fit laws to a run's prototype and judge policies; writes `presentation.json` and `.html`.

    Args:
        path: a run folder that has been programmed.
        patterns: training samples to fit and calibrate with, and test samples to judge with, at most.
        quantile: of the decisions that the fixed presentation reaches, how many a policy is to reach.

    Raises:
        BadInput: not such a folder, a substrate without transients, too few decisions.
    """
    if patterns < 2:
        raise BadInput("too few patterns", where="presentation", expected="2 or more", got=str(patterns))
    setup = Setup.of(load(path / EXPERIMENT))
    if not hasattr(setup.substrate, "dynamics"):
        raise BadInput("this substrate has no transients", where="presentation", got=setup.substrate.name)
    with RunFolder(path) as folder:
        found = study(subject_of(setup, folder), patterns, quantile)
        found.save(folder, ARTEFACT)
        write_page(setup, folder, found)
    return found


def subject_of(setup: Setup, folder: RunFolder) -> Subject:
    """Die 0 of a run with its own program."""
    compensated = ProgramRecord.load_checked(folder, "program/compensated.json", setup.substrate)
    program = Program(compensated.substrate, tuple(s[0, 0] for s in compensated.settings))
    transfer = measuring.fit(setup.substrate, Characterisation.load(folder.path / measuring.ARTEFACT))
    weights = [np.asarray(w)[0] for w in setup.substrate.decode(program, transfer)]
    know = functools.partial(model_features, setup.substrate, transfer, weights)
    return Subject(setup, fabricate(setup.substrate, setup.key("fabricate"), 1), program, know)


def study(subject: Subject, patterns: int, quantile: float) -> PresentationRecord:
    """Fit, calibrate, judge."""
    setup, task, fixed = subject.setup, subject.setup.task, subject.setup.experiment.transient.presentation
    order, test = (
        np.asarray(jax.random.permutation(jax.random.fold_in(setup.key("presentation"), k), len(y)))[:patterns]
        for k, y in enumerate((task.y_train, task.y_test))
    )
    fitted, held = (
        Samples.of(subject, task.x_train[some], task.y_train[some], LONGER * fixed)
        for some in (order[: len(order) // 2], order[len(order) // 2 :])
    )
    judged = Samples.of(subject, task.x_test[test], task.y_test[test], fixed)
    # only of the decisions that the fixed presentation reaches too
    reached = np.nan_to_num(held.decided, nan=np.inf) <= fixed
    if not reached.any():
        raise BadInput("no sample is decided within the fixed presentation", where="transient.presentation")
    constant, supported = reserve(np.log(held.decided[reached]), quantile)
    rows = {
        "fixed": stopped(judged.found, np.full(len(test), fixed), judged.y),
        "shortened": stopped(judged.found, np.full(len(test), float(np.exp(constant))), judged.y),
    }
    laws = {}
    for name, law, known in _laws(subject, fitted):
        extra, _ = reserve((np.log(held.decided) - law.log_time(known(held.x, held.currents)))[reached], quantile)
        needed = law.log_time(known(judged.x, judged.currents)) + extra
        rows[f"stopped by {name}"] = stopped(judged.found, np.exp(needed), judged.y)
        scaled = judged.currents * scales(law, needed, fixed)[:, None]
        rows[f"scaled by {name}"] = stopped(subject.watch(scaled, fixed), np.full(len(test), fixed), judged.y)
        laws[name] = LawRecord.of(law, extra, np.exp(needed - extra), judged.found.time_to_output)
    rows["own time"] = stopped(judged.found, own_times(judged.found), judged.y)
    return PresentationRecord(
        presentation=fixed, quantile=quantile, n_fitted=len(fitted.y), n_held=int(reached.sum()), laws=laws,
        policies={name: _row(outcome, rows["fixed"]) for name, outcome in rows.items()},
        warnings=_warnings(quantile, supported, int(reached.sum()), judged),
    )  # fmt: skip


Known = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _laws(subject: Subject, fitted: Samples) -> list[tuple[str, Law, Known]]:
    """The laws by name, and what computes their features from samples and their currents."""
    low, high = np.log(FACTORS)
    draw = jax.random.uniform(jax.random.fold_in(subject.setup.key("presentation"), 2), (len(fitted.y),))
    scaled = fitted.currents * np.exp(low + (high - low) * np.asarray(draw))[:, None]
    # the same samples at other currents: images of equal brightness alone say nothing of what current is worth
    again = subject.watch(scaled, fitted.found.presentation)
    times = np.concatenate([fitted.found.time_to_output, again.time_to_output])
    model_names = (CURRENT, *subject.know(fitted.x)[0])

    def current(x: np.ndarray, currents: np.ndarray) -> np.ndarray:
        return current_features(currents)

    def model(x: np.ndarray, currents: np.ndarray) -> np.ndarray:
        return np.concatenate([current_features(currents), subject.know(x)[1]], axis=1)

    found: list[tuple[str, Law, Known]] = []
    for name, names, known in (("current", (CURRENT,), current), ("model", model_names, model)):
        features = np.concatenate([known(fitted.x, c) for c in (fitted.currents, scaled)])
        found.append((name, fit_law(names, features, times, EARLIEST), known))
    return found


def _row(outcome: Outcome, fixed: Outcome) -> PolicyRecord:
    n, right = len(outcome.right), int(outcome.right.sum())
    low, high = wilson(right, n)
    energy = float(np.nanmean(outcome.energy))
    return PolicyRecord(
        time=float(outcome.time.mean()), longest=float(outcome.time.max()), energy=energy,
        saved=1 - energy / float(np.nanmean(fixed.energy)), accuracy=right / n, low=low, high=high,
        final=float(outcome.final.mean()), lost=int((fixed.right & ~outcome.right).sum()),
        gained=int((outcome.right & ~fixed.right).sum()), n=n,
    )  # fmt: skip


def _warnings(quantile: float, supported: float, n: int, judged: Samples) -> tuple[str, ...]:
    said = []
    if supported < quantile:
        said.append(f"{n} decisions support a quantile of {supported:.3f}: the reserve is the largest that was seen.")
    if judged.found.unconverged:
        said.append(f"{judged.found.unconverged} transients did not converge; they count as wrong.")
    return tuple(said)
