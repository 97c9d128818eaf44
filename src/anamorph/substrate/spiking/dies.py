"""What differs from die to die in a spiking chip: neurons, the legs of the mirrors, the second mirrors.

Every figure is the logarithm of a factor, normal with the area law's standard deviation: in weak inversion a threshold
off by d changes a current by exp(d / (n U_T)).

    a leg of 2^b unit legs        sigma_unit / sqrt(2^b)
    an input's diode, a neuron's, and the two transistors of a second (inhibitory) mirror: their own areas
    a neuron's gain and excitation: `GAIN_SPREAD`, `EXCITATION_SPREAD`
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.substrate.contract import Shape

#: Standard deviations of ln a and ln e of `simplified_ml` with the paper's sizes on `cmos55`: half of the interval
#: from the 16th to the 84th percentile of 24 mismatch samples, each a transient characterisation fitted by a f(e x).
#: The median fit is off by 7 % of the peak, as mismatch bends the curve too; and 8 of the 24 stop within the range.
GAIN_SPREAD, EXCITATION_SPREAD = 0.43, 1.27
#: A_VT of that card, V m.
NEURON_A_VT = 2.8e-9


class Deviations(NamedTuple):
    """Logarithms of factors, with a leading axis of dies.

    Attributes:
        gain: of every neuron's output, layer by layer; of an input, its diode's.
        excitation: of every neuron's excitation, the inputs' (which have no neurons) left at zero.
        legs: of every bit of every synapse, excitatory and inhibitory, ``[dies, n_in, n_out, 2, bits]``.
        second: of the mirror behind a neuron's inhibitory legs, ``[dies, n_in]`` per weight matrix.
    """

    gain: tuple[Float[Array, "dies _"], ...]
    excitation: tuple[Float[Array, "dies _"], ...]
    legs: tuple[Float[Array, "dies _ _ 2 bits"], ...]
    second: tuple[Float[Array, "dies _"], ...]


class Spreads(NamedTuple):
    """Standard deviations of logarithms: of a unit leg, a shared diode, a neuron's gain and its excitation."""

    leg: float
    diode: float
    gain: float
    excitation: float


def fabricated(key: PRNGKeyArray, n_dies: int, shape: Shape, n_bits: int, spreads: Spreads) -> Deviations:
    """Draw dies; die i follows from the key and i alone."""
    # one by one, so that any number of dies is one compilation
    dies = [_die(jax.random.fold_in(key, i), shape, n_bits, spreads) for i in range(n_dies)]
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *dies)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _die(key: PRNGKeyArray, shape: Shape, n_bits: int, spreads: Spreads) -> Any:
    """Deviations of one die, without the axis of dies."""

    def draw(kind: int, layer: int, size: tuple[int, ...]) -> Array:
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, kind), layer), size)

    own = [float(np.hypot(spreads.diode, spreads.gain if layer else 0.0)) for layer in range(len(shape))]
    bits = jnp.asarray(spreads.leg / np.sqrt(2.0 ** np.arange(n_bits)))
    matrices = list(enumerate(zip(shape, shape[1:], strict=False)))
    return Deviations(
        gain=tuple(s * draw(0, k, (n,)) for k, (n, s) in enumerate(zip(shape, own, strict=True))),
        excitation=tuple((spreads.excitation if k else 0.0) * draw(1, k, (n,)) for k, n in enumerate(shape)),
        legs=tuple(draw(2, k, (a, b, 2, n_bits)) * bits for k, (a, b) in matrices),
        second=tuple(2**0.5 * spreads.diode * draw(3, k, (a,)) for k, (a, _) in matrices),
    )


def realised(
    settings: Int[np.ndarray, "#dies programs n_in n_out"],
    legs: Float[np.ndarray, "dies n_in n_out 2 bits"],
    second: Float[np.ndarray, "dies n_in"],
    unit: float,
) -> Float[np.ndarray, "dies programs n_in n_out"]:
    """Weights that settings make on each die: the sum of the legs that are connected."""
    magnitude, positive = np.abs(settings), settings >= 0
    total = np.zeros(())
    for bit in range(legs.shape[-1]):
        both = np.exp(legs[:, None, ..., bit])
        total = total + ((magnitude >> bit) & 1) * 2.0**bit * np.where(positive, both[..., 0], both[..., 1])
    return unit * total * np.where(positive, 1.0, -np.exp(second)[:, None, :, None])
