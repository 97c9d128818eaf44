"""Time and energy of decisions for networks of any size: the cascade's own transient.

`dynamics.py` integrates the flat netlist and is the judge; this solver gives the same answer for hundreds of neurons.
It leaves the inner nodes of synapses to follow their ports (`charges.py`) and takes the synapses' currents from
the feedforward solver's tables, mismatch of every transistor included. docs/validity.md says how far it is off.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anamorph.circuit.interpolation import CurrentMap, series
from anamorph.errors import BadInput
from anamorph.substrate.contract import Die, Program
from anamorph.substrate.current_mirror.built import n_synapses
from anamorph.substrate.current_mirror.cascade import Layer, Network, Outlet
from anamorph.substrate.current_mirror.charges import cell_charges, layer_charges
from anamorph.substrate.current_mirror.dynamics import (
    RUN_TIMES,
    SWITCHING_TIME,
    Dynamics,
    Inputs,
    Waveform,
    check_request,
    decision_time,
    run_times,
)
from anamorph.substrate.current_mirror.links import Link
from anamorph.substrate.current_mirror.march import Record, march
from anamorph.substrate.current_mirror.mirror_chip import TabulatedChip
from anamorph.substrate.current_mirror.programmed import Programmed
from anamorph.substrate.current_mirror.run import V_READ, DieTables, LayerState, Somas, solve_die
from anamorph.substrate.current_mirror.soma_dynamics import SomaFets, Triple, Triples
from anamorph.substrate.current_mirror.synapse_space import POSITIVE
from anamorph.threads import in_threads

#: Root mean square over a pattern's nodes of the local error of a step, V.
TOLERANCE = 3e-4
#: Patterns that share their time steps; and the record's size.
CHUNK, MAX_STEPS = 64, 1000


def fast_dynamics(
    substrate: TabulatedChip,
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
    """As `anamorph.substrate.current_mirror.dynamics.dynamics`, for networks of any size.

    Args:
        substrate: the chip.
        die: one fabricated instance.
        program: one program, without batch axes.
        inputs: currents into the input neurons, A.
        previous: the patterns that stood there before, A.
        presentation: how long a pattern stands at the input, s.
        operations: of one inference; of the whole chip if left out.
        n_classes: output neurons that count; all if left out.
        show: the pattern whose waveform is kept.
        tolerance: local error of a step, root mean square over a pattern's nodes, V.

    Raises:
        BadInput: more than one die, inputs that do not match, NaN, a presentation shorter than the switch.
    """
    n_out = substrate.shape[-1] if n_classes is None else n_classes
    now, before = np.asarray(inputs, float), np.asarray(previous, float)
    check_request(substrate, die, now, before, presentation, n_out, show)
    substrate.check_program(program)
    if program.batch:
        raise BadInput("dynamics are of one program", got=f"a batch of shape {program.batch}")
    program = substrate.as_built(program)
    programmed = Programmed.of(substrate.stage, die, program.batched())
    tables = programmed.tables(0)
    network = _network(substrate, die, program, tables)

    def one(low: int) -> _Part:
        # the last chunk is filled with its own last pattern: one size, one compilation
        index = np.minimum(np.arange(low, low + size), len(now) - 1)
        kept = min(size, len(now) - low)
        patterns = (now[index], before[index], show - low, kept)
        return _part(network, tables, *patterns, presentation, n_out, substrate.v_dd, tolerance)

    size = min(CHUNK, len(now))
    parts = in_threads(one, range(0, len(now), size))
    fields = zip(*(part.arrays for part in parts), strict=True)
    time, energy, to_output, energy_by, classes, converged, settled = (np.concatenate(a) for a in fields)
    converged = converged & programmed.solved(0)
    time, energy, to_output = (np.where(converged, a, np.nan) for a in (time, energy, to_output))
    energy_by = np.where(converged[:, None], energy_by, np.nan)
    macs = n_synapses(substrate.exists, substrate.shape)
    shown = parts[show // size].waveform
    assert shown is not None
    return Dynamics(
        presentation, operations or macs, time, energy, to_output, energy / presentation, energy_by,
        np.where(converged, classes, -1), converged, settled & converged, shown,
    )  # fmt: skip


def _network(substrate: TabulatedChip, die: Die, program: Program, tables: DieTables) -> Network:
    stage = substrate.stage
    cells = cell_charges(stage)
    charges = layer_charges(cells, program.settings, stage.n_bits)
    links = [None, *(Link.of(stage.regions, matrix) for matrix in tables.matrices)]
    layers = [
        Layer(SomaFets.of(substrate.technology, np.asarray(deviations[0])), own, link)
        for deviations, own, link in zip(die.deviations["soma"], charges, links, strict=True)
    ]
    current_map = stage.regions[1].maps[POSITIVE]
    return Network(tuple(layers), Outlet(current_map, _outlet(current_map, tables.outlet.coefficients()[1][POSITIVE])))


@jax.jit
def _outlet(current_map: CurrentMap, coefficients: Float[Array, "1 n_out M 1 N"]) -> Float[Array, "M n_out"]:
    at = current_map.v.basis(jnp.asarray(V_READ)) @ current_map.psi
    return jnp.einsum("nmk,k->mn", coefficients[0, :, :, 0], at)


@dataclass(frozen=True)
class _Part:
    """Results of one chunk of patterns, in the order of `Dynamics`; the waveform of the shown one."""

    arrays: tuple[np.ndarray, ...]
    waveform: Waveform | None


def _part(
    network: Network, tables: DieTables, now: np.ndarray, before: np.ndarray, show: int, kept: int,
    presentation: float, n_out: int, v_dd: float, tolerance: float,
) -> _Part:  # fmt: skip
    """March one chunk of patterns, `kept` of which count; `show` is negative or beyond them if it is elsewhere."""
    classes, found = _classes(tables, now, n_out)
    start, before_found = _start(tables, before)
    limits = (jnp.asarray(SWITCHING_TIME), jnp.asarray(presentation), jnp.asarray(tolerance))
    here = 0 <= show < kept
    done = march(
        network, jnp.asarray(before), jnp.asarray(now), start, *limits, jnp.asarray(show if here else 0), MAX_STEPS
    )
    used = int(done.count)
    record = jax.tree.map(lambda a: np.asarray(a)[:used], done.record)
    finished = bool(done.end >= presentation)
    converged = np.asarray(done.alive) & found & before_found & finished
    # charge by straight lines, as decisions are; capacitances' charge is a function of the state
    steps = 0.5 * np.diff(record.times)[:, None] * (record.supply[1:] + record.supply[:-1])
    held = record.supply_charge - record.supply_charge[0]
    energies = v_dd * (np.concatenate([np.zeros((1, len(now))), np.cumsum(steps, axis=0)]) + held)
    time, to_output = np.full(len(now), np.nan), np.full(len(now), np.nan)
    energy_by = np.full((len(now), RUN_TIMES), np.nan)
    for p in np.flatnonzero(converged):
        energy_by[p] = np.interp(run_times(presentation), record.times, energies[:, p])
        time[p] = decision_time(record.times, record.outputs[:, p, :n_out], int(classes[p]))
        to_output[p] = np.interp(time[p], record.times, energies[:, p])
    arrays = (time, energies[-1], to_output, energy_by, classes, converged, np.isfinite(time))
    waveform = _waveform(network, record, show) if here else None
    return _Part(tuple(a[:kept] for a in arrays), waveform)


def _classes(tables: DieTables, inputs: np.ndarray, n_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Class of every pattern's operating point, and whether there is one."""
    states, outputs = solve_die(tables, jnp.asarray(inputs)[None])
    found = np.stack([np.asarray(s.found[0].all(-1)) for s in states])
    return np.asarray(outputs)[0, :, :n_out].argmax(-1), np.logical_and.reduce(found)


