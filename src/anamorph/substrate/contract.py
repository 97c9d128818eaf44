"""The contract between a neuron circuit and everything that trains, verifies and compares.

A substrate is one folder that answers the same questions for its circuits:

    fabricate   a key                     -> Die            (hidden truth: every device's deviation)
    measure     a chip, a bench           -> Characterisation  (what a lab could see of it)
    fit         a Characterisation        -> Transfer       (differentiable, per chip)
    layer       a Transfer, weights, x    -> y              (differentiable forward, for training)
    program     weights, a Transfer       -> Program        (what is written to the chip)
    decode      a Program, a Transfer     -> weights        (the way back)
    run         a Die, a Program, inputs  -> Response       (highest fidelity)
    netlist     a Program                 -> Cell           (for SPICE)
    cost        a Program, a Response     -> CostSheet

Training knows `Transfer`, never `Die`: a die's deviations reach it only through `measure`.
`anamorph.testing.check_substrate` checks any implementation of this contract.

Axes. Everything is batched the same way: ``dies, programs, patterns, neurons``. A `Program` holds one
program per chip (``[n_in, n_out]`` per weight matrix), several (``[programs, n_in, n_out]``), or several
per die (``[dies, programs, n_in, n_out]``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from anamorph.errors import BadInput, DoesNotFit
from anamorph.substrate.encoding import WeightGrid, decode, encode

if TYPE_CHECKING:
    from anamorph.characterise.bench import Bench
    from anamorph.characterise.characterisation import Characterisation
    from anamorph.characterise.transfer import Transfer
    from anamorph.circuit.netlist import Cell
    from anamorph.cost.sheet import CostSheet

#: Neurons per layer, inputs first: ``(7, 7, 7)``.
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """What is written to a chip: one integer setting per weight, in the substrate's own steps.

    Attributes:
        substrate: name of the substrate that the settings are for.
        settings: one integer array per weight matrix, ``[*batch, n_in, n_out]``.
    """

    substrate: str
    settings: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        frozen = []
        for index, setting in enumerate(self.settings):
            setting = np.asarray(setting)
            if not np.issubdtype(setting.dtype, np.integer):
                raise BadInput(
                    "settings are integers",
                    where=f"program: weight matrix {index}",
                    got=str(setting.dtype),
                )
            setting = setting.astype(np.int32)
            setting.setflags(write=False)
            frozen.append(setting)
        object.__setattr__(self, "settings", tuple(frozen))
        for first, second in zip(self.settings, self.settings[1:], strict=False):
            if first.shape[-1] != second.shape[-2] or first.shape[:-2] != second.shape[:-2]:
                raise BadInput(
                    "weight matrices do not chain",
                    where="program",
                    expected=f"{first.shape[-1]} rows after {first.shape}",
                    got=str(second.shape),
                )

    @property
    def shape(self) -> Shape:
        """Neurons per layer."""
        return (self.settings[0].shape[-2], *(s.shape[-1] for s in self.settings))

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading axes: ``()``, ``(programs,)`` or ``(dies, programs)``."""
        return self.settings[0].shape[:-2]

    def batched(self) -> Program:
        """The same with both leading axes, ``[dies or 1, programs, n_in, n_out]``."""
        missing = 2 - len(self.batch)
        return Program(self.substrate, tuple(s.reshape((1,) * missing + s.shape) for s in self.settings))


class Response(NamedTuple):
    """What a chip answers to inputs.

    Attributes:
        outputs: output currents of the last layer, A, ``[dies, programs, patterns, n_out]``.
        supply_current: current out of the supply, A, ``[dies, programs, patterns]``; NaN where unknown.
        converged: False where the solver found no answer (its outputs are then NaN).
        neuron_currents: current into every neuron, A, one array per layer; ``None`` when the chip
            cannot be probed inside, as a real one cannot.
    """

    outputs: Float[Array | np.ndarray, "dies programs patterns n_out"]
    supply_current: Float[Array | np.ndarray, "dies programs patterns"]
    converged: Bool[Array | np.ndarray, "dies programs patterns"]
    neuron_currents: tuple[Float[Array | np.ndarray, "dies programs patterns _"], ...] | None = None


@runtime_checkable
class Chip(Protocol):
    """Anything that can be programmed and run: a simulated die, or a real chip on a bench."""

    @property
    def shape(self) -> Shape:
        """Neurons per layer."""
        ...

    def run(self, program: Program, inputs: Float[Array, "..."]) -> Response:
        """Apply `inputs` (A, ``[*batch, patterns, n_in]``) and read the output layer."""
        ...


@dataclass(frozen=True)
class Die:
    """Fabricated instances of a substrate's circuits. **Hidden truth**: not an input of training.

    Attributes:
        substrate: what was fabricated.
        deviations: every transistor's own deviation, arrays with a leading axis of dies.
    """

    substrate: Substrate
    deviations: Any = field(repr=False)

    def __len__(self) -> int:
        return len(jax.tree.leaves(self.deviations)[0])

    def __getitem__(self, index: int | slice) -> Die:
        if not isinstance(index, slice):
            # counts from the end, and raises the IndexError that ends an iteration over dies
            index = range(len(self))[index]
        where = index if isinstance(index, slice) else slice(index, index + 1)
        return Die(self.substrate, jax.tree.map(lambda leaf: leaf[where], self.deviations))

    @property
    def shape(self) -> Shape:
        """Neurons per layer."""
        return self.substrate.shape

    @property
    def exists(self) -> tuple[np.ndarray, ...] | None:
        """See `Substrate.exists`."""
        return self.substrate.exists

    def run(self, program: Program, inputs: Float[Array, "..."]) -> Response:
        """See `Substrate.run`."""
        return self.substrate.run(self, program, inputs)


