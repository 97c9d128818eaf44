"""A network of spiking neurons as rates: which neurons it has, how they are joined, and what it answers.

    x_k = b_k + y_{k-1} W_k,    y_k = f(x_k),    y_0 = pixels

f is the activation of a neuron with its synapse (`anamorph.characterise.activation`), x its excitation in units of
full-scale current, and y what a weight of one would pass on. A bias is a synapse from a source that is always on
(Soupizet et al. 2023, section III.B). Layers are joined as in `anamorph.network.wiring`; only synapses that exist are
computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.wiring import Dense, Wiring


class Weights(NamedTuple):
    """What a network is made of.

    Attributes:
        synapses: of each layer, taps (synapses of one neuron) x neurons.
        biases: of each layer, one per neuron; what a layer without bias synapses has is fixed.
    """

    synapses: tuple[Float[Array | np.ndarray, "*batch taps neurons"], ...]
    biases: tuple[Float[Array | np.ndarray, "*batch neurons"], ...]


class Lookup(NamedTuple):
    """A function as a table on evenly spaced x from 0 to `x_max`, linear between the knots, constant outside.

    Attributes:
        values: at the knots.
        x_max: the last knot.
    """

    values: Float[Array | np.ndarray, " knots"]
    x_max: float = 1.0

    def __call__(self, x: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """Value at x; its derivative is the slope of the interval, zero outside."""
        table = jnp.asarray(self.values, x.dtype)
        last = table.shape[0] - 1
        place = jnp.clip(x, 0.0, self.x_max) * (last / self.x_max)
        knot = jnp.clip(place.astype(jnp.int32), 0, last - 1)
        low = table[knot]
        return low + (table[knot + 1] - low) * (place - jax.lax.stop_gradient(knot).astype(x.dtype))


@dataclass(frozen=True)
class Structure:
    """Neurons and synapses.

    Attributes:
        wirings: one per layer of neurons; convolutions must not share weights, since every weight is a mirror's
            geometry.
        biased: whether the neurons of each layer have a bias synapse.

    Raises:
        BadInput: layers that do not chain, shared weights, another kind of wiring.
    """

    wirings: tuple[Wiring, ...]
    biased: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not self.wirings or len(self.biased) != len(self.wirings):
            raise BadInput("one statement about biases per layer", where="structure", expected=f"{len(self.wirings)}",
                           got=f"{len(self.biased)}")  # fmt: skip
        for index, (one, after) in enumerate(zip(self.wirings, self.wirings[1:], strict=False)):
            if one.n_out != after.n_in:
                raise BadInput("layers do not chain", where=f"structure: layer {index + 1}",
                               expected=f"{one.n_out} inputs", got=str(after.n_in))  # fmt: skip
        for index, wiring in enumerate(self.wirings):
            if isinstance(wiring, Convolution) and wiring.shared or not isinstance(wiring, Convolution | Dense):
                raise BadInput(
                    "every synapse of this network has a weight of its own",
                    where=f"structure: layer {index}",
                    expected="a dense or a locally connected layer",
                    got=repr(wiring)[:80],
                )

    @property
    def layers(self) -> tuple[int, ...]:
        """Inputs, then neurons of each layer."""
        return (self.wirings[0].n_in, *(w.n_out for w in self.wirings))

    @property
    def n_neurons(self) -> int:
        """Spiking neurons; inputs are currents and have none."""
        return sum(self.layers[1:])

    @property
    def n_weights(self) -> int:
        """Synapses between neurons, and from inputs."""
        return sum(w.n_synapses for w in self.wirings)

    @property
    def n_synapses(self) -> int:
        """The same with the bias synapses."""
        return self.n_weights + sum(w.n_out for w, b in zip(self.wirings, self.biased, strict=True) if b)

    @cached_property
    def sources(self) -> tuple[Int[np.ndarray, "taps neurons"] | None, ...]:
        """The neuron behind each tap of each neuron; None where all neurons see all."""
        return tuple(w.sources if isinstance(w, Convolution) else None for w in self.wirings)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Taps and neurons of each layer's weights."""
        return tuple(w.shape for w in self.wirings)

    def taps(self, x: Float[np.ndarray, "patterns inputs"]) -> Float[np.ndarray, "patterns *taps"]:
        """Inputs ordered as the first layer takes them, once for all passes."""
        first = self.sources[0]
        return np.asarray(x if first is None else x[:, first])

    def forward(
        self, weights: Weights, activations: Sequence[Callable[[Array], Array]], taps: Float[Array, "patterns *taps"]
    ) -> tuple[tuple[Float[Array, "patterns _"], ...], Float[Array, "patterns outputs"]]:
        """Excitation of every neuron, layer by layer, and the activations of the last layer.

        Args:
            weights: of one network, without leading axes.
            activations: one per layer.
            taps: inputs from `taps`.
        """
        excitations, y = [], taps
        for index, (w, b, f) in enumerate(zip(weights.synapses, weights.biases, activations, strict=True)):
            seen = self.sources[index]
            if seen is None:
                x = y @ w + b
            else:
                x = jnp.einsum("ptn,tn->pn", y if index == 0 else y[:, seen], w) + b
            excitations.append(x)
            y = f(x)
        return tuple(excitations), y


def mnist_structure(signed: bool = False) -> Structure:
    """The paper's 86 neurons and 1238 synapses (figure 4, algorithm 1), for 28 x 28 pixels.

    49 neurons with 4 x 4 pixels each, 3 x 3 x 3 with 2 x 2 of those each (the last row and column of 7 x 7 are not
    used), 10 that see all 27. The count of 1238 holds with bias synapses in both hidden layers and none in the last.
    """
    positive = not signed
    local = Convolution((1, 28, 28), (4, 4), (4, 4), 1, False, positive)
    filters = Convolution((1, 7, 7), (2, 2), (2, 2), 3, False, positive)
    return Structure((local, filters, Dense(27, 10, positive)), (True, True, False))
