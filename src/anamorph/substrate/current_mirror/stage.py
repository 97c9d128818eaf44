"""One stage of the mirror network, soma and synapse, tabulated for the feedforward solver.

The state of a neuron is the voltage of its input node. From it the soma sets its two gate drives, V_DD - v_p and
v_n. A synapse's current depends on the drive of its active polarity, on the voltage of the node that it feeds, on
its bits, and, through leakage and through the path that its shared inner nodes open when the fed node is near
ground, weakly on the other drive. All of it is solved here on the same netlists that the general
solver and ngspice use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import CubicSpline

from anamorph.cache import Arrays, code_digest, kept_arrays
from anamorph.cell.current_mirror import soma
from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.feedforward import Region
from anamorph.device.mosfet import T_REFERENCE, MosfetParameters, Terminals, drain_current, thermal_voltage
from anamorph.substrate.current_mirror.soma_curves import SomaCurves, soma_bench, soma_curves, state_axis
from anamorph.substrate.current_mirror.synapse_space import (
    MAP_ARRAYS,
    START_ARRAYS,
    Starts,
    assemble,
    grids,
    solve,
    synapse_bench,
)
from anamorph.substrate.current_mirror.synapses import SynapsePoints, resting_nodes, synapse_currents
from anamorph.technology import Technology
from anamorph.versions import versions

#: States of a soma that takes about 20 and 300 nA, V.
NOMINAL_STATES = (0.305, 0.405)
#: What `Stage.arrays` keeps of the nominal soma.
CURVES = ("drive_p", "drive_n", "supply", "converged")


@dataclass(frozen=True)
class Stage:
    """Compiled cells and the spaces of synapse currents for one technology.

    Attributes:
        regions: low and high, each with a map per family of settings.
        starts: where the inner nodes of a synapse are, per region and family.
        other_drive: per family, the nominal drive of the other polarity as a function of the family's own.
        input_fet: parameters of M0.
        nominal_curves: of a soma without deviations.
        recent: curves of the somas that were asked for last; see `curves`.
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
    recent: dict[bytes, SomaCurves] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def make(cls, technology: Technology, n_bits: int, kept: Arrays | None = None) -> Stage:
        """Compile the cells and build the spaces from what is kept of an equal stage, or solve everything.

        Args:
            technology: the process card.
            n_bits: magnitude bits of a synapse.
            kept: `arrays` of the same stage made earlier.
        """
        soma_circuit = compile_cell(soma_bench(), technology)
        synapse_circuit = compile_cell(synapse_bench(n_bits), technology)
        if kept is None:
            nominal = soma_curves(soma_circuit, technology.v_dd, np.zeros((1, len(soma_circuit.fets))))
        else:
            nominal = SomaCurves(state_axis(), *(kept[name] for name in CURVES))
        spaces = grids(technology, n_bits, nominal)

        def solved(region: int, index: int) -> Arrays:
            if kept is None:
                return solve(synapse_circuit, technology.v_dd, spaces[region][index])
            return {name: kept[_named(region, index, name)] for name in (*MAP_ARRAYS, *START_ARRAYS)}

        found = [[assemble(g, solved(r, i)) for i, g in enumerate(row)] for r, row in enumerate(spaces)]
        low, high = (Region(tuple(current_map for current_map, _ in row)) for row in found)
        fet = next(fet for name, fet in soma().fets() if name == "M0")
        return cls(
            technology, n_bits, soma_circuit, synapse_circuit, (low, high),
            tuple(tuple(starts for _, starts in row) for row in found),
            tuple(grid.other_drive for grid in spaces[0]),
            jax.tree.map(jnp.asarray, technology.mosfet(fet)), nominal,
        )  # fmt: skip

    def arrays(self) -> Arrays:
        """Everything that was solved, by name: what `make` needs to build the same stage without solving."""
        found = {name: getattr(self.nominal_curves, name) for name in CURVES}
        for region, (maps, starts) in enumerate(zip(self.regions, self.starts, strict=True)):
            for index, (current_map, table) in enumerate(zip(maps.maps, starts, strict=True)):
                found |= {_named(region, index, name): getattr(current_map, name) for name in MAP_ARRAYS}
                found |= {_named(region, index, name): getattr(table, name) for name in START_ARRAYS}
        return {name: np.asarray(value) for name, value in found.items()}

    def curves(self, deviations: Float[np.ndarray, "somas fets"]) -> SomaCurves:
        """`soma_curves`, remembered for the last dies: the same are measured and then run with several programs."""
        key = hashlib.sha256(np.ascontiguousarray(deviations).tobytes()).digest()
        found = self.recent.get(key)
        if found is None:
            found = soma_curves(self.soma, self.technology.v_dd, deviations)
            self.recent.clear()
            self.recent[key] = found
        return found

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


#: Whose code decides what the arrays are.
CODE = ("cell", "circuit", "device", "technology", "substrate/current_mirror")

_STAGES: dict[tuple[str, int], Stage] = {}


def stage_of(technology: Technology, n_bits: int) -> Stage:
    """`Stage.make`, kept for the life of the process and on disk: it depends on the card and the bits alone."""
    if not technology.digest:  # a card built in memory has no identity to keep it under
        return Stage.make(technology, n_bits)
    key = (technology.digest, n_bits)
    if key not in _STAGES:
        identity = f"{key} {code_digest(*CODE)} {sorted(versions().items())}"
        kept = kept_arrays("tables", identity, lambda: Stage.make(technology, n_bits).arrays())
        # also after making it: a stage is the same to the last bit whether its arrays come from disk or not
        _STAGES[key] = Stage.make(technology, n_bits, kept)
    return _STAGES[key]


def _named(region: int, family: int, name: str) -> str:
    return f"{name}_{region}_{family}"


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
