"""Time and energy of decisions of one die of a large network, at both input currents of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from anamorph.papers.binas_2016.measurements._large import Large
from anamorph.papers.measure import Context, Measured
from anamorph.substrate.current_mirror.dynamics import Dynamics

#: Test samples of the full measurement (the paper's number) and of the quick one.
SAMPLES, QUICK_SAMPLES = 500, 32
#: How long a sample stands at the input, s, by its mean input current, A (section 3.5: 15 us at 15 nA). At 45 nA the
#: paper stops after 7 us; here samples have as long as at 15 nA, and what was decided by 7 us is counted.
PRESENTATION = 15e-6
CURRENTS = (15e-9, 45e-9)


@dataclass(frozen=True)
class Decisions:
    """What the transients of one die say, at one mean input current."""

    found: Dynamics
    n: int

    @property
    def times(self) -> Float[np.ndarray, " samples"]:
        """Time to output, s; infinite where the class at the end is another, or nothing converged."""
        return np.where(np.isfinite(self.found.time_to_output), self.found.time_to_output, np.inf)

    def share_within(self, limit: float) -> float:
        """Of the samples whose output is final after `limit` (s)."""
        return float(np.mean(self.times <= limit))

    @property
    def note(self) -> str:
        """How many samples, and how many of them are not in the means."""
        undecided = int((~np.isfinite(self.times)).sum())
        return f"One die, {self.n} test samples; {undecided} had not reached their class after 15 us, and are left out."

    def mean(self, values: Float[np.ndarray, " samples"], note: str = "") -> Measured:
        """Mean over the samples that have a value, with one standard deviation on either side."""
        known = values[np.isfinite(values)]
        if not known.size:
            return Measured(None, note="No transient has an answer.")
        mean, spread = float(known.mean()), float(known.std())
        return Measured(mean, mean - spread, mean + spread, known.size, note=" ".join(filter(None, (self.note, note))))


def decisions(large: Large, prefix: str) -> dict[float, Decisions]:
    """Switch from one test sample to the next on one mismatched die, with the common network."""
    context: Context = large.context
    substrate, task = large.setup.substrate, large.setup.task
    context.tell("the network")
    transfer = substrate.assumed_transfer()
    trained = large.train(transfer, context.key(f"{prefix} common"))
    program = substrate.program(trained.weights, transfer)
    single = type(program)(program.substrate, tuple(s.reshape(s.shape[-2:]) for s in program.settings))
    die = substrate.fabricate(context.key(f"{prefix} transient die"), 1)
    count = min(QUICK_SAMPLES if context.quick else SAMPLES, len(task.x_test))
    chosen = np.asarray(jax.random.permutation(context.key(f"{prefix} samples"), len(task.x_test)))[:count]
    x = task.x_test[chosen]
    x = np.pad(x, ((0, 0), (0, substrate.shape[0] - x.shape[1])))
    layers = large.experiment.network.layers
    operations = sum(a * b for a, b in zip(layers, layers[1:], strict=False))
    found = {}
    for current in CURRENTS:
        context.tell(f"{count} transients at {current * 1e9:.0f} nA")
        inputs = current * x / x[:, : layers[0]].mean(axis=1, keepdims=True)
        answer = substrate.dynamics(  # pyright: ignore[reportAttributeAccessIssue]
            die, single, inputs, np.roll(inputs, 1, axis=0), PRESENTATION, operations, n_classes=task.n_classes
        )
        found[current] = Decisions(answer, count)
    return found
