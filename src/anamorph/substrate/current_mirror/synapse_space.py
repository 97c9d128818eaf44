"""The space of a synapse's currents on a grid of its gate drive and of the voltage that it feeds.

`solve` samples the synapse's netlist on that grid under random deviations; `assemble` makes from the result the map
that the feedforward solver reads, and the starting points of Newton for a synapse's own deviations.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from anamorph.cache import Arrays
from anamorph.cell.current_mirror import synapse
from anamorph.circuit.compile import Circuit
from anamorph.circuit.interpolation import FLAT, Axis, CurrentMap, Sizes, build
from anamorph.circuit.netlist import Cell, Instance, VoltageSource
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.errors import NotConverged
from anamorph.substrate.current_mirror.soma_curves import SomaCurves
from anamorph.substrate.current_mirror.synapses import SynapsePoints, leans, resting_nodes, synapse_currents
from anamorph.technology import Technology

#: Ranges of the fed node's voltage: out of headroom below, saturated above; they overlap around the split.
LOW_RANGE, HIGH_RANGE = (-0.01, 0.1), (0.08, 0.58)
#: Nodes along the gate drive and along the fed node's voltage.
DRIVE_NODES, OUTPUT_NODES = 20, 9
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
#: Furthest that first order is trusted, V: a node behind an open switch floats on leakage and leans by volts.
LEAN_LIMIT = 0.1

#: Families of settings: positive branch on, negative branch on, and off, whose current is leakage and has a size
#: of its own. For each the polarity of the gate drive that it follows.
POSITIVE, NEGATIVE, OFF = range(3)
FOLLOWED = ("p", "n", "p")
#: Sizes of each family's space: leakage needs fewer functions. So do currents into a node out of headroom, whose
#: error (1 % of less than 0.1 nA) is that of the interpolation near ground and no better with more functions.
SIZES = (Sizes(), Sizes(), Sizes(8, 5, 5))
LOW_SIZES = (Sizes(7, 6, 5), Sizes(7, 6, 5), Sizes(5, 3, 3))


def families(n_bits: int) -> tuple[np.ndarray, ...]:
    """Settings of each family, by growing magnitude."""
    magnitudes = np.arange(1, 2**n_bits)
    return magnitudes, -magnitudes, np.zeros(1, int)


#: What a space is made of: the arrays of a `CurrentMap` and of `Starts`.
MAP_ARRAYS = ("phi", "psi", "points", "expand")
START_ARRAYS = ("nodes", "leans")


def envelope_of(technology: Technology, polarity: str) -> tuple[float, float, float]:
    """Threshold, n U_T and leakage floor of a unit mirror: what the currents of a polarity scale with."""
    name = "MP0" if polarity == "p" else "MN0"
    p = technology.mosfet(next(fet for n, fet in synapse(1).fets() if n == name))
    slope = float(p.slope_factor * thermal_voltage(T_REFERENCE))
    return float(p.v_t0), slope, float(np.exp(-p.v_t0 / slope))


def synapse_bench(n_bits: int) -> Cell:
    """A synapse with a voltage source at every port."""
    cell = synapse(n_bits)
    sources = tuple(VoltageSource(port, port) for port in cell.ports)
    return Cell("synapse_bench", (), (Instance("synapse", cell, {p: p for p in cell.ports}), *sources))


@dataclass(frozen=True)
class Grid:
    """Where one family of settings is tabulated in one region.

    Attributes:
        family: settings.
        x, v: gate drive of the family's polarity, and voltage of the fed node, V.
        other_drive: nominal drive of the other polarity as a function of x.
        shape: of the envelope of the currents.
        sizes: of the space.
    """

    family: np.ndarray
    x: Axis
    v: Axis
    other_drive: CubicSpline
    shape: tuple[float, float, float]
    sizes: Sizes


def grids(technology: Technology, n_bits: int, nominal: SomaCurves) -> tuple[tuple[Grid, ...], ...]:
    """For each region (low, high) the grid of each family; `nominal` are the drives of a soma without deviations."""
    drive = {"p": nominal.drive_p[0], "n": nominal.drive_n[0]}

    def grid(low: float, high: float, family: np.ndarray, polarity: str, sizes: Sizes) -> Grid:
        own, other = drive[polarity], drive["n" if polarity == "p" else "p"]
        x = Axis.make(DRIVE_MIN, float(own[-1]) + DRIVE_MARGIN, DRIVE_NODES)
        v = Axis.make(low, high, OUTPUT_NODES, CROWDING)
        shape = envelope_of(technology, polarity) if family[0] else FLAT
        return Grid(family, x, v, CubicSpline(own, other), shape, sizes)

    each = tuple(zip(families(n_bits), FOLLOWED, strict=True))
    ranges = ((LOW_RANGE, LOW_SIZES), (HIGH_RANGE, SIZES))
    return tuple(
        tuple(grid(*ends, *one, size) for one, size in zip(each, sizes, strict=True)) for ends, sizes in ranges
    )


def solve(circuit: Circuit, v_dd: float, grid: Grid) -> Arrays:
    """Solve the synapse on the grid: `MAP_ARRAYS` and `START_ARRAYS`.

    Raises:
        NotConverged: somewhere on the grid.
    """
    currents, starts = _sample_grid(circuit, v_dd, grid)
    current_map = build(currents, grid.x, grid.v, grid.shape, grid.sizes)
    found = {name: np.asarray(getattr(current_map, name)) for name in MAP_ARRAYS}
    return found | {name: getattr(starts, name) for name in START_ARRAYS}


def assemble(grid: Grid, solved: Arrays) -> tuple[CurrentMap, Starts]:
    """What `solve` found, as the solver reads it."""
    current_map = CurrentMap(grid.x, grid.v, *(jnp.asarray(solved[name]) for name in MAP_ARRAYS), envelope=grid.shape)
    return current_map, Starts(*(solved[name] for name in START_ARRAYS))


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
        return self.nodes[index].T + self.pushed(index, deviations, gate_shift)

    def pushed(
        self,
        index: tuple[np.ndarray, np.ndarray, np.ndarray],
        deviations: Float[np.ndarray, "fets batch"],
        gate_shift: Float[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "nodes batch"]:
        """What deviations add to the nodes there."""
        knobs = np.concatenate([deviations, gate_shift[None]])
        change = np.einsum("bnk,kb->nb", self.leans[index], knobs, optimize=True)
        return np.clip(change, -LEAN_LIMIT, LEAN_LIMIT)


def _sample_grid(circuit: Circuit, v_dd: float, along: Grid) -> tuple[np.ndarray, Starts]:
    """Currents [settings, samples, nx, nv] under random deviations (the first none), and where the nodes are."""
    family, x, v = along.family, along.x, along.v
    rng = np.random.default_rng(0)  # fixed: the space is a property of the technology, not of a run
    deviations = PROBE_SIGMA * rng.normal(size=(PROBES, len(circuit.fets))) * circuit.threshold_sigma
    shift = OTHER_DRIVE_SIGMA * rng.normal(size=PROBES)
    deviations[0], shift[0] = 0.0, 0.0
    grid = (len(family), PROBES, len(x.nodes), len(v.nodes))
    c, s, i, j = (a.ravel() for a in np.meshgrid(*map(np.arange, grid), indexing="ij"))
    positive = family[c] >= 0
    own = np.asarray(x.nodes)[i]
    second = along.other_drive(own) + shift[s]
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
