r"""One implicit moment of a whole network of mirrors, layer after layer.

Gates draw no direct current, so once the gate drives of a layer are known at the new moment, so is, for every neuron
of the next, the current of its synapses as a function of its own voltage. Each neuron then has three unknowns of
its own, z = (v, d_p, d_n), and an implicit stage of length e is

    Q(z) - e F(z) = K

with the charges Q of `charges.py`, the flows F of `soma_dynamics.py` and `links.py`, and what is known K. The only way
back, from a neuron's input to the gates that feed it, is the overlap of the synapses' transistors: a few percent of
the gates' own capacitance. There v is taken from the extrapolation that Newton starts from, and the
charge that this leaves out of a step is in the next one.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from anamorph.circuit.interpolation import CurrentMap
from anamorph.substrate.current_mirror.charges import LayerCharges, node_charge, node_slope
from anamorph.substrate.current_mirror.links import Current, Link
from anamorph.substrate.current_mirror.soma_dynamics import SomaFets, Tridiagonal, Triple, Triples

#: Newton steps of a stage at most, and the largest, V.
ITERATIONS, STEP_LIMIT = 12, 0.1


class Layer(eqx.Module):
    """One layer: its somas, its charges, and the synapses that feed it (none for the inputs)."""

    fets: SomaFets
    charges: LayerCharges
    link: Link | None


class Outlet(eqx.Module):
    """The readout synapses: current of each output neuron as a function of its d_p, ``[M, n_out]``."""

    current_map: CurrentMap
    weights: Float[Array, "M n_out"]

    def current(self, d_p: Float[Array, "patterns n_out"]) -> Float[Array, "patterns n_out"]:
        """Output currents, A."""
        return jnp.einsum("bnm,mn->bn", self.current_map.source_features(d_p), self.weights)


class Network(eqx.Module):
    """A programmed die."""

    layers: tuple[Layer, ...]
    outlet: Outlet


class Moment(NamedTuple):
    """State of a network, one entry per layer.

    Attributes:
        z: v, d_p, d_n, V.
        charge: of their nodes, C; with it the way back as it was extrapolated.
        flow: into their nodes, A.
    """

    z: Triples
    charge: Triples
    flow: Triples


class Stage(NamedTuple):
    """A solved implicit stage: the state, what is needed for its error and supply, and which patterns converged."""

    moment: Moment
    matrices: tuple[Tridiagonal, ...]
    currents: tuple[Current | None, ...]
    converged: Bool[Array, " patterns"]


def solve_stage(
    network: Network,
    inputs: Float[Array, "patterns n_in"],
    known: Triples,
    length: Float[Array, ""],
    guess: Triples,
    tolerance: Float[Array, ""] | float,
) -> Stage:
    """Solve Q(z) - `length` F(z) = `known` for all layers.

    Args:
        network: the die.
        inputs: currents into the first layer at that moment, A.
        known: K, C.
        length: e, s.
        guess: where Newton starts, V.
        tolerance: of the last step that Newton takes, V.
    """
    z, charge, flow, matrices, currents = [], [], [], [], []
    converged = jnp.ones(len(inputs), bool)
    for index, layer in enumerate(network.layers):
        coupled = _coupled(network, index, z, guess)
        current = None if layer.link is None else layer.link.current(z[-1][1], z[-1][2])
        solved = _newton(layer, current, inputs, coupled, known[index], length, guess[index], tolerance)
        z.append(solved.z)
        charge.append(solved.charge)
        flow.append(solved.flow)
        matrices.append(solved.matrix)
        currents.append(current)
        converged &= solved.converged
    return Stage(Moment(tuple(z), tuple(charge), tuple(flow)), tuple(matrices), tuple(currents), converged)


def _coupled(network: Network, index: int, solved: list[Float[Array, "3 patterns _"]], guess: Triples) -> Triple:
    """Charge on a layer's nodes by its synapses' overlaps with the layers before and after it, C."""
    layer = network.layers[index].charges
    coupled = jnp.zeros_like(guess[index])
    if layer.from_p is not None and layer.from_n is not None:
        _, d_p, d_n = solved[-1]
        coupled = coupled.at[0].add(d_p @ layer.from_p - d_n @ layer.from_n)
    if index + 1 < len(network.layers):
        after, v = network.layers[index + 1].charges, guess[index + 1][0]
        if after.from_p is not None and after.from_n is not None:
            coupled = coupled.at[1].add(v @ after.from_p.T).at[2].add(-(v @ after.from_n.T))
    return coupled


class _Solved(NamedTuple):
    z: Triple
    charge: Triple
    flow: Triple
    matrix: Tridiagonal
    converged: Bool[Array, " patterns"]


def _newton(
    layer: Layer, current: Current | None, inputs: Array, coupled: Triple, known: Triple,
    length: Array, guess: Triple, tolerance: Array | float,
) -> _Solved:  # fmt: skip
    """Simplified Newton: the slopes are those at the guess, which is within millivolts of the solution."""
    matrix = _matrix(layer, current, length, guess)

    def evaluate(z: Triple) -> tuple[Triple, Triple]:
        flow = layer.fets.flows(z)
        fed = inputs if current is None or layer.link is None else layer.link.at(current.low, current.high, z[0])
        return _charge(layer.charges, z) + coupled, flow.at[0].add(fed)

    def body(state: tuple) -> tuple:
        z, _, _, moved, count = state
        charge, flow = evaluate(z)
        step = matrix.solve(charge - length * flow - known)
        largest = jnp.max(jnp.abs(step), axis=(0, 2))
        # the step that shows convergence is not taken: charge and flow stay those at z
        again = largest > tolerance
        z = jnp.where(again[None, :, None], z - jnp.clip(step, -STEP_LIMIT, STEP_LIMIT), z)
        return z, charge, flow, largest, count + 1

    def unfinished(state: tuple) -> Array:
        return jnp.any(state[3] > tolerance) & (state[4] < ITERATIONS)

    begin = (guess, guess, guess, jnp.full(guess.shape[1], jnp.inf), jnp.array(0))
    z, charge, flow, moved, _ = jax.lax.while_loop(unfinished, body, begin)
    return _Solved(z, charge, flow, matrix, moved <= tolerance)


def _charge(charges: LayerCharges, z: Triple) -> Triple:
    coupling = jnp.stack([charges.in_p * z[1], charges.in_p * z[0] + charges.p_n * z[2], charges.p_n * z[1]])
    return node_charge(charges.own, z) + coupling


def _matrix(layer: Layer, current: Current | None, length: Array, z: Triple) -> Tridiagonal:
    slopes, charges = layer.fets.slopes(z), layer.charges
    own = node_slope(charges.own, z) - length * slopes.own
    if current is not None and layer.link is not None:
        own = own.at[0].add(-length * layer.link.slope(current.low, current.high, z[0]))
    between = jnp.stack([charges.in_p, charges.p_n])[:, None, None]
    return Tridiagonal(between - length * slopes.before, own, between)


def charges_at(network: Network, z: Triples) -> Triples:
    """Charge on every node, the way back included, C."""
    return tuple(
        _charge(layer.charges, z[index]) + _coupled(network, index, list(z[:index]), z)
        for index, layer in enumerate(network.layers)
    )


def supply_current(network: Network, stage: Stage) -> Float[Array, " patterns"]:
    """Current out of the supply through transistors, A: somas, positive synapses and readout."""
    z = stage.moment.z
    total = network.outlet.current(z[-1][1]).sum(-1)
    for layer, own, current in zip(network.layers, z, stage.currents, strict=True):
        total = total + layer.fets.supply(own).sum(-1)
        if current is not None and layer.link is not None:
            total = total + layer.link.at(current.low_sourced, current.high_sourced, own[0]).sum(-1)
    return total


def supply_charge(network: Network, z: Triples) -> Float[Array, " patterns"]:
    """Charge that capacitances hold against the supply, C, up to a constant."""
    parts = [
        own[1] @ x.charges.supply_p + own[0] @ x.charges.supply_v for x, own in zip(network.layers, z, strict=True)
    ]
    return jnp.stack(parts).sum(0)
