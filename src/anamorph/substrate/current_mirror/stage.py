"""One stage of the mirror network, soma and synapse, tabulated for the feedforward solver.

The state of a neuron is the voltage of its input node. From it the soma sets its two gate drives, V_DD - v_p and
v_n. A synapse's current depends on the drive of its active polarity, on the voltage of the node that it feeds, on
its bits, and, through leakage and through the path that its shared inner nodes open when the fed node is near
ground, weakly on the other drive. All of it is solved here on the same netlists that the general
solver and ngspice use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy.interpolate import CubicSpline

from anamorph.cell.current_mirror import soma, synapse
from anamorph.circuit.assembly import Conditions, static_residual
from anamorph.circuit.compile import Circuit, Structure, compile_cell
from anamorph.circuit.feedforward import Region
from anamorph.circuit.interpolation import Axis, Sizes, build
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.circuit.operating_point import newton, operating_point
from anamorph.device.mosfet import T_REFERENCE, MosfetParameters, Terminals, drain_current, thermal_voltage
from anamorph.errors import NotConverged
from anamorph.technology import Technology
from anamorph.threads import in_threads

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
#: Last Newton step at which a tabulated current is exact: the error left is its square over n U_T, below 0.1 uV.
TABLE_STEP = 5e-5
#: States of a soma that takes about 20 and 300 nA, V.
NOMINAL_STATES = (0.305, 0.405)
#: Points solved together.
CHUNK = 8192


def families(n_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Settings whose positive branch is on (zero included), and those whose negative branch is on."""
    return np.arange(2**n_bits), -np.arange(1, 2**n_bits)


@dataclass(frozen=True)
class Stage:
    """Compiled cells and the spaces of synapse currents for one technology.

    Attributes:
        regions: low and high, each with a map per family of settings.
        starts: nominal inner nodes of the synapse on the grid, per region and family ``[settings, nx, nv, nodes]``.
        other_drive: per family, the nominal drive of the other polarity as a function of the family's own.
        input_fet: parameters of M0.
        nominal_curves: of a soma without deviations.
    """

    technology: Technology
    n_bits: int
    soma: Circuit
    synapse: Circuit
    regions: tuple[Region, Region]
    starts: tuple[tuple[np.ndarray, ...], ...]
    other_drive: tuple[CubicSpline, CubicSpline]
    input_fet: MosfetParameters
    nominal_curves: SomaCurves

    @classmethod
    def make(cls, technology: Technology, n_bits: int, sizes: Sizes | None = None) -> Stage:
        """Compile the cells, solve them on the grid under random deviations, and build the spaces."""
        soma_circuit = compile_cell(_soma_bench(), technology)
        synapse_circuit = compile_cell(_synapse_bench(n_bits), technology)
        nominal = soma_curves(soma_circuit, technology.v_dd, np.zeros((1, len(soma_circuit.fets))))
        d_p, d_n = nominal.drive_p[0], nominal.drive_n[0]
        other = CubicSpline(d_p, d_n), CubicSpline(d_n, d_p)
        regions, starts = [], []
        for low, high in (LOW_RANGE, HIGH_RANGE):
            maps, inner = [], []
            for family, own, polarity in zip(families(n_bits), (d_p, d_n), ("p", "n"), strict=True):
                x = Axis.make(DRIVE_MIN, float(own[-1]) + DRIVE_MARGIN, DRIVE_NODES)
                v = Axis.make(low, high, OUTPUT_NODES, CROWDING)
                spline = other[0] if polarity == "p" else other[1]
                currents, table = _sample_grid(synapse_circuit, technology.v_dd, family, spline, x, v)
                shape = _envelope_shape(technology, polarity)
                maps.append(build(currents, x, v, shape, sizes or Sizes()))
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
        current, _, _ = synapse_currents(
            self.synapse, v_dd, code, v_dd - d_p, d_n, np.full(4, 0.35),
            np.zeros((len(self.synapse.fets), 4)), resting_nodes(self.synapse, v_dd, code),
        )  # fmt: skip
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


def _envelope_shape(technology: Technology, polarity: str) -> tuple[float, float, float]:
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


@partial(jax.jit, static_argnames="output")
def _output_currents(structure: Structure, start: Array, given: Conditions, output: int) -> tuple[Array, Array, Array]:
    v, done, *_ = newton(structure, start, given, voltage_tolerance=TABLE_STEP)
    leaving, _, _ = static_residual(structure, v, given)
    return -leaving[structure.n_unknowns + output], v, done


