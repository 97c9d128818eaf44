"""Transient characterisation of any spiking cell: f_spike and power against the excitation current.

A neuron is a netlist `Cell` of which three ports are known by name: where the excitation current goes in, where the
spikes come out, and the supply. Every combination of current and mismatch sample is a transient of its own, from
discharged nodes at switched-on supply, until its spikes are steady or nothing moves any more
(`circuit/oscillation.py`).

    spiking   the output rises through half the supply again and again (`LEVELS`), period and swing steady
    silent    it rests, or ripples below a spike's levels, at a current below those at which it spikes
    stopped   the same above, or the output rests too high to be ready for a spike

A resting answer counts as converged only if the equilibrium is stable: all eigenvalues of -C^-1 G to the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from anamorph.characterise.spiking import Activity, FrequencyCurve, Grid, Points, states
from anamorph.characterise.transients import LANES, Bench, Found
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.netlist import Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.oscillation import RESTING, SETTLED, UNSETTLED
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology

#: Levels of a spike as parts of the supply: ready below the first, a spike through the second.
LEVELS = (0.3, 0.5)
#: Local error of a step, V; frequencies then scatter by 0.03 %, powers by as much (docs/eneurons.md).
TOLERANCE = 3e-4
#: Names of the bench's sources.
DRIVE, SUPPLY = "i_ex", "v_supply"


@dataclass(frozen=True)
class Neuron:
    """A spiking cell, and what its ports are for.

    Attributes:
        cell: the circuit.
        input: port into which the excitation current flows.
        output: port that spikes.
        supply: port of the supply.
        biases: potential of every other port, V.

    Raises:
        BadInput: no such port, one port for two purposes, or a port without a purpose.
    """

    cell: Cell
    input: str = "v_m"
    output: str = "out"
    supply: str = "vdd"
    biases: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where, ports = f"neuron {self.cell.name}", self.cell.ports
        for port in (self.input, self.output, self.supply, *self.biases):
            if port not in ports:
                raise BadInput(f"no port '{port}'", where=where, advice=nearest(port, ports))
        if self.supply in (self.input, self.output) or {self.input, self.output, self.supply} & set(self.biases):
            raise BadInput("one port for two purposes", where=where, expected="supply and biases ports of their own")
        unused = set(ports) - {self.input, self.output, self.supply, *self.biases}
        if unused:
            got = ", ".join(sorted(unused))
            raise BadInput("a port without a purpose", where=where, got=got, advice="Give it a potential in `biases`.")

    def bench(self) -> Cell:
        """The cell with a current source at its input, its supply and its biases."""
        elements = (
            Instance("neuron", self.cell, {port: port for port in self.cell.ports}),
            CurrentSource(DRIVE, self.input),
            VoltageSource(SUPPLY, self.supply),
            *(VoltageSource(f"v_bias_{port}", port) for port in self.biases),
        )
        return Cell(f"bench_of_{self.cell.name}", (), elements)


@dataclass(frozen=True)
class NeuronMeasurement:
    """What a transient characterisation found.

    Attributes:
        curve: f_spike and the supply's power against current.
        idle_power: of the supply without excitation, W; NaN where the neuron does not rest then.
        swing: of the output, lowest to highest, V; NaN where nothing spikes.
        width: time of a spike above half the supply, s; likewise.
        steps: time steps of each transient.
    """

    curve: FrequencyCurve
    idle_power: Float[np.ndarray, " samples"]
    swing: Grid
    width: Grid
    steps: Float[np.ndarray, "samples points"]


def mismatch(
    neuron: Neuron, technology: Technology, key: PRNGKeyArray, samples: int
) -> Float[np.ndarray, "samples fets"]:
    """Threshold deviations of every transistor by the area law, V, in the order of ``cell.fets()``."""
    sigma = np.array([technology.threshold_sigma(fet) for _, fet in neuron.cell.fets()])
    return sigma * np.asarray(jax.random.normal(key, (samples, len(sigma))))


def characterise_neuron(
    neuron: Neuron,
    technology: Technology,
    i_ex: Points,
    deviations: Float[np.ndarray, "samples fets"] | None = None,
    *,
    v_dd: float | None = None,
    temperature: float = T_REFERENCE,
    tolerance: float = TOLERANCE,
    levels: tuple[float, float] = LEVELS,
    lanes: int = LANES,
) -> NeuronMeasurement:
    """Measure f_spike, power and spikes of a neuron at every current, for every mismatch sample.

    Args:
        neuron: the circuit and its ports.
        technology: its process.
        i_ex: excitation currents, positive and increasing, A.
        deviations: threshold deviation of every transistor, V; one sample without any if left out.
        v_dd: supply, V; the process's own if left out.
        temperature: K.
        tolerance: local error of a time step in any node, V.
        levels: of a spike, as parts of the supply.
        lanes: transients in work at a time on each core; has no influence on results.

    Raises:
        BadInput: currents that do not increase, deviations that do not fit, levels out of order.
    """
    circuit = compile_cell(neuron.bench(), technology)
    supply = technology.v_dd if v_dd is None else v_dd
    fets = len(circuit.fets)
    shifts = np.zeros((1, fets)) if deviations is None else np.asarray(deviations, float)
    _check(neuron, i_ex, shifts, fets, supply, levels)
    held = {neuron.supply: supply, **neuron.biases}
    bench = Bench(circuit, neuron.supply, neuron.output, held, supply, temperature, tolerance, levels, lanes)
    found = bench.run(np.concatenate([[0.0], i_ex]), shifts)
    return _measurement(neuron, i_ex, found, supply, temperature, technology.name)


def _check(
    neuron: Neuron, i_ex: Points, shifts: np.ndarray, fets: int, supply: float, levels: tuple[float, float]
) -> None:
    where = f"neuron {neuron.cell.name}"
    if i_ex.ndim != 1 or not len(i_ex) or not np.isfinite(i_ex).all() or i_ex[0] <= 0 or (np.diff(i_ex) <= 0).any():
        raise BadInput("currents are not positive and increasing", where=f"{where}: i_ex")
    if shifts.ndim != 2 or shifts.shape[1] != fets or not np.isfinite(shifts).all():
        expected = f"finite numbers, [samples, {fets}]"
        raise BadInput("not deviations of this neuron", where=where, expected=expected, got=f"{shifts.shape}")
    if not (0 < levels[0] < levels[1] < 1 and supply > 0):
        raise BadInput("no levels of a spike", where=where, expected="0 < low < high < 1", got=f"{levels}")


def _measurement(
    neuron: Neuron, i_ex: Points, found: Found, supply: float, temperature: float, process: str
) -> NeuronMeasurement:
    spiking = found.status == SETTLED
    resting = found.status == RESTING
    state = states(spiking[:, 1:])
    stuck = resting[:, 1:] & ~found.ready[:, 1:]
    state = np.where(stuck, int(Activity.STOPPED), state)
    converged = (found.status != UNSETTLED) & found.stable
    curve = FrequencyCurve(
        i_ex=i_ex, f_spike=found.frequency[:, 1:], state=state,
        power_rms=supply * found.current_rms[:, 1:], power_mean=supply * found.current_mean[:, 1:],
        converged=converged[:, 1:], v_dd=supply, temperature=temperature,
        source=f"transients of {neuron.cell.name} in {process}",
    )  # fmt: skip
    idle = np.where((resting & found.stable)[:, 0], supply * found.current_mean[:, 0], np.nan)
    return NeuronMeasurement(curve, idle, found.swing[:, 1:], found.width[:, 1:], found.steps[:, 1:])