class Substrate(ABC):
    """One kind of neuron hardware, of a given shape. See the module's docstring for the questions."""

    #: The name that experiments and programs use.
    name: str
    #: Neurons per layer of the fabricated chip, inputs first.
    shape: Shape
    #: Supply voltage, V; zero for a substrate that has none.
    v_dd: float
    #: Which synapses were made, one array ``[n_in, n_out]`` per weight matrix; None for all.
    exists: tuple[np.ndarray, ...] | None = None

    @abstractmethod
    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> Die:
        """Draw `n_dies` dies. Die ``i`` depends on `key` and ``i`` alone, not on `n_dies`."""

    @abstractmethod
    def nominal(self) -> Die:
        """One die without any deviation."""

    @abstractmethod
    def measure(self, chip: Chip, bench: Bench, key: PRNGKeyArray) -> Characterisation:
        """Measure a chip as the bench can, through `Chip.run` alone."""

    @abstractmethod
    def fit(self, characterisation: Characterisation) -> Transfer:
        """The differentiable characteristics that the measurement supports."""

    @abstractmethod
    def assumed_transfer(self) -> Transfer:
        """What one would train with who has measured nothing: the nominal circuit's characteristics."""

    @abstractmethod
    def weight_grid(self, transfer: Transfer) -> WeightGrid:
        """The representable weights of a measured chip."""

    def weight_grids(self, transfer: Transfer) -> tuple[WeightGrid, ...]:
        """The representable weights of each weight matrix: one grid for all, unless synapses are known one by one."""
        return (self.weight_grid(transfer),) * (len(self.shape) - 1)

    @abstractmethod
    def layer(
        self,
        transfer: Transfer,
        index: int,
        weights: Float[Array, "n_in n_out"] | None,
        x: Float[Array, "patterns n_in"],
    ) -> Float[Array, "patterns n_out"]:
        """Output of neuron layer `index` of one chip; `weights` is None for the input layer."""

    def weight_spread(self, transfer: Transfer, weights: Array) -> Array:
        """Standard deviation of a weight over dies that the process makes one expect; zero unless a substrate says.

        Design data, no measurement: training may use it to prepare for deviations that it cannot know.
        """
        return jnp.zeros_like(weights)

    def through_transistors(self, transfer: Transfer, full_scale: float) -> Transfer:
        """The same chips with every layer computed by the transistors of its cells: `layer` then solves the circuits.

        What is known of a chip is what `transfer` says; its cells are otherwise those of the design. `full_scale` is
        the input current of a value of 1, A.

        Raises:
            BadInput: a substrate that cannot.
        """
        raise BadInput(
            "this substrate has no layers of transistors to train through", where=f"substrate {self.name}",
            advice="Train through its characteristics.",
        )  # fmt: skip

    @abstractmethod
    def run(self, die: Die, program: Program, inputs: Float[Array, "..."]) -> Response:
        """The programmed die at the highest fidelity. `inputs` in A, ``[*batch, patterns, n_in]``."""

    @abstractmethod
    def netlist(self, program: Program) -> Cell:
        """The whole programmed chip as a netlist, for SPICE and for the cost sheet."""

    @abstractmethod
    def cost(self, program: Program, response: Response) -> CostSheet:
        """Energy, latency and area of one program on one die, each part with its basis."""

    def program(self, weights: tuple[Float[Array, "..."], ...], transfer: Transfer) -> Program:
        """Write representable weights as settings; networks smaller than the chip are padded with zeros.

        Args:
            weights: one array per weight matrix, ``[n_in, n_out]`` or ``[dies, n_in, n_out]``.
            transfer: of the chip (or chips) that will be written.

        Raises:
            DoesNotFit: more layers or neurons than the chip has, or a weight between two levels.
        """
        if len(weights) != len(self.shape) - 1:
            raise DoesNotFit(
                "the network does not have the chip's number of layers",
                expected=f"{len(self.shape) - 1} weight matrices",
                got=str(len(weights)),
            )
        settings = tuple(
            encode(w, grid, (self.shape[index], self.shape[index + 1]), index)
            for index, (w, grid) in enumerate(zip(weights, self.weight_grids(transfer), strict=True))
        )
        return Program(self.name, settings)

    def decode(self, program: Program, transfer: Transfer) -> tuple[np.ndarray, ...]:
        """The weights that a program stands for, ``[dies, n_in, n_out]`` each.

        Raises:
            BadInput: a program of another substrate, or a setting that does not exist.
        """
        self.check_program(program)
        return tuple(decode(s, grid) for s, grid in zip(program.settings, self.weight_grids(transfer), strict=True))

    def check_program(self, program: Program) -> None:
        """Raises `BadInput` for a program of another substrate or with settings that do not exist."""
        if program.substrate != self.name:
            raise BadInput("a program of another substrate", expected=self.name, got=program.substrate)
        if program.shape != self.shape:
            raise DoesNotFit("a program of another shape", expected=str(self.shape), got=str(program.shape))
        allowed = self.allowed_settings()
        for index, setting in enumerate(program.settings):
            wrong = ~np.isin(setting, allowed)
            if wrong.any():
                raise BadInput(
                    "a setting that does not exist",
                    where=f"program: weight matrix {index}",
                    expected=f"one of {allowed.min()} to {allowed.max()}",
                    got=str(setting[wrong][0]),
                )

    @abstractmethod
    def allowed_settings(self) -> np.ndarray:
        """Every integer that a setting may be."""
