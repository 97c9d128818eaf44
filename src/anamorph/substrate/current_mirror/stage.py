"""One stage of the mirror network, soma and synapse, tabulated for the feedforward solver.

The state of a neuron is the voltage of its input node. From it the soma sets its two gate drives, V_DD - v_p and
v_n. A synapse's current depends on the drive of its active polarity, on the voltage of the node that it feeds, on
its bits, and, through leakage and through the path that its shared inner nodes open when the fed node is near
ground, weakly on the other drive. All of it is solved here on the same netlists that the general
solver and ngspice use.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline

from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.feedforward import Region
from anamorph.circuit.interpolation import FLAT, Axis, Sizes, build
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.operating_point import operating_point
from anamorph.device.mosfet import T_REFERENCE, MosfetParameters, Terminals, drain_current, thermal_voltage
from anamorph.errors import NotConverged
from anamorph.substrate.current_mirror.synapses import SynapsePoints, leans, resting_nodes, synapse_currents
from anamorph.technology import Technology

#: States covered, V: from a neuron pulled to ground to about 8 uA of input current.
STATE_RANGE = (-0.01, 0.58)
#: Ranges of the fed node's voltage: out of headroom below, saturated above; they overlap around the split.
LOW_RANGE, HIGH_RANGE = (-0.01, 0.1), (0.08, 0.58)
#: Nodes of a soma's curves, and of a synapse's currents along its gate drive and along the fed node's voltage.
STATE_NODES, DRIVE_NODES, OUTPUT_NODES = 32, 20, 9
#: Smallest gate drive covered, V: what a soma without input still has from its own leakage, less its mismatch.
DRIVE_MIN = 0.005
#: How far beyond the nominal drives at the largest state the tables reach, V: four sigma of a soma's mismatch.
DRIVE_MARGIN = 0.015
#: Length over which nodes crowd at the lower end, V: a few U_T.
CROWDING = 0.1
#: Deviated samples that span the space of currents, and their size in standard deviations.
PROBES, PROBE_SIGMA = 30, 1.5
#: Spread of the other drive around its nominal relation that the samples cover, V (a soma's three other FETs).
OTHER_DRIVE_SIGMA = 0.008
#: States of a soma that takes about 20 and 300 nA, V.
NOMINAL_STATES = (0.305, 0.405)
#: Furthest that first order is trusted, V: a node behind an open switch floats on leakage and leans by volts.
LEAN_LIMIT = 0.1
#: Somas' states solved together.
CHUNK = 8192


#: Families of settings: positive branch on, negative branch on, and off, whose current is leakage and has a size
#: of its own. For each the polarity of the gate drive that it follows.
POSITIVE, NEGATIVE, OFF = range(3)
FOLLOWED = ("p", "n", "p")
#: Sizes of each family's space: leakage needs fewer functions.
SIZES = (Sizes(), Sizes(), Sizes(8, 5, 5))


def families(n_bits: int) -> tuple[np.ndarray, ...]:
    """Settings of each family, by growing magnitude."""
    magnitudes = np.arange(1, 2**n_bits)
    return magnitudes, -magnitudes, np.zeros(1, int)


@dataclass(frozen=True)
class Stage:
    """Compiled cells and the spaces of synapse currents for one technology.

    Attributes:
        regions: low and high, each with a map per family of settings.
        starts: where the inner nodes of a synapse are, per region and family.
        other_drive: per family, the nominal drive of the other polarity as a function of the family's own.
        input_fet: parameters of M0.
        nominal_curves: of a soma without deviations.
    """

    technology: Technology
    n_bits: int
    soma: Circuit
    synapse: Circuit
    regions: tuple[Region, Region]
    starts: tuple[tuple[Starts, ...], ...]
    other_drive: tuple[CubicSpline, ...]
    input_fet: MosfetParameters
    nominal_curves: SomaCurves

    @classmethod
    def make(cls, technology: Technology, n_bits: int) -> Stage:
        """Compile the cells, solve them on the grid under random deviations, and build the spaces."""
        soma_circuit = compile_cell(_soma_bench(), technology)
        synapse_circuit = compile_cell(_synapse_bench(n_bits), technology)
        nominal = soma_curves(soma_circuit, technology.v_dd, np.zeros((1, len(soma_circuit.fets))))
        d_p, d_n = nominal.drive_p[0], nominal.drive_n[0]
        ways = {"p": (d_p, CubicSpline(d_p, d_n)), "n": (d_n, CubicSpline(d_n, d_p))}
        other = tuple(ways[polarity][1] for polarity in FOLLOWED)
        regions, starts = [], []
        for low, high in (LOW_RANGE, HIGH_RANGE):
            maps, inner = [], []
            for family, polarity, sizes in zip(families(n_bits), FOLLOWED, SIZES, strict=True):
                own, spline = ways[polarity]
                x = Axis.make(DRIVE_MIN, float(own[-1]) + DRIVE_MARGIN, DRIVE_NODES)
                v = Axis.make(low, high, OUTPUT_NODES, CROWDING)
                currents, table = _sample_grid(synapse_circuit, technology.v_dd, family, spline, x, v)
                shape = envelope_of(technology, polarity) if family[0] else FLAT
                maps.append(build(currents, x, v, shape, sizes))
                inner.append(table)
            regions.append(Region(tuple(maps)))
            starts.append(tuple(inner))
        fet = next(fet for name, fet in soma().fets() if name == "M0")
        return cls(
            technology, n_bits, soma_circuit, synapse_circuit, tuple(regions), tuple(starts),
            other, jax.tree.map(jnp.asarray, technology.mosfet(fet)), nominal,
        )  # fmt: skip

    def nominal_mirrors(self) -> tuple[float, tuple[float, float]]:
        """Negative unit at full scale, and the exponents of both polarities, without any deviation.

        From unit synapses of a nominal soma at the states of about 20 and 300 nA, feeding a node in mid range.
        """
        nodes = np.asarray(self.nominal_curves.axis.nodes)
        at = [int(np.argmin(np.abs(nodes - state))) for state in NOMINAL_STATES]
        d_p = np.repeat(self.nominal_curves.drive_p[0, at], 2)
        d_n = np.repeat(self.nominal_curves.drive_n[0, at], 2)
        code = np.tile([1, -1], 2)
        v_dd = self.technology.v_dd
        points = SynapsePoints(code, v_dd - d_p, d_n, np.full(4, 0.35), np.zeros((len(self.synapse.fets), 4)))
        current, _, _ = synapse_currents(self.synapse, v_dd, points, resting_nodes(self.synapse, v_dd, code))
        taken = np.asarray(input_current(self.input_fet, jnp.asarray(nodes[at]), jnp.zeros(2)))
        span = np.log(taken[1] / taken[0])
        rises = np.log(np.abs(current[2:] / current[:2])) / span
        return float(-current[3] / current[2]), (float(rises[0]), float(rises[1]))


_STAGES: dict[tuple[str, int], Stage] = {}


def stage_of(technology: Technology, n_bits: int) -> Stage:
    """`Stage.make`, kept for the life of the process: it depends on the card and the bits alone."""
    key = (technology.digest, n_bits)
    if not technology.digest:  # a card built in memory has no identity to keep it under
        return Stage.make(technology, n_bits)
    if key not in _STAGES:
        _STAGES[key] = Stage.make(technology, n_bits)
    return _STAGES[key]


def input_current(
    input_fet: MosfetParameters, v: Float[Array, "*any"], dv_t: Float[Array, "*some"]
) -> Float[Array, "*any"]:
    """Current into a soma at input voltage v: that of its diode M0, A."""
    return drain_current(input_fet, Terminals(v, v, jnp.zeros_like(v)), dv_t)


def state_guess(
    input_fet: MosfetParameters, current: Float[Array, "*any"], dv_t: Float[Array, "*some"]
) -> Float[Array, "*any"]:
    """Input voltage at which a saturated M0 takes `current`, V: a starting point, not an answer."""
    charge = jnp.sqrt(jnp.maximum(current, 1e-14) / input_fet.i_spec)
    drive = 2 * thermal_voltage(T_REFERENCE) * jnp.log(jnp.expm1(charge))
    return input_fet.v_t0 + dv_t + input_fet.slope_factor * drive


def envelope_of(technology: Technology, polarity: str) -> tuple[float, float, float]:
    """Threshold, n U_T and leakage floor of a unit mirror: what the currents of a polarity scale with."""
    name = "MP0" if polarity == "p" else "MN0"
    p = technology.mosfet(next(fet for n, fet in synapse(1).fets() if n == name))
    slope = float(p.slope_factor * thermal_voltage(T_REFERENCE))
    return float(p.v_t0), slope, float(np.exp(-p.v_t0 / slope))


def _soma_bench() -> Cell:
    ports = {"i_in": "x", "v_p": "v_p", "v_n": "v_n", "vdd": "vdd"}
    sources = (VoltageSource("x", "x"), VoltageSource("vdd", "vdd"))
    return Cell("soma_bench", (), (Instance("soma", soma(), ports), *sources))


def _synapse_bench(n_bits: int) -> Cell:
    cell = synapse(n_bits)
    sources = tuple(VoltageSource(port, port) for port in cell.ports)
    return Cell("synapse_bench", (), (Instance("synapse", cell, {p: p for p in cell.ports}), *sources))


@dataclass(frozen=True)
class SomaCurves:
    """What a soma does at each state node: drives (V), supply current (A), ``[somas, nodes]``."""

    axis: Axis
    drive_p: Float[np.ndarray, "somas nodes"]
    drive_n: Float[np.ndarray, "somas nodes"]
    supply: Float[np.ndarray, "somas nodes"]
    converged: Bool[np.ndarray, " somas"]


def soma_curves(circuit: Circuit, v_dd: float, deviations: Float[np.ndarray, "somas fets"]) -> SomaCurves:
    """Solve somas over all states."""
    axis = Axis.make(*STATE_RANGE, STATE_NODES)
    x = np.broadcast_to(np.asarray(axis.nodes), (len(deviations), STATE_NODES))
    # the mirrors follow their input within tens of millivolts: a start from which Newton needs few steps
    low = np.maximum(x, 0.03)
    guess = {"v_p": v_dd - low, "v_n": low}
    start = np.stack([guess[node] for node in circuit.unknowns], axis=-1)
    solved = operating_point(circuit, {"x": x, "vdd": v_dd}, deviations[:, None, :], start=start, chunk=CHUNK)
    return SomaCurves(
        axis,
        v_dd - np.asarray(solved.voltage("v_p")),
        np.asarray(solved.voltage("v_n")),
        np.asarray(solved.source_current("vdd")),
        np.atleast_1d(np.asarray(solved.converged).all(-1)),
    )


@dataclass(frozen=True)
class Starts:
    """Inner nodes of a family's synapses on a region's grid, and how far deviations push them.

    Attributes:
        nodes: nominal, V, ``[settings, nx, nv, nodes]``.
        leans: their change with each transistor's threshold and, last, with the other drive's gate voltage,
            ``[settings, nx, nv, nodes, fets + 1]``.
    """

    nodes: np.ndarray
    leans: np.ndarray

    def near(
        self,
        index: tuple[np.ndarray, np.ndarray, np.ndarray],
        deviations: Float[np.ndarray, "fets batch"],
        gate_shift: Float[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "nodes batch"]:
        """Where the nodes are to first order at grid points ``(setting, x, v)``; from it Newton needs few steps."""
        knobs = np.concatenate([deviations, gate_shift[None]])
        change = np.einsum("bnk,kb->nb", self.leans[index], knobs, optimize=True)
        return self.nodes[index].T + np.clip(change, -LEAN_LIMIT, LEAN_LIMIT)


def _sample_grid(
    circuit: Circuit, v_dd: float, family: np.ndarray, other: CubicSpline, x: Axis, v: Axis
) -> tuple[np.ndarray, Starts]:
    """Currents [settings, samples, nx, nv] under random deviations (the first none), and where the nodes are."""
    rng = np.random.default_rng(0)  # fixed: the space is a property of the technology, not of a run
    deviations = PROBE_SIGMA * rng.normal(size=(PROBES, len(circuit.fets))) * circuit.threshold_sigma
    shift = OTHER_DRIVE_SIGMA * rng.normal(size=PROBES)
    deviations[0], shift[0] = 0.0, 0.0
    grid = (len(family), PROBES, len(x.nodes), len(v.nodes))
    c, s, i, j = (a.ravel() for a in np.meshgrid(*map(np.arange, grid), indexing="ij"))
    positive = family[c] >= 0
    own = np.asarray(x.nodes)[i]
    second = other(own) + shift[s]
    d_p, d_n = np.where(positive, own, second), np.where(positive, second, own)
    points = SynapsePoints(family[c], v_dd - d_p, d_n, np.asarray(v.nodes)[j], deviations[s].T)

    nominal = np.flatnonzero(s == 0)
    starts, fine = _starts(circuit, v_dd, points.pick(nominal), (grid[0], *grid[2:]), bool(positive[0]))
    gate_shift = np.where(positive, shift[s], -shift[s])
    current, _, done = synapse_currents(circuit, v_dd, points, starts.near((c, i, j), points.deviations, gate_shift))
    if not (fine.all() and done.all()):
        failed = int((~fine).sum()) + int((~done).sum())
        raise NotConverged("synapse cells did not converge on their grid", got=f"{failed} failed points")
    return current.reshape(grid), starts


def _starts(
    circuit: Circuit, v_dd: float, nominal: SynapsePoints, grid: tuple[int, ...], positive: bool
) -> tuple[Starts, np.ndarray]:
    rest = resting_nodes(circuit, v_dd, nominal.code)
    _, nodes, fine = synapse_currents(circuit, v_dd, nominal, rest)
    other_gate = "v_n" if positive else "v_p"
    pushed = leans(circuit, v_dd, nominal, nodes, other_gate)
    return Starts(nodes.T.reshape(*grid, -1), np.moveaxis(pushed, -1, 0).reshape(*grid, *pushed.shape[:2])), fine
