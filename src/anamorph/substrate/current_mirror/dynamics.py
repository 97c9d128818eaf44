"""How long the programmed chip takes to decide, and what energy that takes (Binas et al. 2016, section 3.5).

One pattern stands at the input until the chip has settled, then another replaces it. The output class is
the most active output neuron; the *time to output* is the last time at which it differs from the class of
the new pattern's operating point. Energy is the charge out of the supply times V_dd, integrated by
the transient's own quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import Solution, operating_point
from anamorph.circuit.transient import TOLERANCE, TransientSolution, transient
from anamorph.circuit.waveform import Drive
from anamorph.errors import BadInput
from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.built import n_synapses
from anamorph.substrate.current_mirror.mirror_chip import MirrorChip

#: Time in which the input currents change from one pattern to the next, s: far below the chip's own.
SWITCHING_TIME = 10e-9
#: Run times at which energies are kept: so many, evenly over the presentation.
RUN_TIMES = 60
#: Input currents, A.
Inputs = Float[Array | np.ndarray, "patterns n_in"]


@dataclass(frozen=True)
class Waveform:
    """One pattern's currents and voltages at the transient's own times.

    Attributes:
        times: s.
        outputs: current out of every readout synapse, A, ``[steps, n_out]``.
        voltages: of the hidden neurons' input nodes, V, ``[steps, hidden]``.
        neurons: names of those nodes, in order.
    """

    times: Float[np.ndarray, " steps"]
    outputs: Float[np.ndarray, "steps n_out"]
    voltages: Float[np.ndarray, "steps hidden"]
    neurons: tuple[str, ...]


@dataclass(frozen=True)
class Dynamics:
    """Decisions of one programmed die, one entry per pattern.

    Times and energies are NaN for patterns that did not converge; times and energies to the output also for
    those that had not reached their class at the end of the presentation.

    Attributes:
        presentation: how long each pattern stood at the input, s.
        operations: multiply-accumulate operations of one inference.
        time_to_output: from the beginning of the switch, s; zero if the class never differed.
        energy: out of the supply over the presentation, J.
        energy_to_output: the same up to the time to output, J.
        power: mean over the presentation, W.
        energy_by: energy up to each of `run_times`, J.
        classes: output class of the operating point, -1 where that did not converge.
        converged: transient and operating points were found.
        settled: the class at the end of the presentation is that of the operating point.
        waveform: of the pattern asked for.
    """

    presentation: float
    operations: int
    time_to_output: Float[np.ndarray, " patterns"]
    energy: Float[np.ndarray, " patterns"]
    energy_to_output: Float[np.ndarray, " patterns"]
    power: Float[np.ndarray, " patterns"]
    energy_by: Float[np.ndarray, "patterns run_times"]
    classes: Int[np.ndarray, " patterns"]
    converged: Bool[np.ndarray, " patterns"]
    settled: Bool[np.ndarray, " patterns"]
    waveform: Waveform

    @property
    def unconverged(self) -> int:
        """Patterns without an answer."""
        return int((~self.converged).sum())

    @property
    def unsettled(self) -> int:
        """Patterns that converged, and had not reached their class at the end of the presentation."""
        return int((self.converged & ~self.settled).sum())

    @property
    def run_times(self) -> Float[np.ndarray, " run_times"]:
        """At which the energies of `energy_by` are, s: the last is the presentation."""
        return run_times(self.presentation)

    @property
    def energy_per_operation(self) -> Float[np.ndarray, " patterns"]:
        """Energy up to the time to output over the operations, J."""
        return self.energy_to_output / self.operations


def run_times(presentation: float) -> Float[np.ndarray, " run_times"]:
    """`RUN_TIMES` times up to the presentation, s."""
    return np.linspace(0.0, presentation, RUN_TIMES + 1)[1:]


def dynamics(
    substrate: MirrorChip,
    die: Die,
    program: Program,
    inputs: Inputs,
    previous: Inputs,
    presentation: float,
    operations: int | None = None,
    *,
    n_classes: int | None = None,
    show: int = 0,
    tolerance: float = TOLERANCE,
) -> Dynamics:
    """Switch one programmed die from each `previous` pattern to the next one, and watch it decide.

    Args:
        substrate: the chip.
        die: one fabricated instance.
        program: one program, without batch axes.
        inputs: currents into the input neurons, A.
        previous: the patterns that stood there before, A.
        presentation: how long a pattern stands at the input, s.
        operations: of one inference, ``sum n_l n_{l+1}`` of the programmed network; of the whole chip if left
            out.
        n_classes: output neurons that count; all if left out.
        show: the pattern whose waveform is kept.
        tolerance: of the transient, V.

    Raises:
        BadInput: more than one die, inputs that do not match, NaN, a presentation shorter than the switch.
    """
    n_out = substrate.shape[-1] if n_classes is None else n_classes
    now, before = np.asarray(inputs, float), np.asarray(previous, float)
    check_request(substrate, die, now, before, presentation, n_out, show)
    macs = n_synapses(substrate.exists, substrate.shape)
    circuit = compile_cell(substrate.netlist(program), substrate.technology)
    shifts = substrate.netlist_deviations(die)[0]
    end = operating_point(circuit, substrate.netlist_drives(now), shifts)
    final = -np.stack([np.asarray(end.source_current(f"out_{k}")) for k in range(n_out)], axis=-1)
    classes = np.where(end.converged, np.nan_to_num(final).argmax(-1), -1)
    hidden = [f"in_{layer}_{k}" for layer, n in list(enumerate(substrate.shape))[1:-1] for k in range(n)]

    found = transient(
        circuit, _switch(substrate, before, now), presentation, shifts,
        probes=hidden, start=_start(end), tolerance=tolerance,
    )  # fmt: skip
    return _evaluate(substrate, found, end, classes, n_out, presentation, operations or macs, show)


def check_request(
    substrate: MirrorChip, die: Die, now: np.ndarray, before: np.ndarray,
    presentation: float, n_out: int, show: int,
) -> None:  # fmt: skip
    """Raises `BadInput` for what `dynamics` says."""
    n_in = substrate.shape[0]
    if len(die) != 1:
        raise BadInput("dynamics are of one die", got=f"{len(die)} dies", advice="Pick one: die[0].")
    for name, values in (("inputs", now), ("previous", before)):
        if values.ndim != 2 or values.shape != now.shape or values.shape[1] != n_in or not len(values):
            raise BadInput("wrong shape", where=name, expected=f"[patterns, {n_in}]", got=str(values.shape))
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise BadInput("a current that is negative or not finite", where=name, expected="0 A or more")
    if not presentation > SWITCHING_TIME:
        expected = f"longer than the switch, {SWITCHING_TIME:g} s"
        raise BadInput("too short", where="presentation", expected=expected, got=f"{presentation:g} s")
    if not 1 <= n_out <= substrate.shape[-1]:
        raise BadInput("classes", where="n_classes", expected=f"1 to {substrate.shape[-1]}", got=str(n_out))
    if not 0 <= show < len(now):
        raise BadInput("no such pattern", where="show", expected=f"0 to {len(now) - 1}", got=str(show))


def _switch(substrate: MirrorChip, before: np.ndarray, now: np.ndarray) -> dict[str, Drive]:
    corners = np.array([0.0, SWITCHING_TIME])
    drives: dict[str, Drive] = substrate.netlist_drives(now)
    for j in range(substrate.shape[0]):
        drives[f"i_in_{j}"] = (corners, np.stack([before[:, j], now[:, j]], axis=-1))
    return drives


def _start(end: Solution) -> np.ndarray | None:
    """Starting points for the old patterns; none where the new ones have no solution."""
    voltages = np.asarray(end.voltages)
    return voltages if np.isfinite(voltages).all() else None


def _evaluate(
    substrate: MirrorChip, found: TransientSolution, end: Solution, classes: np.ndarray, n_out: int,
    presentation: float, operations: int, show: int,
) -> Dynamics:  # fmt: skip
    converged = found.converged & np.asarray(end.converged)
    outputs = -np.stack([found.source_current(f"out_{k}") for k in range(n_out)], axis=-1)
    energies = found.supplied_energy("vdd")
    size = len(converged)
    time, energy, to_output = (np.full(size, np.nan) for _ in range(3))
    settled = np.zeros(size, bool)
    energy_by = np.full((size, RUN_TIMES), np.nan)
    for p in np.flatnonzero(converged):
        used = slice(found.steps[p])
        energy[p] = energies[p, used][-1]
        energy_by[p] = np.interp(run_times(presentation), found.times[p, used], energies[p, used])
        time[p] = decision_time(found.times[p, used], outputs[p, used], int(classes[p]))
        settled[p] = np.isfinite(time[p])
        if settled[p]:
            to_output[p] = np.interp(time[p], found.times[p, used], energies[p, used])
    used = slice(found.steps[show])
    every = -np.stack([found.source_current(f"out_{k}") for k in range(substrate.shape[-1])], axis=-1)
    waveform = Waveform(found.times[show, used], every[show, used], found.voltages[show, used], found.probes)
    return Dynamics(
        presentation, operations, time, energy, to_output, energy / presentation, energy_by, classes, converged,
        settled, waveform,
    )  # fmt: skip


def decision_time(times: Float[np.ndarray, " steps"], outputs: Float[np.ndarray, "steps n_out"], final: int) -> float:
    """The last time at which the largest output is not `final`, by straight lines between steps.

    Returns:
        s; the first time if `final` was always the largest, NaN if it is not at the end.
    """
    rivals = np.delete(outputs, final, axis=1)
    if not rivals.size:
        return float(times[0])
    lead = outputs[:, final] - rivals.max(axis=1)
    behind = np.flatnonzero(lead <= 0)
    if not behind.size:
        return float(times[0])
    last = int(behind[-1])
    if last == len(times) - 1:
        return float("nan")
    part = lead[last] / (lead[last] - lead[last + 1])
    return float(times[last] + part * (times[last + 1] - times[last]))
