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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from anamorph.characterise.spiking import Activity, FrequencyCurve, Grid, Points, states
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.dense import Given, Slopes, Wiring, linearise, wiring
from anamorph.circuit.netlist import Cell, CurrentSource, Instance, VoltageSource
from anamorph.circuit.oscillation import RESTING, RIPPLING, SETTLED, UNSETTLED, State, Watch, oscillate
from anamorph.device.mosfet import T_REFERENCE
from anamorph.errors import BadInput, nearest
from anamorph.technology import Technology
from anamorph.threads import in_threads

#: Levels of a spike as parts of the supply: ready below the first, a spike through the second.
LEVELS = (0.3, 0.5)
#: Local error of a step, V; frequencies then scatter by 0.03 %, powers by as much (docs/eneurons.md).
TOLERANCE = 3e-4
#: Relative change of the period, from spike to spike and to come, that counts as steady.
SETTLED_CHANGE = 1.5e-3
#: A sample that needs more is given up as not converged.
MAX_SPIKES, MAX_STEPS = 80, 10_000
#: Samples integrated together, at most and at least.
CHUNK, SMALLEST_CHUNK = 512, 16
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
    chunk: int = CHUNK,
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
        chunk: samples integrated together; has no influence on results.

    Raises:
        BadInput: currents that do not increase, deviations that do not fit, levels out of order.
    """
    circuit = compile_cell(neuron.bench(), technology)
    supply = technology.v_dd if v_dd is None else v_dd
    fets = len(circuit.fets)
    shifts = np.zeros((1, fets)) if deviations is None else np.asarray(deviations, float)
    _check(neuron, i_ex, shifts, fets, supply, levels)
    bench = _Bench(neuron, circuit, supply, temperature, tolerance, levels, chunk)
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


@dataclass(frozen=True)
class _Found:
    """Results per sample and current, ``[samples, points]``; the first current is zero."""

    status: np.ndarray
    stable: np.ndarray
    ready: np.ndarray
    frequency: np.ndarray
    current_mean: np.ndarray  # of the supply, A
    current_rms: np.ndarray
    swing: np.ndarray
    width: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True)
class _Bench:
    neuron: Neuron
    circuit: Circuit
    supply: float
    temperature: float
    tolerance: float
    levels: tuple[float, float]
    chunk: int

    def run(self, currents: np.ndarray, shifts: np.ndarray) -> _Found:
        """All combinations, neighbours in current together: they need about as many steps."""
        samples, points = len(shifts), len(currents)
        size = samples * points
        # few sizes, so that compilations are shared
        chunk = min(self.chunk, max(SMALLEST_CHUNK, 2 ** (size - 1).bit_length()))
        net = wiring(self.circuit, self.neuron.supply)
        output = self.circuit.node(self.neuron.output)

        def piece(low: int) -> dict[str, np.ndarray]:
            place = np.minimum(np.arange(low, low + chunk), size - 1)
            point, sample = place // samples, place % samples
            state, slopes, current = self._solve(net, output, currents, currents[point], shifts[sample])
            return _lanes(state, slopes, current, output, self.levels[0] * self.supply)

        parts = in_threads(piece, range(0, size, chunk))
        joined = {name: np.concatenate([p[name] for p in parts])[:size] for name in parts[0]}
        return _Found(**{name: values.reshape(points, samples).T for name, values in joined.items()})

    def _solve(
        self, net: Wiring, output: int, currents: np.ndarray, i_ex: np.ndarray, shifts: np.ndarray
    ) -> tuple[State, Slopes, Array]:
        lanes, s = len(i_ex), self.circuit.structure
        held = {self.neuron.supply: self.supply, **self.neuron.biases}
        given = Given(
            mosfet=jax.tree.map(lambda column: column[:, None], s.mosfet),
            conductance=s.conductance, capacitance=s.capacitance,
            held=jnp.stack([jnp.full(lanes, held[node]) for node in self.circuit.held]),
            sources=jnp.asarray(i_ex)[None], deviations=jnp.asarray(shifts.T),
            temperature=jnp.full(lanes, self.temperature),
        )  # fmt: skip
        start = jnp.zeros((net.n_unknowns, lanes))
        # without excitation there is no time in which it charges anything: the smallest current's serves
        driving = jnp.asarray(np.where(i_ex > 0, i_ex, currents[currents > 0].min()))
        low, high = (jnp.full(lanes, level * self.supply) for level in self.levels)
        watch = Watch(
            low=low, high=high, charging=_capacitance(net, given, start) * self.supply / driving,
            tolerance=jnp.asarray(self.tolerance), settled=jnp.asarray(SETTLED_CHANGE),
            max_spikes=jnp.asarray(MAX_SPIKES), max_steps=jnp.asarray(MAX_STEPS),
        )  # fmt: skip
        state = oscillate(net, given, watch, start, output)
        point, slopes = _linearise(net, given, state.v)
        return state, slopes, point.current[-1]


_linearise = jax.jit(linearise, static_argnums=0)


def _capacitance(net: Wiring, given: Given, v: Array) -> Array:
    """Sum of all nodes' own capacitances, F: what the excitation has to charge is less than that."""
    _, slopes = _linearise(net, given, v)
    return sum((slopes.capacitance[k][k] for k in range(net.n_unknowns)), start=jnp.zeros(v.shape[1]))


def _lanes(state: State, slopes: Slopes, current: Array, output: int, low: float) -> dict[str, np.ndarray]:
    """What a chunk's lanes found."""
    s = state.spikes
    status = np.asarray(state.status)
    spiking, rippling = status == SETTLED, status == RIPPLING
    time, elapsed = np.where(spiking, s.per_spike[0], np.nan), np.asarray(state.t)
    # what only ripples has no period to average over: the whole transient serves
    charge = np.where(rippling, state.delivered / elapsed, current)
    square = np.where(rippling, np.sqrt(state.square / elapsed), np.abs(current))
    return {
        "status": status,
        "stable": _stable(slopes, np.flatnonzero(status == RESTING), len(status)),
        "ready": np.asarray(state.v[output]) < low,
        "frequency": np.where(spiking, 1 / time, 0.0),
        "current_mean": np.where(spiking, s.per_spike[1] / time, charge),
        "current_rms": np.where(spiking, np.sqrt(np.maximum(s.per_spike[2], 0) / time), square),
        "swing": np.where(spiking, s.swing, np.nan),
        "width": np.where(spiking, s.width, np.nan),
        "steps": np.asarray(state.steps, float),
    }


def _stable(slopes: Slopes, lanes: np.ndarray, count: int) -> Bool[np.ndarray, " count"]:
    """Whether small deviations die out: all eigenvalues of -C^-1 G have negative real parts. True outside `lanes`."""

    def matrices(rows: Iterable[Iterable[Array | float]]) -> np.ndarray:
        square = list(rows)[:-1]
        return np.stack([np.stack([np.asarray(x)[lanes] for x in row]) for row in square]).transpose(2, 0, 1)

    stable = np.ones(count, bool)
    if len(lanes):
        rates = np.linalg.eigvals(np.linalg.solve(matrices(slopes.capacitance), -matrices(slopes.conductance)))
        stable[lanes] = rates.real.max(1) < 0
    return stable


def _measurement(
    neuron: Neuron, i_ex: Points, found: _Found, supply: float, temperature: float, process: str
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
