r"""Chips of memory-cell multipliers (Bavandpour et al. 2019) for the flow of every substrate.

    y_0 = min(R_0, a_0 x),    y_k = min(R_k, a_k max(0, y_{k-1} W_k)),    signals rounded to so many bits

A layer's sums come out of converters that rectify and end at R; as numbers they go to the next multiplier. An input
current is converted to such a number first. Values are in units of `unit`, the current that stands for 1, at both ends.

Every column's converter compares with a current of its own, copied by a small transistor: it deviates by the area law
and is not trimmed, which is what a neuron's slope a is. That, and everything else of a multiplier but noise (cells as
written, their drift, another temperature, lines that move, wires, capacitors, leakage, offsets, rounding), differs
from die to die as `anamorph.vmm.behaviour` has it. Noise needs a random key that `run` has not.

Numbers go from layer to layer, not voltages, so the whole chip is no one circuit; the array of each layer is one
(`Crossbar.benches`).
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.fit import fit_rectifiers
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.transfer import Transfer
from anamorph.circuit.netlist import Cell
from anamorph.cost.sheet import CostSheet
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate, WeightGrid
from anamorph.substrate.crossbar.cost import cost_sheet, supply_current
from anamorph.substrate.crossbar.dies import Deviations, fabricated, nominal
from anamorph.substrate.crossbar.multipliers import WEIGHT_MAX, multipliers, reference_spread
from anamorph.substrate.crossbar.netlist import bench
from anamorph.substrate.current_mirror.inputs import check_leading, checked_inputs
from anamorph.substrate.rectifier import output_rectifier
from anamorph.technology import Technology
from anamorph.technology.memory import load_memory
from anamorph.vmm.behaviour import Structure, answer
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.magnitudes import Magnitudes
from anamorph.vmm.rounding import TIE
from anamorph.vmm.write_verify import WritePlan
from anamorph.vmm.write_verify import program as write_plan

MIN_BITS, MAX_BITS = 2, 7
#: Weights of the other side that a measurement compares, in steps.
WEAKER = (-1, -2)


class Crossbar(Substrate):
    """Multipliers of one kind of memory cell in layers of any shape.

    Args:
        technology: card of the transistors that copy the converters' reference currents.
        shape: neurons per layer, inputs first.
        n_bits: of a weight's magnitude; a sign comes on top.
        cell: kind of memory cell, a name of `anamorph.vmm.design.CELLS`.
        encoding: of the inputs, a name of `anamorph.vmm.design.ENCODINGS`.
        signal_bits: of inputs and outputs of every layer.
        unit: input current that stands for 1, A.
        headroom: where signals end: inputs, and sums.
        reference_area: gate area of the transistors that copy reference currents, m².

    Raises:
        BadInput: not a shape, a number of bits, or a range; cells and encodings that do not exist or go together.
    """

    name = "crossbar"
    #: Numbers go between the layers.
    has_netlist = False

    def __init__(
        self, technology: Technology, shape: Shape, n_bits: int = 3, *, cell: str = "2d_nor", encoding: str = "exp",
        signal_bits: int = 6, unit: float = 325e-9, headroom: tuple[float, float] = (1.5, 4.0),
        reference_area: float = 0.25e-12,
    ) -> None:  # fmt: skip
        shape = tuple(shape)
        if len(shape) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
            raise BadInput("not a shape of a chip", where="crossbar: shape",
                           expected="two or more layers of at least one neuron", got=str(shape))  # fmt: skip
        if not isinstance(n_bits, int) or not MIN_BITS <= n_bits <= MAX_BITS:
            raise BadInput("no such weights", where="crossbar: n_bits", expected=f"{MIN_BITS} to {MAX_BITS}",
                           got=repr(n_bits))  # fmt: skip
        for what, value in (("unit", unit), ("headroom", min(headroom)), ("reference_area", reference_area)):
            if not (np.isfinite(value) and value > 0):
                raise BadInput("not a range", where=f"crossbar: {what}", expected="above 0", got=f"{value}")
        self.shape, self.n_bits, self.technology, self.unit = shape, n_bits, technology, unit
        self.spread = reference_spread(technology, reference_area)
        #: End of every layer's signals.
        self.ranges = (headroom[0], *(headroom[1] for _ in shape[1:]))
        self.signal_bits = signal_bits
        self.multipliers = multipliers(shape, n_bits, signal_bits, self.ranges, self.spread, (cell, encoding))
        self.v_dd = load_memory(self.multipliers[0].design.cell.memory).value("lines", "v_dd")

    @property
    def max_setting(self) -> int:
        """The largest magnitude of a setting: 7 for 3 bits."""
        return 2**self.n_bits - 1

    @property
    def on_path(self) -> int:
        """Setting of the paths of a measurement, a weight near 1: what a path passes must not reach the end."""
        return round(self.max_setting / WEIGHT_MAX)

    def allowed_settings(self) -> np.ndarray:
        """Every integer that a setting may be."""
        return np.arange(-self.max_setting, self.max_setting + 1)

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """Draw `n_dies` dies."""
        if n_dies < 1:
            raise BadInput("no dies", where="fabricate: n_dies", expected="1 or more", got=str(n_dies))
        return Die(self, fabricated(key, n_dies, self.shape))

    def nominal(self) -> Die:
        """One die without any deviation."""
        return Die(self, nominal(self.shape))

    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """Readings through paths of weights near 1.

        Raises:
            BadInput: a protocol with probes, which there is no place for between numbers, or no such setting.
        """
        if bench.protocol != "source_monitor":
            raise BadInput("no such protocol on this substrate", where="bench: protocol", expected="source_monitor",
                           got=bench.protocol)  # fmt: skip
        setting = bench.setting or self.on_path
        if not -min(WEAKER) <= setting <= self.max_setting:
            raise BadInput("no such setting of a path", where="bench: setting",
                           expected=f"{-min(WEAKER)} to {self.max_setting}", got=str(setting))  # fmt: skip
        return source_monitor(chip, bench, key, setting, WEAKER, self.name).with_setting(setting)

    def fit(self, characterisation: Characterisation) -> Transfer:
        """Slopes of all neurons. Cells of either line of a pair are alike, so both signs are equally strong."""
        found = fit_rectifiers(characterisation, self.shape, characterisation.positive_setting(self.on_path))
        ones = jnp.ones((found.n_dies, 2))
        return Transfer(found.activations, ones[:, 0], ones, "measured")

    def assumed_transfer(self) -> Transfer:
        """Every neuron nominal."""
        return Transfer.uniform(self.shape, 1.0, (0.0, self.unit * self.ranges[0]))

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """Multiples of a step, of either sign, the same for each chip."""
        settings = self.allowed_settings()
        levels = jnp.asarray(WEIGHT_MAX * settings / self.max_setting)
        return WeightGrid(jnp.tile(levels, (transfer.n_dies, 1)), settings)

    def weight_spread(self, transfer: Transfer, weights: Array) -> Array:
        """Of both cells of a pair: how well they were written, and how they have drifted since."""
        m, w = self.multipliers[0].magnitudes, jnp.clip(jnp.abs(weights) / WEIGHT_MAX, 0.0, 1.0)
        written = (m.tuning * w + m.tuning_floor) ** 2 + m.tuning_floor**2
        return WEIGHT_MAX * jnp.sqrt(written + (m.drift * w) ** 2)

    def layer(
        self,
        transfer: Transfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
    ) -> Float[Array, "patterns n_out"]:
        """Signals of a layer, not rounded; of the last, the gradient also calls back what is at either end."""
        total = x if weights is None else x @ weights
        rectifier = output_rectifier if index == len(self.shape) - 1 else jax.nn.relu
        end = self.ranges[index]
        return end - rectifier(end - transfer.activations[index].slope * rectifier(total))

    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """The programmed die, see the module: outputs are those of the last converters, times `unit`."""
        self.check_program(program)
        settings = program.batched().settings
        # numpy between the multipliers: jax would compile every small step anew for every shape
        own: Deviations = jax.tree.map(np.asarray, die.deviations)
        x = np.asarray(checked_inputs(inputs, self.shape[0]))
        check_leading(len(die), settings[0].shape[:2], x.shape[:2])
        axes = (len(die), settings[0].shape[1], x.shape[2])
        currents, used = [np.broadcast_to(x, (*axes, self.shape[0]))], []
        scale = np.exp(self.spread * own.inputs)[:, None, None]
        steps = 2**self.signal_bits - 1
        code = np.clip(currents[0] / (self.unit * self.ranges[0]) * scale, 0.0, 1.0)
        code = np.floor(code * steps + (0.5 + TIE)) / steps
        layers = zip(self.multipliers, settings, own.matrices, self.ranges[1:], strict=True)
        for made, setting, deviations, end in layers:
            used.append(code.mean(-1))
            w = setting / self.max_setting
            each = [
                _programs(made.structure, made.magnitudes, jax.tree.map(lambda part, d=d: part[d], deviations),
                          w[d if len(w) > 1 else 0], code[d])
                for d in range(len(die))
            ]  # fmt: skip
            code = np.stack([np.asarray(one) for one in each]) / made.span
            currents.append(self.unit * end * code)
        return Response(
            currents[-1], supply_current(self.multipliers, np.stack(used)), np.ones(axes, bool), tuple(currents)
        )

    def netlist(self, program: Program) -> Cell:
        """Raises `BadInput`: see the module."""
        raise BadInput("numbers go from layer to layer, so a chip of multipliers is no one circuit",
                       where="crossbar: netlist",
                       advice="`Crossbar.benches` gives the array of every layer, for ngspice.")  # fmt: skip

    def benches(self, program: Program) -> tuple[Cell, ...]:
        """The array of every layer with capacitors and switches, as `anamorph.circuit.ngspice` takes it (`netlist`).

        Raises:
            BadInput: a batch of programs.
        """
        settings = self._one(program)
        pairs = zip(self.multipliers, settings, strict=True)
        return tuple(bench(made, setting / self.max_setting) for made, setting in pairs)

    def cost(self, program: Program, response: Response) -> CostSheet:
        """Area, energy and time of all multipliers with their converters."""
        self.check_program(program)
        return cost_sheet(self.multipliers, self.v_dd * np.asarray(response.supply_current))

    def write_plans(self, program: Program, key: PRNGKeyArray, tolerance: float | None = None) -> tuple[WritePlan, ...]:
        """Targets and write-verify plan of every matrix of one program.

        Raises:
            BadInput: a batch of programs.
        """
        plans = enumerate(zip(self.multipliers, self._one(program), strict=True))
        return tuple(
            write_plan(made, setting / self.max_setting, jax.random.fold_in(key, layer), tolerance)
            for layer, (made, setting) in plans
        )

    def _one(self, program: Program) -> tuple[np.ndarray, ...]:
        """Settings of a program that is no batch."""
        self.check_program(program)
        if program.batch:
            raise BadInput("one program at a time", where="crossbar", got=f"a batch {program.batch}")
        return program.settings


@functools.partial(jax.jit, static_argnums=0)
def _programs(
    structure: Structure, m: Magnitudes, die: VmmDie, w: Float[Array, "programs _ _"], x: Float[Array, "programs _ _"]
) -> Float[Array, "programs _ _"]:
    """Outputs of one die with each of its programs."""
    return jax.vmap(lambda weights, inputs: answer(structure, m, die, weights, inputs, None, exact=False))(w, x)
