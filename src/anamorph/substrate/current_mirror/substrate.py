"""The current-mirror network as a substrate (Binas et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.cell.current_mirror import soma, synapse
from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.protocols import fit_measured, protocol
from anamorph.characterise.synapse_fit import with_synapses
from anamorph.characterise.transfer import Transfer
from anamorph.circuit.netlist import Cell
from anamorph.cost.sheet import CostSheet
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate, WeightGrid
from anamorph.substrate.current_mirror import run as solver
from anamorph.substrate.current_mirror.built import as_built, check_exists, check_places, idle, n_synapses
from anamorph.substrate.current_mirror.chip import chip, readout_code
from anamorph.substrate.current_mirror.cost import cost_sheet
from anamorph.substrate.current_mirror.draws import normals
from anamorph.substrate.current_mirror.dynamics import Dynamics
from anamorph.substrate.current_mirror.dynamics_solver import solve_dynamics
from anamorph.substrate.current_mirror.few_sources import FewSources, suits
from anamorph.substrate.current_mirror.inputs import check_leading, checked_inputs
from anamorph.substrate.current_mirror.levels import NominalSynapse, synapse_levels
from anamorph.substrate.current_mirror.programmed import Programmed
from anamorph.substrate.current_mirror.refine import Exact, refined
from anamorph.substrate.current_mirror.stage import Stage, input_current, stage_of
from anamorph.substrate.current_mirror.synapse_space import envelope_of
from anamorph.substrate.current_mirror.transistor_layer import TransistorLayers, TransistorTransfer
from anamorph.substrate.rectifier import output_rectifier
from anamorph.technology import Technology
from anamorph.threads import in_threads

#: Weight of one positive unit in units of the soma's current (jbinas/adnn; facts: 0.16 to 0.25 by current).
#: Only its ratio to the range of the network's activations matters, as layers may be scaled freely.
UNIT_WEIGHT = 0.25
#: Input currents for which the nominal transfer is meant, A (Binas et al. 2016, section 3.6).
NOMINAL_RANGE = 325e-9
#: Patterns solved together, so that a layer's features stay within a few hundred megabytes.
PATTERN_CHUNK = 2000
#: Programs solved together by tables after few sources were too many, so that coefficients stay within a gigabyte.
PROGRAM_CHUNK = 24
#: Synapses of all dies that are tabulated together: about 2 GB of coefficients.
SYNAPSES_TOGETHER = 100_000


class CurrentMirror(Substrate):
    """Rectifying somas and signed n-bit mirror synapses on a chip of the given shape.

    Args:
        technology: the process card.
        shape: neurons per layer, inputs first.
        n_bits: magnitude bits of every synapse.
        refine: sweeps that solve every synapse exactly and correct the interpolated ones; 0 for none.
        exists: per weight matrix, which synapses are made; all if left out.

    Raises:
        BadInput: fewer than two layers, an empty layer, bits outside 1 to 7, a neuron that nothing feeds.
    """

    name = "current_mirror"
    has_netlist = True

    def __init__(
        self, technology: Technology, shape: Shape, n_bits: int = 3, refine: int = 0,
        exists: Sequence[np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        if len(shape) < 2 or min(shape) < 1:
            raise BadInput("a chip has at least two layers of neurons", got=str(shape))
        if not 1 <= n_bits <= 7:
            raise BadInput("bits of a synapse", expected="1 to 7", got=str(n_bits))
        self.technology, self.shape, self.n_bits, self.refine = technology, tuple(shape), n_bits, refine
        self.v_dd = technology.v_dd
        self.exists = check_exists(exists, self.shape)

    @cached_property
    def stage(self) -> Stage:
        """Soma and synapse, tabulated once per substrate."""
        return stage_of(self.technology, self.n_bits)

    # --- fabrication -------------------------------------------------------------------------------

    def _sigmas(self) -> dict[str, np.ndarray]:
        cells = {"soma": soma(), "synapse": synapse(self.n_bits)}
        return {
            name: np.array([self.technology.threshold_sigma(fet) for _, fet in cell.fets()])
            for name, cell in cells.items()
        }

    def _places(self) -> dict[str, list[tuple[tuple[int, ...], str]]]:
        return {
            "soma": [((n,), "soma") for n in self.shape],
            "synapse": [(pair, "synapse") for pair in zip(self.shape, self.shape[1:], strict=False)],
            "readout": [((self.shape[-1],), "synapse")],
        }

    def _draw(self, key: PRNGKeyArray) -> dict[str, list[Array]]:
        places = [(group, *place) for group, found in self._places().items() for place in found]
        keys = []
        for _ in places:
            key, own = jax.random.split(key)
            keys.append(own)
        sigma = self._sigmas()
        shapes = [(*count, len(sigma[cell])) for _, count, cell in places]
        drawn: dict[str, list[Array]] = {group: [] for group, _, _ in places}
        for (group, _, cell), normal in zip(places, normals(jnp.stack(keys), shapes), strict=True):
            drawn[group].append(normal * sigma[cell])
        return drawn

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """Threshold deviations of every transistor by the area law; see `Technology.threshold_sigma`."""
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(n_dies))
        return Die(self, self._draw_dies(keys))

    @cached_property
    def _draw_dies(self) -> Callable[[PRNGKeyArray], dict[str, list[Array]]]:
        # kept, since compiling takes longer than drawing; die after die, for the memory
        return jax.jit(lambda keys: jax.lax.map(self._draw, keys))

    def nominal(self) -> Die:
        """A die whose transistors are all as drawn."""
        return Die(self, jax.tree.map(jnp.zeros_like, self.fabricate(jax.random.key(0)).deviations))

    # --- what training may know --------------------------------------------------------------------

    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """By the bench's protocol; see `anamorph.characterise.protocols`."""
        positive = bench.setting or 2**self.n_bits - 1
        found = protocol(bench.protocol)(chip, bench, key, positive, (-1,), self.name)
        return found.with_setting(positive)

    def fit(self, characterisation: Characterisation) -> Transfer:
        """Rectifier slopes, normalised by layer, the strength of a negative unit, and synapses where they were read."""
        positive = characterisation.positive_setting(2**self.n_bits - 1)
        fitted = fit_measured(characterisation, self.shape, positive, idle(self.exists, self.shape))
        return with_synapses(fitted, characterisation, UNIT_WEIGHT)

    def assumed_transfer(self) -> Transfer:
        """Equal slopes and the nominal cells' negative unit: design data, no measurement of a chip."""
        unit, exponents = self.stage.nominal_mirrors()
        return Transfer.uniform(self.shape, unit, (0.0, NOMINAL_RANGE), exponents)

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """``unit * code`` for positive codes and ``unit * negative_unit * code`` for negative ones."""
        settings = self.allowed_settings()
        ratio = jnp.asarray(transfer.negative_unit)[:, None]
        levels = UNIT_WEIGHT * settings * jnp.where(settings < 0, ratio, 1.0)
        return WeightGrid(levels, settings)

    def weight_grids(self, transfer: Transfer) -> tuple[WeightGrid, ...]:
        """Of every synapse its own levels, where synapses were measured one by one: sums of its bits."""
        if transfer.synapses is None:
            return super().weight_grids(transfer)
        settings, compression = self.allowed_settings(), self._nominal.compression
        return tuple(
            synapse_levels(transfer.synapse_settings, UNIT_WEIGHT * jnp.asarray(one), settings, compression)
            for one in transfer.synapses
        )

    @cached_property
    def _nominal(self) -> NominalSynapse:
        return NominalSynapse.of(self.stage)

    def allowed_settings(self) -> np.ndarray:
        """Signed codes from the most negative to the most positive."""
        return np.arange(-(2**self.n_bits) + 1, 2**self.n_bits)

    def layer(self, transfer: Transfer, index: int, weights: Array | None, x: Array) -> Array:
        """``max(0, a (x^gamma_p W+ - x^gamma_n W-))`` with the measured slopes a and exponents.

        With exponents of 1 it is the rectifier of Binas et al. 2016, section 3.4. Through transistors where the
        transfer says so.
        """
        last = index == len(self.shape) - 1
        if isinstance(transfer, TransistorTransfer):
            return self._transistors.layer(transfer, index, weights, x, last)
        slope = transfer.activations[index].slope
        if weights is None:
            return slope * jax.nn.relu(x)
        sourced, sunk = _powers(x, transfer.exponents)
        rectifier = output_rectifier if last else jax.nn.relu
        return slope * rectifier(sourced @ jnp.maximum(weights, 0) + sunk @ jnp.minimum(weights, 0))

    def through_transistors(self, transfer: Transfer, full_scale: float) -> TransistorTransfer:
        """See `Substrate.through_transistors` and `transistor_layer`."""
        if not 0 < full_scale < np.inf:
            raise BadInput("not a full scale", where="full_scale", expected="above 0 A", got=f"{full_scale} A")
        return TransistorTransfer.of(transfer, full_scale, self.stage.nominal_mirrors()[0], UNIT_WEIGHT)

    @cached_property
    def _transistors(self) -> TransistorLayers:
        with jax.ensure_compile_time_eval():  # the first to ask may be a training that is being compiled
            gain = self._nominal.gain
            return TransistorLayers(self.stage, (gain[1], gain[readout_code(self.n_bits)]), UNIT_WEIGHT)

    def weight_spread(self, transfer: Transfer, weights: Array) -> Array:
        """By the area law of the unit mirrors: ``sd(w) = s sqrt(|w| u)`` for a weight of several units u.

        Each unit deviates by itself, by ``s = sigma(V_T) / n U_T`` in weak inversion. Where synapses were measured one
        by one, nothing is left to expect.
        """
        if transfer.synapses is not None:
            return jnp.zeros_like(weights)
        sigma = self._unit_spread
        unit = UNIT_WEIGHT * jnp.where(weights < 0, transfer.negative_unit, 1.0)
        return jnp.where(weights < 0, sigma[1], sigma[0]) * jnp.sqrt(jnp.abs(weights) * unit)

    @cached_property
    def _unit_spread(self) -> tuple[float, float]:
        """Relative spread of a positive and of a negative unit's current."""
        fets = dict(synapse(1).fets())
        shares = [
            self.technology.threshold_sigma(fets[name]) / envelope_of(self.technology, polarity)[1]
            for name, polarity in (("MP0", "p"), ("MN0", "n"))
        ]
        return shares[0], shares[1]

    # --- transistor level --------------------------------------------------------------------------

    def check_program(self, program: Program) -> None:
        """Raises also `DoesNotFit` for a weight where there is no synapse."""
        super().check_program(program)
        check_places(program, self.exists)

    def as_built(self, program: Program) -> Program:
        """A program as the solvers of this folder take it; see `built.py`."""
        return as_built(program, self.exists)

    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """See `Substrate.run`. A state outside the tables' range counts as not converged."""
        self.check_program(program)
        batch = self.as_built(program.batched())
        currents = np.asarray(checked_inputs(inputs, self.shape[0]))
        check_leading(len(die), batch.batch, currents.shape[:2])
        lot = max(1, SYNAPSES_TOGETHER // n_synapses(None, self.shape))  # tables have a place for every pair
        lots = [slice(low, low + lot) for low in range(0, len(die), lot)]
        parts = [self._run_lot(die[some], _of_dies(batch, some), _shared(currents, some)) for some in lots]
        return jax.tree.map(lambda *x: jnp.asarray(np.concatenate(x)), *parts)

    def _run_lot(self, die: Die, batch: Program, currents: np.ndarray) -> Response:
        if not self.refine and self.exists is None and suits(batch, currents):
            return self._run_few(die, batch, currents)
        return self._run_tables(die, batch, currents)

    def _run_few(self, die: Die, batch: Program, currents: np.ndarray) -> Response:
        """Programs of a bench, which have few sources; those that need it by tables after all."""
        found = []
        for d, one in enumerate(FewSources.each(self.stage, self._nominal, die)):
            settings = [s[min(d, len(s) - 1)] for s in batch.settings]
            own = currents[min(d, len(currents) - 1)]
            own = np.broadcast_to(own, (batch.batch[1], *own.shape[1:]))
            states, out, able = one.answer(settings, own)
            response = _response(states, out, solved=True)
            rest = np.flatnonzero(~able)
            for low in range(0, len(rest), PROGRAM_CHUNK):
                some = rest[low : low + PROGRAM_CHUNK]
                part = Program(self.name, tuple(s[None, some] for s in settings))
                again = self._run_tables(die[d : d + 1], part, own[None, some])
                response = jax.tree.map(partial(_put, some), response, jax.tree.map(lambda x: x[0], again))
            found.append(response)
        return jax.tree.map(lambda *x: np.stack(x), *found)

    def _run_tables(self, die: Die, batch: Program, currents: np.ndarray) -> Response:
        n_programs = batch.batch[1]
        programmed = Programmed.of(self.stage, die, batch)

        def one(d: int) -> Response:
            tables, solved = programmed.tables(d), programmed.solved(d)
            own = currents[min(d, len(currents) - 1)]
            own = np.broadcast_to(own, (n_programs, *own.shape[1:]))
            chunks = [own[:, low : low + PATTERN_CHUNK] for low in range(0, own.shape[1], PATTERN_CHUNK)]
            exact = Exact.of(die, d, batch) if self.refine else None
            responses = in_threads(lambda c: _response(*self._solve(tables, jnp.asarray(c), exact), solved), chunks)
            return jax.tree.map(lambda *x: np.concatenate(x, axis=1), *responses)

        return jax.tree.map(lambda *x: np.stack(x), *in_threads(one, range(len(die))))

    def _solve(
        self, tables: solver.DieTables, currents: Array, exact: Exact | None
    ) -> tuple[tuple[solver.LayerState, ...], Array]:
        if exact is None:
            return solver.solve_die(tables, currents)
        return refined(self.stage, tables, currents, exact, self.refine)

    def netlist(self, program: Program) -> Cell:
        """The chip with its bits hard-wired; see `chip`."""
        self.check_program(program)
        if program.batch:
            raise BadInput("a netlist is of one program", got=f"a batch of shape {program.batch}")
        return chip(self.as_built(program).settings, self.n_bits)

    def netlist_deviations(self, die: Die) -> Float[np.ndarray, "dies fets"]:
        """Deviations of the dies in the order of the netlist's transistors, V."""
        made = {"synapse": self.exists} if self.exists is not None else {}
        found = []
        for name in ("soma", "synapse", "readout"):
            groups = [np.asarray(group) for group in die.deviations[name]]
            groups = [g[:, w] for g, w in zip(groups, made[name], strict=True)] if name in made else groups
            found += [group.reshape(len(die), -1) for group in groups]
        return np.concatenate(found, axis=1)

    def netlist_drives(self, inputs: Float[np.ndarray, "*patterns n_in"]) -> dict[str, Any]:
        """Value of every source of the netlist for input currents (A): the supply, inputs, held outputs."""
        drives: dict[str, Any] = {"vdd": self.v_dd}
        drives |= {f"out_{k}": solver.V_READ for k in range(self.shape[-1])}
        return drives | {f"i_in_{j}": inputs[..., j] for j in range(self.shape[0])}

    def netlist_currents(self, voltage: Callable[[str], Any], die: Die) -> list[np.ndarray]:
        """Current into every neuron of die 0 from the netlist's node voltages (V), A, ``[*patterns, n]`` per layer."""
        found = []
        for layer, n in enumerate(self.shape):
            v = jnp.stack([jnp.asarray(voltage(f"in_{layer}_{j}")) for j in range(n)], axis=-1)
            found.append(np.asarray(input_current(self.stage.input_fet, v, die.deviations["soma"][layer][0, :, 0])))
        return found

    def dynamics(self, die: Die, program: Program, *arguments: Any, **options: Any) -> Dynamics:
        """Time and energy of decisions; see `dynamics.dynamics`, and `dynamics_solver` for ``solver=``."""
        return solve_dynamics(self, die, program, *arguments, **options)

    def cost(self, program: Program, response: Response) -> CostSheet:
        """Area from the netlist and static power from the response; see `cost_sheet`."""
        return cost_sheet(self.technology, self.netlist(program), response)


def _powers(x: Array, exponents: Array) -> tuple[Array, Array]:
    """x to both exponents for x >= 0, with finite slopes at zero (bent below a thousandth of full scale).

    One logarithm serves both, and the derivative reuses the exponentials: half of training's time went here.
    """
    log = jnp.log(x + 1e-3)
    return x * jnp.exp((exponents[..., 0] - 1) * log), x * jnp.exp((exponents[..., 1] - 1) * log)


def _put(rows: np.ndarray, whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    whole = np.array(whole)
    whole[rows] = part
    return whole


def _shared(values: np.ndarray, dies: slice) -> np.ndarray:
    """The share of some dies of what all of them may have in common."""
    return values if len(values) == 1 else values[dies]


def _of_dies(batch: Program, dies: slice) -> Program:
    return Program(batch.substrate, tuple(_shared(s, dies) for s in batch.settings))


def _response(states: tuple[solver.LayerState, ...], out: Array, solved: bool) -> Response:
    found = np.asarray(np.stack([np.asarray(s.found).all(-1) for s in states]).all(0) & solved)
    supply = np.stack([np.asarray(s.supply) for s in states]).sum(0) + np.asarray(out).sum(-1)
    return Response(
        outputs=np.where(found[..., None], np.asarray(out), np.nan),
        supply_current=np.where(found, supply, np.nan),
        converged=found,
        neuron_currents=tuple(np.asarray(s.current) for s in states),
    )
