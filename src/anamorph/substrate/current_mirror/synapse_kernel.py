"""Newton's steps of one synapse, its arrow-shaped system eliminated by hand, for batches of synapses.

The inner nodes of a synapse are its two rails, top and bottom, and one node per bit, which touches nothing but the
rails. So a step eliminates the bits one by one, and two equations in the rails are left. Gates are held and every
transistor's current leaves one node as it enters another: each column of the system is dominated by its diagonal, and
no pivots are looked for. It is the step of `circuit.linear` on the netlist of `synapse_space.synapse_bench` in a third
of the time; transistors come in the order of `cell.current_mirror.synapse`, nodes in that of `NODES`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anamorph.circuit.operating_point import STEP_LIMIT
from anamorph.device.mosfet import MosfetParameters, Terminals, drain_current

#: Order of the rails before the bits' nodes.
TOP, BOTTOM = 0, 1
#: Last Newton step at which a current is exact: the error left is its square over n U_T, below 0.1 uV.
TABLE_STEP = 5e-5
#: The same for the rail of the branch that is off: it floats on leakage, and what reaches the current of that is less
#: than a picoampere, an error of a tenth of it at this step.
FLOATING_STEP = 5e-3
#: Newton steps of a round, enough for most points when their start is near.
STEPS = 2


class Around(NamedTuple):
    """What each synapse is subject to: signed setting, gates and fed node (V), thresholds' deviations (V)."""

    code: Int[Any, " batch"]
    v_p: Float[Any, " batch"]
    v_n: Float[Any, " batch"]
    v_out: Float[Any, " batch"]
    deviations: Float[Any, "fets batch"]


class Found(NamedTuple):
    """Currents into the fed node (A), their slope by its voltage (S), inner nodes (V), and which are exact."""

    current: Float[Array, " batch"]
    slope: Float[Array, " batch"]
    nodes: Float[Array, "nodes batch"]
    exact: Bool[Array, " batch"]


class _Flows(NamedTuple):
    """Of every transistor from drain to source: current, A, and its derivatives by drain and source, S."""

    current: Float[Array, "fets batch"]
    by_drain: Float[Array, "fets batch"]
    by_source: Float[Array, "fets batch"]


@jax.jit
def newton(
    mosfet: MosfetParameters, v_dd: Float[Array, ""], around: Around, start: Float[Array, "nodes batch"]
) -> Found:
    """`STEPS` steps from `start`. The current is that at the last point, carried along its last step to first order.

    Newton's method is quadratic near its end, so the size of the last step tells the error after it.
    """
    nodes = start
    for _ in range(STEPS):  # not `jax.lax.scan`, which takes three times as long
        current, slope, change = _step(mosfet, v_dd, around, nodes)
        nodes = nodes - jnp.clip(change, -STEP_LIMIT, STEP_LIMIT)
    floats = jnp.where(around.code > 0, BOTTOM, TOP)
    floating = (jnp.arange(len(start))[:, None] == floats) & (around.code != 0)
    exact = jnp.all(jnp.abs(change) <= jnp.where(floating, FLOATING_STEP, TABLE_STEP), axis=0)
    return Found(current, slope, nodes, exact)


def _step(
    mosfet: MosfetParameters, v_dd: Array, around: Around, nodes: Array
) -> tuple[Array, Array, Float[Array, "nodes batch"]]:
    """Current after the step, its slope by the fed node's voltage, and what the nodes have to be lowered by."""
    i, by_drain, by_source = _flows(mosfet, v_dd, around, nodes)
    n_bits = len(nodes) - 2
    # what leaves the rails, and its derivatives by the rails; each bit's elimination adds to them
    none = jnp.zeros_like(i[0])
    rails, square = [i[0], i[1]], [[by_drain[0], none], [none, by_drain[1]]]
    pushed = [none, none]  # of the rails, by the fed node
    bits = []
    for bit in range(n_bits):
        up, down, out = 2 + 3 * bit, 3 + 3 * bit, 4 + 3 * bit
        whole = i[up] + i[down] + i[out]
        per_volt = 1 / (by_drain[up] + by_drain[down] + by_drain[out])
        own, fed = (by_source[up], by_source[down]), by_source[out]
        for rail, fet in enumerate((up, down)):
            share = by_drain[fet] * per_volt
            rails[rail] += share * whole - i[fet]
            pushed[rail] += share * fed
            square[rail][rail] += -by_source[fet]
            for other in (TOP, BOTTOM):
                square[rail][other] += share * own[other]
        bits.append((whole, per_volt, own, fed, by_drain[out]))
    (a, b), (c, d) = square
    scale = 1 / (a * d - b * c)

    def solved(right: list[Any]) -> tuple[Array, Array]:
        return (d * right[0] - b * right[1]) * scale, (a * right[1] - c * right[0]) * scale

    change, follow = solved(rails), solved(pushed)
    current, slope, changes = none, none, list(change)
    for bit, (whole, per_volt, own, fed, out) in enumerate(bits):
        changes.append(per_volt * (whole - own[TOP] * change[TOP] - own[BOTTOM] * change[BOTTOM]))
        moves = per_volt * (fed - own[TOP] * follow[TOP] - own[BOTTOM] * follow[BOTTOM])
        current += i[4 + 3 * bit] - out * changes[-1]
        slope += fed - out * moves
    return current, slope, jnp.stack(changes)


def _flows(mosfet: MosfetParameters, v_dd: Array, around: Around, nodes: Array) -> _Flows:
    """Currents and conductances of all transistors."""
    parameters = jax.tree.map(lambda column: column[:, None], mosfet)
    low, high = jnp.zeros_like(around.v_p), jnp.full_like(around.v_p, v_dd)
    sign = jnp.where(around.code < 0, v_dd, 0.0)
    top, bottom = nodes[TOP], nodes[BOTTOM]
    drains, gates, sources, bulks = [top, bottom], [sign, sign], [high, low], [high, low]
    for bit in range(len(nodes) - 2):
        on = jnp.where((jnp.abs(around.code) >> bit) & 1, v_dd, 0.0)
        drains += [nodes[2 + bit]] * 3
        gates += [around.v_p, around.v_n, on]
        sources += [top, bottom, around.v_out]
        bulks += [high, low, low]
    drain, gate, source, bulk = (jnp.stack(rows) for rows in (drains, gates, sources, bulks))
    polarity = parameters.polarity

    def current(drain: Array, source: Array) -> Array:
        terminals = Terminals(drain, polarity * (gate - bulk), source)
        return drain_current(parameters, terminals, around.deviations)

    at = polarity * (drain - bulk), polarity * (source - bulk)
    one, none = jnp.ones_like(drain), jnp.zeros_like(drain)
    value, by_drain = jax.jvp(current, at, (one, none))
    _, by_source = jax.jvp(current, at, (none, one))
    # current and voltages both flip sign for a p-channel device, so its conductances do not
    return _Flows(polarity * value, by_drain, by_source)
