"""Hardware without faults: exact weights, plain rectifiers, no mismatch, no cost.

    y_0 = max(0, x),    y_k = max(0, y_{k-1} W_k),    W in unit {-(2^n - 1), .., 2^n - 1}

It is what the other substrates are compared with, and keeps the contract from being shaped by one circuit.
There is no circuit, hence no netlist. The step of the weights is chosen so that the largest weight is 1.75
whatever the number of bits: for 3 bits a step of 0.25, as the mirrors of Binas et al. 2016.
"""

from __future__ import annotations

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
from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate, WeightGrid
from anamorph.substrate.rectifier import output_rectifier

#: The largest weight of a 3-bit mirror synapse, in training units.
WEIGHT_MAX = 1.75
#: With one bit the bench could not tell how strong a negative weight is: it shuts a neuron off altogether.
#: More than eight are finer than a trained network can tell, and a grid of them fills the memory.
MIN_BITS, MAX_BITS = 2, 8
#: Input currents for which an assumed transfer holds, A. Ideal neurons hold for all.
DOMAIN = (0.0, float("inf"))


class Ideal(Substrate):
    """Exact weights and rectifiers of any shape.

    Args:
        shape: neurons per layer, inputs first.
        n_bits: bits of a weight's magnitude; a sign comes on top.

    Raises:
        BadInput: fewer than two layers, a layer without neurons, or a number of bits outside 2..8.
    """

    name = "ideal"
    v_dd = 0.0
    #: Mathematics has no circuit: `netlist` refuses, and the conformance suite allows it to.
    has_netlist = False

    def __init__(self, shape: Shape, n_bits: int = 3) -> None:
        shape = tuple(shape)
        if len(shape) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
            raise BadInput(
                "not a shape of a chip",
                where="ideal: shape",
                expected="two or more layers of at least one neuron",
                got=str(shape),
            )
        if not isinstance(n_bits, int) or not MIN_BITS <= n_bits <= MAX_BITS:
            raise BadInput(
                "no such weights",
                where="ideal: n_bits",
                expected=f"{MIN_BITS} to {MAX_BITS}",
                got=repr(n_bits),
            )
        self.shape, self.n_bits = shape, n_bits

    @property
    def max_setting(self) -> int:
        """The largest magnitude of a setting: 7 for 3 bits."""
        return 2**self.n_bits - 1

    @property
    def unit(self) -> float:
        """Weight of one step."""
        return WEIGHT_MAX / self.max_setting

    def allowed_settings(self) -> np.ndarray:
        """Every integer that a setting may be."""
        return np.arange(-self.max_setting, self.max_setting + 1)

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """`n_dies` dies, all alike: there is nothing to deviate."""
        if n_dies < 1:
            raise BadInput("no dies", where="fabricate: n_dies", expected="1 or more", got=str(n_dies))
        return Die(self, jnp.zeros((n_dies, 0)))

    def nominal(self) -> Die:
        """One die."""
        return Die(self, jnp.zeros((1, 0)))

    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """Measure a chip as the bench can, as any other substrate is measured."""
        weaker = (-(2 ** (self.n_bits - 2)), -(2 ** (self.n_bits - 1)))
        return source_monitor(chip, bench, key, self.max_setting, weaker, self.name)

    def fit(self, characterisation: Characterisation) -> Transfer:
        """Slopes and the strength of a negative unit, as measured."""
        return fit_rectifiers(characterisation, self.shape, self.max_setting)

    def assumed_transfer(self) -> Transfer:
        """The truth, here: every slope 1, a negative unit as strong as a positive one."""
        return Transfer.uniform(self.shape, 1.0, DOMAIN)

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """The same exact levels for each measured chip, symmetric about zero."""
        settings = self.allowed_settings()
        levels = jnp.asarray(self.unit * settings)
        return WeightGrid(jnp.tile(levels, (transfer.n_dies, 1)), settings)

    def layer(
        self,
        transfer: Transfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
    ) -> Float[Array, "patterns n_out"]:
        """``max(0, a x W)`` with the slopes `a` of the transfer: 1, unless something else was measured."""
        total = x if weights is None else x @ weights
        rectifier = output_rectifier if index == len(self.shape) - 1 else jax.nn.relu
        return transfer.activations[index].slope * rectifier(total)

    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """Exact outputs. See `Response` for the axes; the supply current is zero."""
        self.check_program(program)
        settings = program.batched().settings
        x = self._batched_inputs(die, settings[0].shape[:2], inputs)
        n_dies, n_programs, n_patterns, _ = x.shape
        currents = [x]
        for setting in settings:
            weights = self.unit * jnp.asarray(setting, x.dtype)
            currents.append(jax.nn.relu(currents[-1]) @ weights)
        return Response(
            outputs=jax.nn.relu(currents[-1]),
            supply_current=jnp.zeros((n_dies, n_programs, n_patterns)),
            converged=jnp.ones((n_dies, n_programs, n_patterns), bool),
            neuron_currents=tuple(currents),
        )

    def _batched_inputs(
        self, die: Die, batch: tuple[int, ...], inputs: Float[Array, "..."]
    ) -> Float[Array, "dies programs patterns n_in"]:
        """`inputs` with all axes, one row of dies per die."""
        x = jnp.asarray(inputs)
        if not 2 <= x.ndim <= 4 or x.shape[-1] != self.shape[0]:
            raise BadInput(
                "inputs do not fit the chip",
                where="run: inputs",
                expected=f"[dies, programs, patterns, {self.shape[0]}], leading axes optional",
                got=f"shape {x.shape}",
            )
        if not bool(jnp.isfinite(x).all()) or float(x.min()) < 0:
            raise BadInput(
                "an input is not a current that a chip takes",
                where="run: inputs",
                expected="finite currents in A, none negative",
                got=f"{float(x.min()):.4g} (smallest), {int(jnp.sum(~jnp.isfinite(x)))} not finite",
            )
        x = x.reshape((1,) * (4 - x.ndim) + x.shape)
        wanted = (len(die), batch[1])
        for name, got in (("program", batch), ("inputs", x.shape[:2])):
            if any(g not in (1, w) for g, w in zip(got, wanted, strict=True)):
                raise DoesNotFit(
                    f"the {name} has other leading axes than the dies and programs",
                    where=f"run: {name}",
                    expected=f"{wanted[0]} dies x {wanted[1]} programs (or 1)",
                    got=f"{got[0]} x {got[1]}",
                )
        return jnp.broadcast_to(x, wanted + x.shape[2:])

    def netlist(self, program: Program) -> Cell:
        """Raises `BadInput`: there is no circuit."""
        raise BadInput(
            "the ideal substrate has no circuit, so it has no netlist",
            where="ideal: netlist",
            advice="Choose a substrate made of circuits, such as current_mirror.",
        )

    def cost(self, program: Program, response: Response) -> CostSheet:
        """Nothing costs anything, by definition."""
        quantities = (("energy_per_inference", "J"), ("power", "W"), ("latency", "s"), ("area", "m^2"))
        return CostSheet(
            tuple(
                CostLine(name, 0.0, unit, 0.0, 0.0, "assumed", "ideal substrate: costless by definition")
                for name, unit in quantities
            )
        )
