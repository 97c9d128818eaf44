"""What is trained: how its parameters become weight matrices, and what those answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.characterise.transfer import Transfer
from anamorph.data.task import Task
from anamorph.errors import BadInput
from anamorph.network.forward import chip_forward
from anamorph.network.quantise import quantise
from anamorph.network.wiring import Dense, Wiring
from anamorph.substrate.contract import Shape, Substrate


@runtime_checkable
class Model(Protocol):
    """A network on a chip. Hashable: compiled training depends on it."""

    @property
    def wirings(self) -> tuple[Wiring, ...]:
        """One per weight matrix of the chip."""
        ...

    @property
    def n_features(self) -> int:
        """Values of a sample."""
        ...

    @property
    def n_classes(self) -> int:
        """Outputs that are compared."""
        ...

    def answer(
        self,
        substrate: Substrate,
        transfer: Transfer,
        weights: Sequence[Float[Array, "_ _"]],
        x: Float[Array, "samples n_features"],
    ) -> Float[Array, "samples n_classes"]:
        """Outputs of one chip, whose `transfer` and weights have no axis of dies."""
        ...


@dataclass(frozen=True)
class Feedforward:
    """Layer after layer.

    Attributes:
        wirings: how each layer feeds the next.
    """

    wirings: tuple[Wiring, ...]

    @classmethod
    def dense(cls, layers: Sequence[int]) -> Feedforward:
        """Every neuron of a layer to every neuron of the next."""
        return cls(tuple(Dense(a, b) for a, b in zip(layers, layers[1:], strict=False)))

    @property
    def n_features(self) -> int:
        """Neurons of the first layer."""
        return self.wirings[0].n_in

    @property
    def n_classes(self) -> int:
        """Neurons of the last layer."""
        return self.wirings[-1].n_out

    def answer(
        self,
        substrate: Substrate,
        transfer: Transfer,
        weights: Sequence[Float[Array, "_ _"]],
        x: Float[Array, "samples n_features"],
    ) -> Float[Array, "samples n_classes"]:
        """See `anamorph.network.forward.chip_forward`."""
        return chip_forward(substrate, transfer, weights, x)


def unrolled(
    model: Model, parameters: Sequence[Float[Array, "*batch _ _"]]
) -> tuple[Float[Array, "*batch n_in n_out"], ...]:
    """The weight matrices of a model's parameters."""
    return tuple(wiring.matrix(jnp.asarray(p)) for wiring, p in zip(model.wirings, parameters, strict=True))


def rounded(
    model: Model, parameters: Sequence[Float[Array, "*batch _ _"]], grids: Sequence[Float[Array, "... n_levels"]]
) -> tuple[Float[Array, "*batch n_in n_out"], ...]:
    """The weight matrices of a model, of levels alone.

    Parameters are rounded before they are unrolled, so that synapses which share one have the same setting; where every
    synapse has a grid of its own, each rounds by itself.
    """
    pairs = zip(model.wirings, map(jnp.asarray, parameters), grids, strict=True)
    return tuple(w.matrix(quantise(p, g)) if g.ndim == 1 else quantise(w.matrix(p), g) for w, p, g in pairs)


def representable(
    model: Model,
    grids: Sequence[Float[Array, "... n_levels"]],
    parameters: Sequence[Float[Array, "*batch _ _"]],
) -> tuple[Float[Array, "*batch _ _"], ...]:
    """Parameters moved to the nearest that the range of their grid, and a wiring without negative weights, allow.

    Where every synapse has a grid of its own, a parameter that several share may be where any of them can follow.
    """
    moved = []
    for wiring, grid, p in zip(model.wirings, grids, parameters, strict=True):
        low, high = grid[..., 0], grid[..., -1]
        if low.ndim and low.shape != p.shape[-2:]:
            low, high = jnp.min(low), jnp.max(high)
        moved.append(jnp.clip(p, jnp.maximum(low, 0) if wiring.positive else low, high))
    return tuple(moved)


def check_model(model: Model, layers: Shape, task: Task) -> None:
    """Raises `BadInput` where a model does not chain with the chip's layers or with the task."""
    sizes = tuple((wiring.n_in, wiring.n_out) for wiring in model.wirings)
    wanted = tuple(zip(layers, layers[1:], strict=False))
    if sizes != wanted:
        raise BadInput(
            "the model has other sizes than the layers", where="train: model", expected=str(wanted), got=str(sizes)
        )
    for place, got, due, of in (
        ("first", model.n_features, task.n_features, "features"),
        ("last", model.n_classes, task.n_classes, "classes"),
    ):
        if got != due:
            raise BadInput(
                "layers do not chain with the task",
                where=f"layers: {place}",
                expected=f"{due}, as task {task.name} has {due} {of}",
                got=f"{got} in {layers}",
            )


def answers(
    model: Model,
    substrate: Substrate,
    transfer: Transfer,
    weights: Sequence[Float[Array, "dies _ _"]],
    x: Float[Array, "samples n_features"],
) -> Float[Array, "dies samples n_classes"]:
    """What a model's weight matrices answer on every chip that `transfer` describes."""
    ask = jax.jit(jax.vmap(lambda chip, own: model.answer(substrate, chip, own, x)))
    return ask(transfer, tuple(weights))
