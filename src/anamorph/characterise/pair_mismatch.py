r"""What mismatch makes of the weights of a differential-pair neuron: every transistor with a threshold of its own.

In weak inversion a threshold that is off by d changes a current by the factor ``exp(-d / (n U_T))``, d by the area law.
A pair's tail current divides over its input transistors in the ratio of their currents, so that of a pair with input
groups i of ``2^b`` units on the sides p and n, of which bit b connects its own to the input,

    w = e^t [p + n - (P - N) (p - n)],      offset = e^t (P - N),

with t of the tail, P and N the shares of the two sides in the pair's current, p and n those of the connected groups
alone; both in units of the largest weight and of the output's full scale. Over several pairs of a synapse they add up
as their tails' units do. The formula is exact where all transistors are in weak inversion and saturated.

Not in it: the bias diode that all synapses of a neuron share and the load (they change a neuron's gain, not one weight
beside another), and offsets, which coupling capacitors keep from the next neuron as long as they do not saturate this
one.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.cell.differential_pair import DifferentialPair, neuron
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.technology import Technology


class PairSpreads(NamedTuple):
    """Standard deviations of the logarithms of currents.

    Attributes:
        unit: of a unit input transistor; of 2^b of them in parallel, over the square root of 2^b.
        tail: of a unit tail transistor, likewise.
        feed: of a current source beside the load.
    """

    unit: float
    tail: float
    feed: float


def pair_spreads(technology: Technology, design: DifferentialPair) -> PairSpreads:
    """By the area law, of the sizes of `design` as they are (`anamorph.cell.pair_sizing.sized` makes them)."""
    fets = {path.rsplit("/", 1)[-1].rsplit(".", 1)[-1]: fet for path, fet in neuron(design).fets()}

    def of(name: str, section: str, units: int) -> float:
        n_ut = technology.value(section, "slope_factor") * float(thermal_voltage(T_REFERENCE))
        return technology.threshold_sigma(fets[name]) * float(np.sqrt(units)) / n_ut

    return PairSpreads(of("MIp0", "nfet", 1), of("MT0", "nfet", design.tail_units[0]), of("MPLp", "pfet", 1))


def drawn_synapses(
    key: PRNGKeyArray, shape: tuple[int, ...], design: DifferentialPair, spreads: PairSpreads, limit: float = np.inf
) -> tuple[Float[Array, "*shape 2 bits"], Float[Array, "*shape pairs"]]:
    """Logarithms of factors of every group of input transistors (sides p, n) and of every pair's tail.

    Args:
        key: of the draws.
        shape: of the synapses.
        design: its bits and pairs.
        spreads: standard deviations.
        limit: none beyond so many of them.
    """
    inputs, tails = jax.random.split(key)
    units = jnp.sqrt(jnp.concatenate([2.0 ** jnp.arange(len(bits)) for bits in design.segments]))
    most = jnp.sqrt(jnp.asarray(design.tail_units, float))
    drawn = jax.random.truncated_normal(inputs, -limit, limit, (*shape, 2, design.n_bits))
    own = jax.random.truncated_normal(tails, -limit, limit, (*shape, len(design.segments)))
    return spreads.unit / units * drawn, spreads.tail / most * own


def made_weights(
    code: Int[Array | np.ndarray, "*#shape"],
    inputs: Float[Array | np.ndarray, "*#shape 2 bits"],
    tails: Float[Array | np.ndarray, "*#shape pairs"],
    design: DifferentialPair,
) -> tuple[Float[Array, "*shape"], Float[Array, "*#shape"]]:
    """Weights that codes make, in units of the largest, and the synapses' offsets in units of full scale.

    Args:
        code: 0 to the largest; a sign swaps the outputs and is the caller's.
        inputs: as of `drawn_synapses`.
        tails: likewise.
        design: its bits and pairs.
    """
    weight, offset, tail_units = jnp.zeros(()), jnp.zeros(()), sum(design.tail_units)
    for s, (bits, units) in enumerate(zip(design.segments, design.tail_units, strict=True)):
        at = jnp.arange(bits[0], bits[-1] + 1)
        current = 2.0 ** (at - bits[0]) * jnp.exp(jnp.asarray(inputs)[..., at])
        on = (jnp.asarray(code)[..., None, None] >> at) & 1
        total = current.sum((-2, -1))
        side = current.sum(-1) / total[..., None]
        given = (on * current).sum(-1) / total[..., None]
        more = side[..., 0] - side[..., 1]
        tail = units / tail_units * jnp.exp(jnp.asarray(tails)[..., s])
        weight = weight + tail * (given.sum(-1) - more * (given[..., 0] - given[..., 1]))
        offset = offset + tail * more
    return weight, offset


def weight_sigma(
    key: PRNGKeyArray, code: int, design: DifferentialPair, spreads: PairSpreads, draws: int = 4000
) -> tuple[float, float]:
    """Standard deviations of a weight, in units of the largest, and of a synapse's offset, of full scale."""
    drawn = drawn_synapses(key, (draws,), design, spreads)
    weight, offset = made_weights(np.asarray(code), *drawn, design)
    return float(jnp.std(weight)), float(jnp.std(offset))
