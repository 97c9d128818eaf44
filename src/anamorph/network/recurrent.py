r"""A gated recurrent unit of current mirrors, at behavioural level.

One step takes a frame x, a constant input 1 and the state h, all currents in units of full scale, through the same
matrix of synapses and somas that every other network here uses:

    z, r = lim(f([x, 1, h] W)),    n = lim(f([x, 1, r h] W)),    h <- z h + (1 - z) n,    answer f([1, h] W)

after Cho et al. 2014. What is the measured chip's: the sums, with its exponents and the levels that exist, and f, every
soma's own rectifier. What is assumed, because this substrate has no circuit for it: the limiter
lim(i) = min(i / limit, 1) in place of sigmoid and tanh, exact products of two currents, and a memory that
holds the state for one step. Somas rectify, so gates, candidate and state lie within 0..1, and each can be the
input of a synapse.

The chip is one layer of inputs, ``x, 1, h, r h``, and one of outputs, ``z, r, n, answer``: a `Wiring` says which
of their pairs are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput
from anamorph.network.wiring import Wiring
from anamorph.substrate.contract import Shape, Substrate


@dataclass(frozen=True)
class GateWiring(Wiring):
    """The synapses of a gated recurrent unit, each with its own weight.

    Attributes:
        n_frame: values of a frame.
        n_state: of the state.
        n_classes: answers.
    """

    n_frame: int
    n_state: int
    n_classes: int

    positive = False

    @property
    def n_in(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Frame, constant, state, and the state that the reset gate lets through."""
        return self.n_frame + 1 + 2 * self.n_state

    @property
    def n_out(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Update gate, reset gate, candidate, answers."""
        return 3 * self.n_state + self.n_classes

    @property
    def shape(self) -> tuple[int, int]:
        """As the matrix."""
        return self.n_in, self.n_out

    @cached_property
    def exists(self) -> Bool[np.ndarray, "n_in n_out"]:
        """Gates see frame, constant and state; the candidate the gated state instead; answers the state alone."""
        joined = np.zeros(self.shape, bool)
        seen, gates = self.n_frame + 1, 2 * self.n_state
        joined[: seen + self.n_state, :gates] = True
        joined[:seen, gates : gates + self.n_state] = True
        joined[seen + self.n_state :, gates : gates + self.n_state] = True
        joined[self.n_frame : seen + self.n_state, gates + self.n_state :] = True
        return joined

    def matrix(self, parameters: Float[Array, "*batch taps kernels"]) -> Float[Array, "*batch n_in n_out"]:
        """The parameters where there is a synapse."""
        return parameters * jnp.asarray(self.exists, parameters.dtype)


@dataclass(frozen=True)
class GatedRecurrent:
    """A `anamorph.network.model.Model`: sequences of frames to classes.

    Attributes:
        n_steps: frames of a sample, which holds them one after the other.
        n_frame, n_state, n_classes: see `GateWiring`.
        limit: current, in units of full scale, at which gates and candidate saturate.

    Raises:
        BadInput: a size below 1, a limit that is not above 0.
    """

    n_steps: int
    n_frame: int
    n_state: int
    n_classes: int
    limit: float = 1.0

    def __post_init__(self) -> None:
        if min(self.n_steps, self.n_frame, self.n_state, self.n_classes) < 1 or not self.limit > 0:
            raise BadInput("not a recurrent network", where="recurrent", expected="sizes and a limit above 0",
                           got=str(self))  # fmt: skip

    @cached_property
    def wiring(self) -> GateWiring:
        """Of the chip's only matrix."""
        return GateWiring(self.n_frame, self.n_state, self.n_classes)

    @property
    def wirings(self) -> tuple[Wiring, ...]:
        """The same, as a model has it."""
        return (self.wiring,)

    @property
    def layers(self) -> Shape:
        """Neurons of the chip."""
        return self.wiring.n_in, self.wiring.n_out

    @property
    def n_features(self) -> int:
        """Values of all frames."""
        return self.n_steps * self.n_frame

    def answer(
        self,
        substrate: Substrate,
        transfer: Transfer,
        weights: Sequence[Float[Array, "_ _"]],
        x: Float[Array, "samples n_features"],
    ) -> Float[Array, "samples n_classes"]:
        """What the chip says after the last frame, in units of full scale."""
        inputs, outputs = self._places()
        (matrix,) = weights

        def sums(values: Array, into: slice, *sources: slice) -> Array:
            """Through the somas of some inputs and their synapses to some outputs."""
            rows = np.concatenate([np.arange(self.wiring.n_in)[s] for s in sources])
            part = _part(transfer, rows, np.arange(self.wiring.n_out)[into])
            return substrate.layer(part, 1, matrix[rows][:, into], substrate.layer(part, 0, None, values))

        def limited(current: Array) -> Array:
            return jnp.minimum(current / self.limit, 1.0)

        def step(state: Array, frame: Array) -> tuple[Array, None]:
            seen = jnp.concatenate([frame, jnp.ones((len(frame), 1), frame.dtype)], axis=1)
            both = limited(sums(jnp.concatenate([seen, state], 1), outputs["gates"], inputs["seen"], inputs["state"]))
            update, reset = both[:, : self.n_state], both[:, self.n_state :]
            gated = jnp.concatenate([seen, reset * state], axis=1)
            candidate = limited(sums(gated, outputs["candidate"], inputs["seen"], inputs["gated"]))
            return update * state + (1 - update) * candidate, None

        frames = jnp.swapaxes(x.reshape(len(x), self.n_steps, self.n_frame), 0, 1)
        state, _ = jax.lax.scan(step, jnp.zeros((len(x), self.n_state), x.dtype), frames)
        last = jnp.concatenate([jnp.ones((len(x), 1), x.dtype), state], axis=1)
        return sums(last, outputs["answers"], inputs["constant"], inputs["state"])

    def _places(self) -> tuple[dict[str, slice], dict[str, slice]]:
        n, seen = self.n_state, self.n_frame + 1
        inputs = {
            "seen": slice(0, seen),
            "constant": slice(self.n_frame, seen),
            "state": slice(seen, seen + n),
            "gated": slice(seen + n, seen + 2 * n),
        }
        outputs = {"gates": slice(0, 2 * n), "candidate": slice(2 * n, 3 * n), "answers": slice(3 * n, None)}
        return inputs, outputs


def _part(transfer: Transfer, inputs: np.ndarray, outputs: np.ndarray) -> Transfer:
    """Some neurons of a two-layer chip without an axis of dies."""
    chosen = tuple(
        jax.tree.map(lambda leaf, which=which: leaf[which], layer)
        for layer, which in zip(transfer.activations, (inputs, outputs), strict=True)
    )
    return eqx.tree_at(lambda whole: whole.activations, transfer, chosen)