def synapse_currents(
    circuit: Circuit,
    v_dd: float,
    code: Int[np.ndarray, " batch"],
    v_p: Float[np.ndarray, " batch"],
    v_n: Float[np.ndarray, " batch"],
    v_out: Float[np.ndarray, " batch"],
    deviations: Float[np.ndarray, "fets batch"],
    start: Float[np.ndarray, "nodes batch"],
) -> tuple[Float[np.ndarray, " batch"], Float[np.ndarray, "nodes batch"], Bool[np.ndarray, " batch"]]:
    """Current into the fed node (A), inner-node voltages and convergence of many synapses.

    A point that does not converge from its start is solved again from afar before it is given up.
    """
    held = {"v_p": v_p, "v_n": v_n, "i_out": v_out, "vdd": np.full(v_p.shape, v_dd)}
    held["w_sign"] = np.where(code < 0, v_dd, 0.0)
    for port in circuit.voltage_sources:
        if port.startswith("w_") and port != "w_sign":
            held[port] = np.where((np.abs(code) >> int(port[2:])) & 1, v_dd, 0.0)
    stacked = np.stack([held[name] for name in circuit.voltage_sources])
    size = len(v_p)
    output = circuit.voltage_sources.index("i_out")
    cases = (stacked, np.zeros((0, size)), deviations, np.full(size, T_REFERENCE))

    chunk = CHUNK if size > CHUNK // 4 else CHUNK // 8

    def solve(low: int) -> tuple[np.ndarray, ...]:
        index = np.minimum(np.arange(low, low + chunk), size - 1)  # chunks of two sizes: two compilations
        given = Conditions(*(jnp.asarray(a[..., index]) for a in cases))
        return jax.tree.map(
            np.asarray, _output_currents(circuit.structure, jnp.asarray(start[..., index]), given, output)
        )

    parts = in_threads(solve, range(0, size, chunk))
    current, nodes, done = (np.concatenate(a, -1)[..., :size] for a in zip(*parts, strict=True))
    failed = np.flatnonzero(~done)
    if failed.size:
        drives = {name: row[failed] for name, row in zip(circuit.voltage_sources, stacked, strict=True)}
        again = operating_point(circuit, drives, deviations[:, failed].T)
        current[failed] = -np.asarray(again.source_current("i_out"))
        nodes[:, failed] = np.asarray(again.voltages).T
        done[failed] = np.asarray(again.converged)
    return current, nodes, done


def resting_nodes(circuit: Circuit, v_dd: float, code: Int[np.ndarray, " batch"]) -> Float[np.ndarray, "nodes batch"]:
    """Where a synapse's inner nodes roughly are: rails at their supplies, the others where its branch pulls them."""
    rails = {"synapse.top": v_dd, "synapse.bottom": 0.0}
    pulled = np.where(code >= 0, v_dd, 0.0)
    return np.stack([np.full(code.shape, rails[n]) if n in rails else pulled for n in circuit.unknowns])


def _sample_grid(
    circuit: Circuit, v_dd: float, family: np.ndarray, other: CubicSpline, x: Axis, v: Axis
) -> tuple[np.ndarray, np.ndarray]:
    """Currents [settings, samples, nx, nv] under random deviations (the first none), and nominal inner nodes."""
    rng = np.random.default_rng(0)  # fixed: the space is a property of the technology, not of a run
    deviations = PROBE_SIGMA * rng.normal(size=(PROBES, len(circuit.fets))) * circuit.threshold_sigma
    shift = OTHER_DRIVE_SIGMA * rng.normal(size=PROBES)
    deviations[0], shift[0] = 0.0, 0.0
    grid = (len(family), PROBES, len(x.nodes), len(v.nodes))
    c, s, i, j = (a.ravel() for a in np.meshgrid(*map(np.arange, grid), indexing="ij"))
    own = np.asarray(x.nodes)[i]
    second = other(own) + shift[s]
    positive = family[c] >= 0
    d_p, d_n = np.where(positive, own, second), np.where(positive, second, own)

    v_out = np.asarray(v.nodes)[j]

    def solve(which: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return synapse_currents(
            circuit, v_dd, family[c[which]], v_dd - d_p[which], d_n[which], v_out[which],
            deviations[s[which]].T, start,
        )  # fmt: skip

    nominal = s == 0
    _, inner, fine = solve(nominal, resting_nodes(circuit, v_dd, family[c[nominal]]))
    table = inner.T.reshape(grid[0], grid[2], grid[3], -1)
    current, _, done = solve(np.ones_like(nominal), table[c, i, j].T)
    if not (fine.all() and done.all()):
        failed = int((~fine).sum()) + int((~done).sum())
        raise NotConverged("synapse cells did not converge on their grid", got=f"{failed} failed points")
    return current.reshape(grid), table
