r"""Chips of mixed-signal neurons (Chatterjee et al. 2018) for the flow of every substrate.

    u_0 = load(1 + 3x/4, 1 - 3x/4),    u_k = load(1 + s, 1 - s),    s = sum_i S(w_i, u_i)

with loads and pairs as in `pairs`, x in units of the tail current (so a network's full scale, ``data.input_max``, has
to be that current): inside, signals are voltages of either sign.
The contract speaks of currents that are not negative, at both ends:

* Three quarters of an input current, drawn from one diode of a load like a neuron's and pushed into the other, make
  its voltage; the mirrors that copy are not modelled. A whole tail current would leave a diode nothing.
* An output voltage is read as the current that one more pair with the largest weight steers, through a mirror that
  only sources: ``I_b max(0, tanh(u))``. With a gain of one, a path of largest weights passes a current as it is.

**DC, no noise.** `run` solves no circuits: shares of weak inversion, loads from two simulated operating points of the
cell, and on each die deviations of all transistors by the area law. Signals are deviations from the answer to no
input, as coupling capacitors leave them. Offsets still count where they starve a load: currents of tails and of the
sources beside a load have to match, and there is no common-mode feedback.
There is no netlist: behind coupling capacitors an operating point of the chip shows no signal.
One neuron's circuit is `anamorph.cell.differential_pair`.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.cell.differential_pair import DifferentialPair
from anamorph.cell.pair_sizing import sized
from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.fit import fit_rectifiers
from anamorph.characterise.pair_mismatch import pair_spreads
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.transfer import Transfer
from anamorph.circuit.netlist import Cell
from anamorph.cost.neuron_comparison import analog_area
from anamorph.cost.sheet import CostLine, CostSheet
from anamorph.errors import BadInput
from anamorph.substrate.checks import checked_bits, checked_positive, checked_shape
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate, WeightGrid
from anamorph.substrate.current_mirror.inputs import check_leading, checked_inputs
from anamorph.substrate.current_mirror.levels import synapse_levels
from anamorph.substrate.differential_pair.dies import fabricated
from anamorph.substrate.differential_pair.measured import read_synapses, with_synapses
from anamorph.substrate.differential_pair.neurons import PairNeurons, signal
from anamorph.substrate.differential_pair.pairs import Load, mirrored, shares, transferred
from anamorph.substrate.rectifier import output_rectifier
from anamorph.technology import Technology

#: More bits than this take several pairs to a synapse (`DifferentialPair.segment_bits`), which are not in `pairs`.
MIN_BITS, MAX_BITS = 2, 4
#: Ways to measure a chip.
PROTOCOLS = ("source_monitor", "synapses")


class DifferentialPairs(Substrate):
    """Mixed-signal neurons in layers of any shape.

    Args:
        technology: card of all transistors.
        shape: neurons per layer, inputs first.
        n_bits: of a weight's magnitude; a sign comes on top.
        bias: tail current of every synapse, A; the full-scale input.
        scale: all widths and lengths, times this: deviations fall with its inverse. The cell's own sizes, 1, match too
            badly for chains of neurons.

    Raises:
        BadInput: not a shape, a number of bits or a scale.
        OutOfDomain: a bias for which there is no size.
    """

    name = "differential_pair"
    #: Signals are behind coupling capacitors.
    has_netlist = False

    def __init__(
        self, technology: Technology, shape: Shape, n_bits: int = 3, *, bias: float = 200e-12, scale: float = 4.0
    ) -> None:
        self.shape, self.n_bits = checked_shape(shape, self.name), checked_bits(n_bits, MIN_BITS, MAX_BITS, self.name)
        scale = checked_positive(scale, "scale", self.name)
        self.technology, self.bias = technology, bias
        self.v_dd = technology.v_dd
        made = sized(technology, bias, DifferentialPair(n_bits, segment_bits=n_bits))
        larger = {part: tuple(scale * side for side in getattr(made, part)) for part in ("unit", "load", "tail")}
        self.design = replace(made, **larger)
        self.load = Load.of(self.design, technology, bias)
        self.spreads = pair_spreads(technology, self.design)

    @property
    def max_setting(self) -> int:
        """The largest magnitude of a setting: 7 for 3 bits."""
        return self.design.full_code

    def allowed_settings(self) -> np.ndarray:
        """Every integer that a setting may be."""
        return np.arange(-self.max_setting, self.max_setting + 1)

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """Draw `n_dies` dies."""
        if n_dies < 1:
            raise BadInput("no dies", where="fabricate: n_dies", expected="1 or more", got=str(n_dies))
        return Die(self, fabricated(key, n_dies, self.shape, self.design, self.spreads))

    def nominal(self) -> Die:
        """One die without any deviation."""
        drawn = fabricated(jax.random.key(0), 1, self.shape, self.design, self.spreads)
        return Die(self, jax.tree.map(jnp.zeros_like, drawn))

    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """Readings through paths of largest weights; with ``bench.protocol = "synapses"`` of every synapse too.

        Raises:
            BadInput: another protocol, or probes that a chip has not got.
        """
        if bench.protocol not in PROTOCOLS:
            raise BadInput("no such protocol on this substrate", where="bench: protocol",
                           expected=" or ".join(PROTOCOLS), got=bench.protocol)  # fmt: skip
        slopes = source_monitor(chip, bench, key, self.max_setting, (-1, -2), self.name)
        if bench.protocol == "source_monitor":
            return slopes
        own = jax.random.fold_in(key, 1)
        return slopes.with_synapses(*read_synapses(chip, bench, own, self.max_setting, self.name))

    def fit(self, characterisation: Characterisation) -> Transfer:
        """Slopes of all neurons. A sign swaps the inputs of the same transistors, so both are equally strong."""
        found = fit_rectifiers(characterisation, self.shape, self.max_setting)
        ones = jnp.ones((found.n_dies, 2))
        slopes = Transfer(found.activations, ones[:, 0], ones, "measured")
        return with_synapses(slopes, characterisation, self.load, self.bias)

    def assumed_transfer(self) -> Transfer:
        """Every neuron nominal."""
        return Transfer.uniform(self.shape, 1.0, (0.0, self.bias))

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """Shares of the input transistors, of either sign, the same for each chip."""
        settings = self.allowed_settings()
        return WeightGrid(jnp.tile(jnp.asarray(settings / self.max_setting), (transfer.n_dies, 1)), settings)

    def weight_grids(self, transfer: Transfer) -> tuple[WeightGrid, ...]:
        """Of every synapse its own levels, where synapses were measured one by one: sums of its bits."""
        if transfer.synapses is None:
            return super().weight_grids(transfer)
        settings = self.allowed_settings()
        alone = dict.fromkeys(settings.tolist(), 1.0)
        return tuple(
            synapse_levels(transfer.synapse_settings, jnp.asarray(one) / self.max_setting, settings, alone)
            for one in transfer.synapses
        )

    def weight_spread(self, transfer: Transfer, weights: Array) -> Array:
        """To first order: ``w^2 s_tail^2 + |w| (1 - |w|) s_unit^2 / (2 M)`` with M units on either side.

        Where synapses were measured one by one, nothing is left to expect.
        """
        if transfer.synapses is not None:
            return jnp.zeros_like(weights)
        w = jnp.clip(jnp.abs(weights), 0.0, 1.0)
        units = self.spreads.unit**2 / (2 * self.max_setting)
        return jnp.sqrt(self.spreads.tail**2 * w**2 + units * w * (1 - w))

    def layer(
        self,
        transfer: Transfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
    ) -> Float[Array, "patterns n_out"]:
        """Voltages of a layer in units of full scale; of the last, the currents read, in units of the tail current."""
        s = mirrored(x) if weights is None else transferred(weights, x)
        neurons = transfer.activations[index]
        if isinstance(neurons, PairNeurons):
            u = signal(self.load, neurons.plus, neurons.minus, s)
        else:
            u = neurons.slope * self.load.signal(1 + s, 1 - s)
        return output_rectifier(jnp.tanh(u)) if index == len(self.shape) - 1 else u

    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """The programmed die, see the module. Every synapse takes its tail current, whatever its weight."""
        self.check_program(program)
        settings = program.batched().settings
        own = jax.tree.map(np.asarray, die.deviations)
        x = np.asarray(checked_inputs(inputs, self.shape[0]))
        check_leading(len(die), settings[0].shape[:2], x.shape[:2])
        axes = (len(die), settings[0].shape[1], x.shape[2])
        x = np.broadcast_to(x, (*axes, self.shape[0])) / self.bias
        s = mirrored(x)
        u, currents = self.load.signal(1 + s, 1 - s), [x]
        taken = np.full(len(die), float(self.shape[0] + self.shape[-1]))
        for setting, groups, tails, feeds in zip(settings, own.inputs, own.tails, own.feeds, strict=True):
            # the last pattern is that of no input, against which all others are signals
            with_rest = np.concatenate([u, np.zeros_like(u[:, :, :1])], axis=2)
            j_p, j_n = _loads(setting, with_rest, groups, np.exp(tails), np.exp(feeds))
            level, drawn = self.load.signal(j_p, j_n), 0.5 * (j_p - j_n)
            u, s = level[:, :, :-1] - level[:, :, -1:], drawn[:, :, :-1] - drawn[:, :, -1:]
            taken = taken + np.exp(tails).sum((1, 2))
            currents.append(s)
        read = np.exp(own.reading)[:, None, None] * np.maximum(np.tanh(u), 0.0)
        supply = self.bias * np.broadcast_to(taken[:, None, None], axes)
        return Response(
            self.bias * read, supply, np.ones(axes, bool), tuple(self.bias * current for current in currents)
        )

    def netlist(self, program: Program) -> Cell:
        """Raises `BadInput`: see the module."""
        raise BadInput("signals of differential pairs are behind coupling capacitors, so a netlist of a chip at DC "
                       "would show none", where="differential_pair: netlist",
                       advice="One neuron's own circuit is in anamorph.cell.differential_pair.")  # fmt: skip

    def cost(self, program: Program, response: Response) -> CostSheet:
        """Area of all synapses with their coupling capacitors; power, which no signal changes."""
        self.check_program(program)
        pairs = zip(self.shape, self.shape[1:], strict=False)
        area = sum(a * b * analog_area(replace(self.design, n_synapses=a), self.technology) for a, b in pairs)
        power = self.v_dd * np.asarray(response.supply_current)
        low, high = float(power.min()), float(power.max())
        mean = min(max(float(power.mean()), low), high)
        return CostSheet((
            CostLine("area", area, "m^2", area, area, "assumed",
                     "transistors with the card's spacing, coupling and load capacitors of assumed density"),
            CostLine("power", mean, "W", low, high, "simulated",
                     "tail currents of all synapses, inputs' loads and reading pairs; bias and feed left out",
                     int(power.size)),
        ))  # fmt: skip


def _loads(
    setting: np.ndarray, u: np.ndarray, groups: np.ndarray, tails: np.ndarray, feeds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Currents in the two diodes of every neuron of a layer, ``[dies, programs, patterns, n_out]``."""
    j_p = j_n = np.zeros(())
    for k in range(u.shape[-1]):
        p = shares(setting[:, :, k], u[..., k], groups[:, k])
        tail = 2 * tails[:, None, None, k]
        fed = feeds[:, None, None, k] if k else np.zeros(2)
        j_p = j_p + tail * p - fed[..., 0]
        j_n = j_n + tail * (1 - p) - fed[..., 1]
    return j_p, j_n
