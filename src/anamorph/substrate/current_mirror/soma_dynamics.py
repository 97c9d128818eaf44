"""Currents of a soma's three nodes away from rest, and their slopes.

The unknowns are the input voltage v and the gate drives d_p = V_DD - v_p and d_n = v_n, so that each of them rises
when its node is fed:

    v:   I_synapses(v) - I_M0(v)        d_p:  I_M1(v, d_p) - I_M2(d_p)        d_n:  I_M3(d_p, d_n) - I_M4(d_n)

Every transistor has its own threshold. Each node's current depends on its own unknown and on the one before it.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.cell.current_mirror import soma
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current
from anamorph.technology import Technology

#: v, d_p and d_n of every neuron, V; or what flows into their nodes, A.
Triple = Float[Array, "3 patterns n"]
#: The same of every layer, which differ in n.
Triples = tuple[Float[Array, "3 patterns _"], ...]


class SomaFets(eqx.Module):
    """The transistors of one layer's somas, M0 to M4.

    Attributes:
        parameters: ``[5, 1, 1]``.
        deviations: thresholds, ``[5, 1, n]``, V.
        v_dd: V.
    """

    parameters: MosfetParameters
    deviations: Float[Array, "5 1 n"]
    v_dd: float = eqx.field(static=True)

    @classmethod
    def of(cls, technology: Technology, deviations: Float[Array | np.ndarray, "n 5"]) -> SomaFets:
        """One layer's, from the card."""
        rows = [technology.mosfet(fet) for _, fet in soma().fets()]
        parameters = jax.tree.map(lambda *x: jnp.asarray(np.stack(x))[:, None, None], *rows)
        return cls(parameters, jnp.asarray(deviations).T[:, None, :], technology.v_dd)

    def _current(self, drain: Array, gate: Array) -> Array:
        return drain_current(self.parameters, Terminals(drain, gate, jnp.zeros_like(gate)), self.deviations)

    def _terminals(self, z: Triple) -> tuple[Array, Array]:
        v, d_p, d_n = z
        return jnp.stack([v, self.v_dd - d_p, d_p, self.v_dd - d_n, d_n]), jnp.stack([v, v, d_p, d_p, d_n])

    def flows(self, z: Triple) -> Triple:
        """What flows into each node without the synapses, A."""
        m0, m1, m2, m3, m4 = self._current(*self._terminals(z))
        return jnp.stack([-m0, m1 - m2, m3 - m4])

    def supply(self, z: Triple) -> Float[Array, "patterns n"]:
        """Current out of the supply, A."""
        currents = self._current(*self._terminals(z))
        return currents[2] + currents[3]

    def slopes(self, z: Triple) -> Slopes:
        """Derivatives of `flows`, S."""
        value, pull = jax.vjp(self._current, *self._terminals(z))
        by_drain, by_gate = pull(jnp.ones_like(value))
        diode = by_drain + by_gate
        own = jnp.stack([-diode[0], -by_drain[1] - diode[2], -by_drain[3] - diode[4]])
        return Slopes(own, by_gate[1::2])


class Slopes(NamedTuple):
    """Derivatives of the flows into the nodes: by their own unknown, and by the one before, S."""

    own: Float[Array, "3 patterns n"]
    before: Float[Array, "2 patterns n"]


class Tridiagonal(NamedTuple):
    """Rows of 3x3 systems, one per neuron and pattern: what multiplies the unknown before, its own, and the next."""

    below: Float[Array, "2 patterns n"]
    diagonal: Float[Array, "3 patterns n"]
    above: Float[Array, "2 #patterns #n"]

    def solve(self, right: Triple) -> Triple:
        """By elimination from the last unknown up: each row's own element is the largest."""
        a, d, c = self.below, self.diagonal, self.above
        d1 = d[1] - c[1] * a[1] / d[2]
        r1 = right[1] - c[1] / d[2] * right[2]
        x0 = (right[0] - c[0] / d1 * r1) / (d[0] - c[0] * a[0] / d1)
        x1 = (r1 - a[0] * x0) / d1
        return jnp.stack([x0, x1, (right[2] - a[1] * x1) / d[2]])
