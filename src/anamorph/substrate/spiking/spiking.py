"""Networks of spiking neurons: currents to spike frequencies, and mirror legs back to currents.

    y_0 = x,    y_k = f(y_{k-1} W_k),    W in step {-(2^n - 1), .., 2^n - 1}

x in units of the full-scale current (1 nA), f the characterised transfer of a neuron with its synapse (Soupizet et al.
2023, eq. 13 to 16). Inputs are currents and have no neurons, only a diode each. A synapse has n legs of 1, 2, 4 ..
unit transistors for weights above zero, and as many behind a second mirror for weights below; a setting connects
some of them. The paper draws one leg of the wanted size instead, which no setting can change (see `mirrors`).

**Rates, no spikes.** `run` works on mean frequencies: each die's neurons have gains and excitations of their own, its
legs and mirrors deviate by the area law, and that is all that differs. The time that a rate needs to be read, ripple,
noise, temperature and loads are not in it, and beyond the characterised currents a neuron is taken to go on as at
the last one. There is no netlist of the whole chip.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.characterise.activation import combine
from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.neuron import characterise_neuron
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.spiking import FrequencyCurve
from anamorph.characterise.transfer import Transfer
from anamorph.circuit.netlist import Cell
from anamorph.cost.sheet import CostSheet
from anamorph.enn.curves import CIRCUITS, CURRENTS, circuit, neuron_curve, synapse_curve
from anamorph.errors import BadInput
from anamorph.substrate.contract import Chip, Die, Program, Response, Shape, Substrate, WeightGrid
from anamorph.substrate.current_mirror.inputs import check_leading, checked_inputs
from anamorph.substrate.spiking.cost import cost_sheet
from anamorph.substrate.spiking.dies import (
    EXCITATION_SPREAD,
    GAIN_SPREAD,
    NEURON_A_VT,
    Spreads,
    fabricated,
    realised,
)
from anamorph.substrate.spiking.mirrors import Legs, MirrorRules, leg
from anamorph.substrate.spiking.neurons import Curve, SpikingNeurons
from anamorph.substrate.spiking.path_fit import fit_paths
from anamorph.technology import Technology

#: Boltzmann constant over the elementary charge, V/K, and room temperature, K.
K_OVER_Q, ROOM = 8.617333e-5, 300.15
MIN_BITS, MAX_BITS = 2, 8
#: Setting of the paths of a measurement, and the weaker ones compared: small, as neurons saturate above.
ON_PATH, WEAKER = 3, (-1, -2)


@lru_cache
def _known(name: str) -> FrequencyCurve:
    return neuron_curve(name, "cmos55")


def _neuron(name: str, technology: Technology) -> FrequencyCurve:
    """Of a circuit with transistors of the given card, which may be a user's own; on `cmos55` once for all chips."""
    if name in CIRCUITS and technology.name != "cmos55":
        return characterise_neuron(circuit(name), technology, CURRENTS).curve
    return neuron_curve(name) if name.endswith(".csv") else _known(name)