def _start(tables: DieTables, inputs: np.ndarray) -> tuple[Triples, np.ndarray]:
    """Where every layer rests at the inputs; at ground where no rest was found."""
    states, _ = solve_die(tables, jnp.asarray(inputs)[None])
    rests = [_rest(somas, state) for somas, state in zip(tables.somas, states, strict=True)]
    found = np.logical_and.reduce([np.asarray(fine) for _, fine in rests])
    return tuple(z for z, _ in rests), found


@jax.jit
def _rest(somas: Somas, state: LayerState) -> tuple[Triple, Bool[Array, " patterns"]]:
    """A layer's unknowns in its static state, and the patterns for which there is one."""
    fine = state.found[0].all(-1)
    t = somas.axis.coordinate(state.v[0])
    drives = (series(c[:, None, :], t) for c in (somas.drive_p, somas.drive_n))
    return jnp.where(fine[None, :, None], jnp.stack([state.v[0], *drives]), 0.0), fine


def _waveform(network: Network, record: Record, show: int) -> Waveform:
    sizes = [layer.fets.deviations.shape[2] for layer in network.layers]
    first, last = sizes[0], sum(sizes[:-1])
    names = [f"in_{layer}_{k}" for layer, n in list(enumerate(sizes))[1:-1] for k in range(n)]
    times, outputs, voltages = (np.asarray(a) for a in (record.times, record.outputs[:, show], record.shown))
    return Waveform(times, outputs, voltages[:, first:last], tuple(names))
