"""Time and energy of decisions of one die of a large network, at both input currents of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from anamorph.papers.binas_2016.measurements._large import Large
from anamorph.papers.measure import Measured
from anamorph.report import figures
from anamorph.report.page import Figure
from anamorph.substrate.contract import Die
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.current_mirror.dynamics import Dynamics
from anamorph.substrate.current_mirror.stage import input_current

#: Test samples of the full measurement (the paper's number) and of the quick one.
SAMPLES, QUICK_SAMPLES = 500, 32
#: How long a sample stands at the input, s, by its mean input current, A (section 3.5: 15 us at 15 nA). At 45 nA the
#: paper stops after 7 us; here samples have as long as at 15 nA, and what was decided by 7 us is counted.
PRESENTATION = 15e-6
CURRENTS = (15e-9, 45e-9)
#: An input is active above this part of the mean current.
ACTIVE = 0.1


@dataclass(frozen=True)
class Decisions:
    """What the transients of one die say, at one mean input current.

    Attributes:
        found: of all samples.
        n: how many.
        current: mean input current, A.
        shown: the sample whose waveform is in `found`: its class is another than that of the one before.
        hidden: currents into the neurons of every hidden layer while that sample is decided, A.
        active: inputs of each sample that carry a current worth the name, where they were counted.
        quick: of a quick ledger.
    """

    found: Dynamics
    n: int
    current: float
    shown: int
    hidden: tuple[Float[np.ndarray, "_ steps"], ...]
    active: Int[np.ndarray, " samples"] | None = None
    quick: bool = False

    @property
    def times(self) -> Float[np.ndarray, " samples"]:
        """Time to output, s; infinite where the class at the end is another, or nothing converged."""
        return np.where(np.isfinite(self.found.time_to_output), self.found.time_to_output, np.inf)

    def share_within(self, limit: float) -> float:
        """Of the samples whose output is final after `limit` (s)."""
        return float(np.mean(self.times <= limit))

    def slow_ones(self, limit: float) -> str:
        """How wide the samples are that are later than `limit` (s), for notes."""
        late = self.times > limit
        if self.active is None or late.all() or not late.any():
            return ""
        wide, others = (float(np.median(self.active[where])) for where in (late, ~late))
        return (
            f"The {int(late.sum())} later ones have {wide:.0f} active inputs (median), the others {others:.0f}: at the "
            "same mean, more inputs are smaller currents."
        )

    @property
    def name(self) -> str:
        """The condition, for figures."""
        return f"{self.current * 1e9:.0f} nA"

    @property
    def decided(self) -> figures.Decided:
        """For Figs. 4a and 4c."""
        return figures.Decided(self.name, self.found.time_to_output, self.found.energy_per_operation)

    @property
    def course(self) -> figures.Course:
        """For Fig. 4b."""
        return figures.Course(self.name, self.found.run_times, self.found.energy_by / self.found.operations)

    def activity(self, names: tuple[str, ...]) -> Figure:
        """The shown sample, for Fig. 3."""
        wave = self.found.waveform
        time, outputs = wave.times, wave.outputs.T[: len(names)]
        decided = float(self.times[self.shown])
        return figures.activity(time, self.hidden, outputs, names, decided if np.isfinite(decided) else None)

    @property
    def note(self) -> str:
        """How many samples, and how many of them are not in the means."""
        undecided = int((~np.isfinite(self.times)).sum())
        left = f"{undecided} had not reached their class after 15 us, and are left out."
        return self.counted.replace("samples.", f"samples; {left}", 1)

    @property
    def counted(self) -> str:
        """How many samples."""
        fewer = f" Quick: {self.n} test samples instead of {SAMPLES}." if self.quick else ""
        return f"One die, {self.n} test samples.{fewer}"

    def mean(self, values: Float[np.ndarray, " samples"], note: str = "") -> Measured:
        """Mean over the samples that have a value, with one standard deviation on either side."""
        known = values[np.isfinite(values)]
        if not known.size:
            return Measured(None, note="No transient has an answer.")
        mean, spread = float(known.mean()), float(known.std())
        said = self.note if known.size < self.n else self.counted
        return Measured(mean, mean - spread, mean + spread, known.size, note=" ".join(filter(None, (said, note))))


def decisions(large: Large, prefix: str, currents: tuple[float, ...] = CURRENTS) -> dict[float, Decisions]:
    """Switch from one test sample to the next on one mismatched die, with the common network."""
    context, setup = large.context, large.setup
    task, substrate = setup.task, setup.substrate
    assert isinstance(substrate, CurrentMirror)
    program = substrate.program(large.common(prefix).weights, substrate.assumed_transfer())
    single = type(program)(program.substrate, tuple(s.reshape(s.shape[-2:]) for s in program.settings))
    die = substrate.fabricate(context.key(f"{prefix} transient die"), 1)
    count = min(QUICK_SAMPLES if context.quick else SAMPLES, len(task.x_test))
    chosen = np.asarray(jax.random.permutation(context.key(f"{prefix} samples"), len(task.x_test)))[:count]
    labels, layers = task.y_test[chosen], large.experiment.network.layers
    shown = int(np.argmax(labels != np.roll(labels, 1)))
    x = np.pad(task.x_test[chosen], ((0, 0), (0, substrate.shape[0] - layers[0])))
    operations = sum(a * b for a, b in zip(layers, layers[1:], strict=False))
    found = {}
    for current in currents:
        context.tell(f"{count} transients at {current * 1e9:.0f} nA")
        inputs = current * x / x[:, : layers[0]].mean(axis=1, keepdims=True)
        answer = substrate.dynamics(
            die, single, inputs, np.roll(inputs, 1, axis=0), PRESENTATION, operations,
            n_classes=task.n_classes, show=shown,
        )  # fmt: skip
        found[current] = Decisions(
            answer, count, current, shown, hidden_currents(substrate, die, answer.waveform.voltages),
            (inputs > ACTIVE * current).sum(1), context.quick,
        )  # fmt: skip
    return found


_taken = jax.jit(input_current)


def hidden_currents(
    substrate: CurrentMirror, die: Die, voltages: Float[np.ndarray, "steps hidden"]
) -> tuple[Float[np.ndarray, "_ steps"], ...]:
    """What each hidden neuron's own input diode takes, layer by layer, A: the neuron's activity.

    Args:
        substrate: the chip.
        die: one die.
        voltages: of the hidden neurons' input nodes, V.
    """
    found, low = [], 0
    for deviations in die.deviations["soma"][1:-1]:
        diode = np.asarray(deviations)[0, :, 0]  # M0 is a soma's first transistor
        own = voltages[:, low : low + len(diode)]
        found.append(np.asarray(_taken(substrate.stage.input_fet, jnp.asarray(own), jnp.asarray(diode))).T)
        low += len(diode)
    return tuple(found)