class Spiking(Substrate):
    """Spiking neurons of one characterised kind in layers of any shape.

    Args:
        technology: card of the mirrors' transistors, and of the neuron's if it is a circuit.
        shape: neurons per layer, inputs first.
        n_bits: legs of each sign of a synapse.
        neuron: a name or a file of `anamorph.enn.curves`.
        synapse: likewise.
        weight_max: weight with all legs connected.
        scale: all widths and lengths, of mirrors and neurons, times this: deviations fall with its inverse. The
            neuron's curve is assumed to stay as it is.

    Raises:
        BadInput: not a shape, a number of bits, a weight or a scale; no such neuron or synapse.
        DoesNotFit: a unit leg that the mirrors' rules cannot make.
    """

    name = "spiking"
    #: Rates are simulated, no circuit of the whole.
    has_netlist = False

    def __init__(
        self, technology: Technology, shape: Shape, n_bits: int = 4, *, neuron: str = "simplified_ml",
        synapse: str = "compact_published", weight_max: float = 1.0, scale: float = 30.0,
    ) -> None:  # fmt: skip
        shape = tuple(shape)
        if len(shape) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
            raise BadInput("not a shape of a chip", where="spiking: shape",
                           expected="two or more layers of at least one neuron", got=str(shape))  # fmt: skip
        if not isinstance(n_bits, int) or not MIN_BITS <= n_bits <= MAX_BITS:
            raise BadInput("no such weights", where="spiking: n_bits", expected=f"{MIN_BITS} to {MAX_BITS}",
                           got=repr(n_bits))  # fmt: skip
        if not (np.isfinite(weight_max) and weight_max > 0):
            raise BadInput("not a weight", where="spiking: weight_max", expected="above 0", got=f"{weight_max}")
        self.shape, self.n_bits, self.technology, self.neuron = shape, n_bits, technology, neuron
        self.v_dd = technology.v_dd
        self.rules = MirrorRules(scale=scale)
        self.frequency = _neuron(neuron, technology)
        self.curve = Curve(combine(self.frequency, synapse_curve(synapse, neuron)))
        self.unit_leg: Legs = leg(np.array([weight_max / self.max_setting]), self.curve.activation, self.rules)
        if not self.unit_leg.count:
            raise BadInput("a unit leg would be longer than allowed", where="spiking: weight_max, n_bits",
                           advice="Fewer bits, or a larger weight_max.")  # fmt: skip
        #: Weight of one unit leg, as its geometry makes it.
        self.step = float(self.unit_leg.weights[0])

    @property
    def max_setting(self) -> int:
        """The largest magnitude of a setting: 15 for 4 bits."""
        return 2**self.n_bits - 1

    @cached_property
    def spreads(self) -> Spreads:
        """What the process makes one expect of a die."""
        n_ut = self.technology.value("pfet", "slope_factor") * K_OVER_Q * ROOM
        per_root_area = self.technology.value("pfet", "a_vt") / n_ut
        unit = per_root_area / np.sqrt(self.unit_leg.w[0] * self.unit_leg.l[0])
        diode = per_root_area / np.sqrt(self.rules.w_diode * self.rules.l_diode) / self.rules.scale
        neuron = self.technology.value("pfet", "a_vt") / NEURON_A_VT / self.rules.scale
        return Spreads(float(unit), float(diode), GAIN_SPREAD * neuron, EXCITATION_SPREAD * neuron)

    def allowed_settings(self) -> np.ndarray:
        """Every integer that a setting may be."""
        return np.arange(-self.max_setting, self.max_setting + 1)

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """Draw `n_dies` dies, each from `key` and its number alone."""
        if n_dies < 1:
            raise BadInput("no dies", where="fabricate: n_dies", expected="1 or more", got=str(n_dies))
        return Die(self, fabricated(key, n_dies, self.shape, self.n_bits, self.spreads))

    def nominal(self) -> Die:
        """One die without any deviation."""
        drawn = fabricated(jax.random.key(0), 1, self.shape, self.n_bits, self.spreads)
        return Die(self, jax.tree.map(jnp.zeros_like, drawn))

    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """Readings through paths of weak positive synapses.

        Raises:
            BadInput: a protocol with probes, which say currents into neurons and not what these pass on, or a
                setting that leaves no weaker ones to compare.
        """
        if bench.protocol != "source_monitor":
            raise BadInput("no such protocol on this substrate", where="bench: protocol", expected="source_monitor",
                           got=bench.protocol)  # fmt: skip
        setting = bench.setting or ON_PATH
        if not ON_PATH <= setting <= self.max_setting:
            raise BadInput("no such setting of a path", where="bench: setting",
                           expected=f"{ON_PATH} to {self.max_setting}", got=str(setting))  # fmt: skip
        return source_monitor(chip, bench, key, setting, WEAKER, self.name).with_setting(setting)

    def fit(self, characterisation: Characterisation) -> Transfer:
        """The likeliest chips, see `path_fit`."""
        weight = self.step * characterisation.positive_setting(ON_PATH)
        return fit_paths(characterisation, self.shape, self.curve, self.spreads, self.step, weight)

    def assumed_transfer(self) -> Transfer:
        """Every neuron nominal, a negative unit as strong as a positive one."""
        domain = (0.0, float(self.curve.activation.x[-1]) * self.curve.activation.unit)
        ones = [jnp.ones((1, n)) for n in self.shape]
        layers = tuple(SpikingNeurons(o, 0 * o, 0 * o, domain, o, o) for o in ones)
        return Transfer(layers, jnp.ones(1), jnp.ones((1, 2)), "assumed")

    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """Multiples of the unit leg's weight, those below zero as strong as measured."""
        settings = self.allowed_settings()
        strength = jnp.where(jnp.asarray(settings < 0), transfer.negative_unit[:, None], 1.0)
        return WeightGrid(self.step * settings * strength, settings)

    def weight_spread(self, transfer: Transfer, weights: Array) -> Array:
        """Of the sum of a weight's legs: the area law of as many unit legs."""
        return self.spreads.leg * jnp.sqrt(self.step * jnp.abs(weights))

    def layer(
        self,
        transfer: Transfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
    ) -> Float[Array, "patterns n_out"]:
        """``a f(e x W)``; inputs have no neuron, and are only scaled. x = 1 is the full-scale current, 1 nA."""
        neurons = transfer.activations[index]
        if not isinstance(neurons, SpikingNeurons):
            raise BadInput("a transfer of another substrate", where="spiking: layer", got=type(neurons).__name__)
        gain = neurons.slope * neurons.gain
        if weights is None:
            return gain * jax.nn.relu(x)
        f = self.curve.output if index == len(self.shape) - 1 else self.curve
        return gain * f(neurons.excitation * (x @ weights))

    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """Mean frequencies of the programmed die as currents (see the module): outputs are what a weight of one passes.

        The supply current is that of all connected legs and, where the neuron's curve has it, the neurons' power over
        the supply voltage.
        """
        self.check_program(program)
        settings = program.batched().settings
        own = jax.tree.map(np.asarray, die.deviations)
        x = np.asarray(checked_inputs(inputs, self.shape[0]))
        check_leading(len(die), settings[0].shape[:2], x.shape[:2])
        axes = (len(die), settings[0].shape[1], x.shape[2])
        unit, f = self.curve.activation.unit, self.curve.activation
        x = np.broadcast_to(x, (*axes, self.shape[0])) / unit
        excitations, supply = [x], np.zeros(axes)
        y = np.exp(own.gain[0])[:, None, None] * x
        for index, setting in enumerate(settings, start=1):
            weights = realised(setting, own.legs[index - 1], own.second[index - 1], self.step)
            x = y @ weights
            felt = np.exp(own.excitation[index])[:, None, None] * x
            carried = unit * np.sum(y * np.abs(weights).sum(-1)[:, :, None, :], -1)
            supply = supply + carried + self._neurons_current(felt)
            y = np.exp(own.gain[index])[:, None, None] * f(felt)
            excitations.append(x)
        return Response(unit * y, supply, np.ones(axes, bool), tuple(unit * e for e in excitations))

    @property
    def powers_known(self) -> bool:
        """Whether the neuron's curve says what it takes from the supply."""
        return bool(np.isfinite(self.frequency.power_mean[0]).all())

    def _neurons_current(
        self, x: Float[np.ndarray, "dies programs patterns n"]
    ) -> Float[np.ndarray, "dies programs patterns"]:
        if not self.powers_known:
            return np.zeros(x.shape[:-1])
        i = np.clip(x, 0.0, None) * self.curve.activation.unit
        return np.interp(i, self.frequency.i_ex, self.frequency.power_mean[0]).sum(-1) / self.v_dd

    def netlist(self, program: Program) -> Cell:
        """Raises `BadInput`: neurons are known by their curves."""
        raise BadInput("the spiking substrate knows its neurons by their curves, so it has no netlist of a chip",
                       where="spiking: netlist", advice="A neuron's own circuit is in anamorph.cell.")  # fmt: skip

    def cost(self, program: Program, response: Response) -> CostSheet:
        """Area of all legs that were made and of the neurons; power from the supply over the answers."""
        self.check_program(program)
        synapses = sum(a * b for a, b in zip(self.shape, self.shape[1:], strict=False))
        area = 2 * synapses * self.max_setting * self.unit_leg.area(self.rules.spacing)
        power = self.v_dd * np.asarray(response.supply_current)
        return cost_sheet(self.neuron, sum(self.shape[1:]), area, self.rules.scale, power, self.powers_known)
