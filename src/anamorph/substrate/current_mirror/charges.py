"""Charges of a neuron's three nodes with everything that hangs on them, for the dynamics of large networks.

A neuron's state is its input voltage v and its two gate drives d_p = V_DD - v_p and d_n = v_n. Each node's charge is
mostly a function of its own voltage: the soma's, and that of every synapse that the node feeds (its gates) or that
feeds it (switches, wiring, inner nodes). These are integrated from the capacitances of the cells themselves,
`circuit.port_capacitance`, along the nominal soma's states. What couples two nodes is linear: overlap
capacitances, taken at one typical state. Deviations of thresholds are left out here: a few millivolts on a gate
change its capacitance by less than a percent, and nothing at rest.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev
from scipy.interpolate import CubicSpline

from anamorph.circuit.assembly import Conditions
from anamorph.circuit.interpolation import series
from anamorph.circuit.port_capacitance import nodal_matrices, port_capacitances
from anamorph.device.mosfet import T_REFERENCE
from anamorph.substrate.current_mirror.built import ABSENT
from anamorph.substrate.current_mirror.chip import readout_code
from anamorph.substrate.current_mirror.stage import Stage
from anamorph.substrate.current_mirror.synapses import SynapsePoints, resting_nodes, synapse_currents

#: Time in which a neuron's nodes change, s. From 0.1 to 10 us it changes no capacitance above 1 nA by more than 1 %.
CHANGE_TIME = 1e-6
#: Voltages over which charges follow their series, V; beyond, capacitances stay as at the edge.
CHARGE_RANGE = (0.0, 0.55)
#: Terms of the series of a capacitance.
TERMS = 10
#: Voltage of the fed node at which the gates' capacitances are taken, V: that of a soma taking tens of nA.
V_FED = 0.3
#: Somas' states at which a fed node's capacitances are averaged, V: 1 to 100 nA.
FEEDING_STATES = (0.22, 0.3, 0.36)


#: Derivatives of the polynomials by voltage at both ends of the range, 1/V: k^2, with alternating sign at the lower.
_ORDERS = np.arange(TERMS + 1)
_SIGNS = np.stack([(-1.0) ** (_ORDERS + 1), np.ones(TERMS + 1)])
_EDGE_SLOPES = 2 / (CHARGE_RANGE[1] - CHARGE_RANGE[0]) * _ORDERS**2 * _SIGNS


class CellCharges(NamedTuple):
    """Charges of the cells. Series are of TERMS + 1 terms over `CHARGE_RANGE`, C; the rest in F.

    Attributes:
        soma_in, soma_p, soma_n: of the soma's nodes, ``[terms]``.
        in_p, p_n: between the soma's input and v_p, and between v_p and v_n, magnitudes.
        out, p, n: of a synapse's ports, ``[settings, terms]``.
        out_p, out_n: magnitudes between a synapse's output and its gates, ``[settings]``.
        supply_soma: between v_p and the supply in a soma.
        supply_p, supply_out: between a synapse's ports and the supply, ``[settings]``.
    """

    soma_in: np.ndarray
    soma_p: np.ndarray
    soma_n: np.ndarray
    in_p: float
    p_n: float
    out: np.ndarray
    p: np.ndarray
    n: np.ndarray
    out_p: np.ndarray
    out_n: np.ndarray
    supply_soma: float
    supply_p: np.ndarray
    supply_out: np.ndarray


class LayerCharges(eqx.Module):
    """Charges of one programmed layer. Unknowns are v, d_p, d_n; the p node's charge is counted negative, as d_p is.

    Attributes:
        own: series of each node's own charge, ``[terms, 3, 1, n]``, C.
        in_p, p_n: couplings within the soma, F.
        from_p, from_n: between the sources' gates and this layer's inputs, magnitudes, ``[n_in, n]``; none for inputs.
        supply_p, supply_v: charge out of the supply per volt of d_p and of v, ``[n]``, F.
    """

    own: Float[Array, "terms 3 1 n"]
    in_p: Float[Array, ""]
    p_n: Float[Array, ""]
    from_p: Float[Array, "n_in n"] | None
    from_n: Float[Array, "n_in n"] | None
    supply_p: Float[Array, " n"]
    supply_v: Float[Array, " n"]


def node_charge(own: Float[Array, "terms 3 1 n"], z: Float[Array, "3 patterns n"]) -> Float[Array, "3 patterns n"]:
    """Each node's own charge at its own voltage, C; straight beyond the series' range."""
    low, high = CHARGE_RANGE
    inside = jnp.clip(z, low, high)
    at_low, at_high = (jnp.tensordot(slopes, own, 1) for slopes in jnp.asarray(_EDGE_SLOPES, own.dtype))
    beyond = jnp.maximum(z - high, 0.0) * at_high + jnp.minimum(z - low, 0.0) * at_low
    return series(own, 2 * (inside - low) / (high - low) - 1) + beyond


def node_slope(own: Float[Array, "terms 3 1 n"], z: Float[Array, "3 patterns n"]) -> Float[Array, "3 patterns n"]:
    """Its derivative, F."""
    return jax.jvp(lambda x: node_charge(own, x), (z,), (jnp.ones_like(z),))[1]


def layer_charges(cells: CellCharges, settings: tuple[np.ndarray, ...], n_bits: int) -> tuple[LayerCharges, ...]:
    """Sum the charges of every layer's nodes over the synapses of a program, ``[n_in, n_out]`` each."""
    top = 2**n_bits - 1
    outlet = np.full((settings[-1].shape[1], 1), readout_code(n_bits))
    layers = []
    for into, out in zip((None, *settings), (*settings, outlet), strict=True):
        gates = _count(out, top)  # [n, settings]
        n = len(gates)
        fed = np.zeros((n, 2 * top + 1)) if into is None else _count(into.T, top)
        own = np.stack(
            [cells.soma_in + fed @ cells.out, cells.soma_p + gates @ cells.p, cells.soma_n + gates @ cells.n]
        )
        layers.append(
            LayerCharges(
                own=jnp.asarray(np.moveaxis(own, -1, 0)[:, :, None]),
                in_p=jnp.asarray(cells.in_p),
                p_n=jnp.asarray(cells.p_n),
                from_p=None if into is None else jnp.asarray(_of_synapses(cells.out_p, into)),
                from_n=None if into is None else jnp.asarray(_of_synapses(cells.out_n, into)),
                supply_p=jnp.asarray(cells.supply_soma + gates @ cells.supply_p),
                supply_v=jnp.asarray(-fed @ cells.supply_out),
            )
        )
    return tuple(layers)


def _of_synapses(values: np.ndarray, settings: np.ndarray) -> np.ndarray:
    """The value of each synapse's setting; none where there is no synapse."""
    made = settings != ABSENT
    return values[np.where(made, settings, 0) + len(values) // 2] * made


def _count(settings: np.ndarray, top: int) -> np.ndarray:
    return np.stack([(settings == code).sum(1) for code in range(-top, top + 1)], axis=1).astype(float)


_CELLS: dict[tuple[str, int], CellCharges] = {}


def cell_charges(stage: Stage) -> CellCharges:
    """Charges of the cells of one technology, kept for the life of the process."""
    key = (stage.technology.digest, stage.n_bits)
    if not stage.technology.digest:
        return _cell_charges(stage)
    if key not in _CELLS:
        _CELLS[key] = _cell_charges(stage)
    return _CELLS[key]


def _cell_charges(stage: Stage) -> CellCharges:
    nodes = np.asarray(stage.nominal_curves.axis.nodes)
    drive_p, drive_n = stage.nominal_curves.drive_p[0], stage.nominal_curves.drive_n[0]
    typical = int(np.argmin(np.abs(nodes - V_FED)))
    soma = _soma_matrix(stage, nodes, drive_p, drive_n)
    top = 2**stage.n_bits - 1
    codes = np.arange(-top, top + 1)
    v_out = _nodes()
    feeding = np.repeat([int(np.argmin(np.abs(nodes - state))) for state in FEEDING_STATES], len(v_out))
    # all states at once: a shape compiles once
    every = _synapse_matrices(
        stage, codes, np.concatenate([drive_p, drive_p[feeding]]), np.concatenate([drive_n, drive_n[feeding]]),
        np.concatenate([np.full(len(nodes), V_FED), np.tile(v_out, len(FEEDING_STATES))]),
    )  # fmt: skip
    gates, fed = np.split(every, [len(nodes)], axis=1)
    fed = fed.reshape(len(codes), len(FEEDING_STATES), len(v_out), *fed.shape[2:]).mean(1)
    return CellCharges(
        soma_in=_integrated(nodes, soma[:, 0, 0]),
        soma_p=_integrated(drive_p, soma[:, 1, 1]),
        soma_n=_integrated(drive_n, soma[:, 2, 2]),
        in_p=-float(soma[typical, 0, 1]),
        p_n=-float(soma[typical, 1, 2]),
        out=np.stack([_integrated(v_out, c[:, 2, 2]) for c in fed]),
        p=np.stack([_integrated(drive_p, c[:, 0, 0]) for c in gates]),
        n=np.stack([_integrated(drive_n, c[:, 1, 1]) for c in gates]),
        out_p=-gates[:, typical, 2, 0],
        out_n=-gates[:, typical, 2, 1],
        supply_soma=-float(soma[typical, 3, 1]),
        supply_p=-gates[:, typical, 3, 0],
        supply_out=-gates[:, typical, 3, 2],
    )


def _nodes() -> np.ndarray:
    low, high = CHARGE_RANGE
    return low + (high - low) * 0.5 * (1 + np.sort(chebyshev.chebpts1(TERMS)))


def _integrated(at: np.ndarray, capacitance: np.ndarray) -> np.ndarray:
    """Chebyshev series of the integral of a capacitance known `at` some voltages."""
    low, high = CHARGE_RANGE
    inside = np.clip(_nodes(), at[0], at[-1])
    values = CubicSpline(at, capacitance)(inside)
    t = np.sort(chebyshev.chebpts1(TERMS))
    return chebyshev.chebint(chebyshev.chebfit(t, values, TERMS - 1), lbnd=-1) * 0.5 * (high - low)


def _soma_matrix(stage: Stage, x: np.ndarray, drive_p: np.ndarray, drive_n: np.ndarray) -> np.ndarray:
    """Capacitances between i_in, v_p, v_n and the supply of a nominal soma, ``[states, 4, 4]``."""
    circuit, v_dd = stage.soma, stage.technology.v_dd
    voltages = {"v_p": v_dd - drive_p, "v_n": drive_n}
    held = {"x": x, "vdd": np.full(len(x), v_dd)}
    given = _conditions(np.stack([held[source] for source in circuit.voltage_sources]), len(circuit.fets))
    unknowns = jnp.asarray(np.stack([voltages[node] for node in circuit.unknowns]))
    _, capacitance = nodal_matrices(circuit.structure, unknowns, given)
    names = [*circuit.unknowns, *circuit.voltage_sources]
    order = [names.index(name) for name in ("x", "v_p", "v_n", "vdd")]
    return np.asarray(capacitance)[:, order][:, :, order]


def _synapse_matrices(
    stage: Stage, codes: np.ndarray, d_p: np.ndarray, d_n: np.ndarray, v_out: np.ndarray
) -> np.ndarray:
    """Capacitances between v_p, v_n, i_out and the supply of nominal synapses, ``[codes, states, 4, 4]``."""
    circuit, v_dd, states = stage.synapse, stage.technology.v_dd, len(d_p)
    code = np.repeat(codes, states)
    d_p, d_n, v_out = (np.tile(a, len(codes)) for a in (d_p, d_n, v_out))
    points = SynapsePoints(code, v_dd - d_p, d_n, v_out, np.zeros((len(circuit.fets), len(code))))
    _, inner, _ = synapse_currents(circuit, v_dd, points, resting_nodes(circuit, v_dd, code))
    given = _conditions(np.stack(list(points.held(circuit, v_dd).values())), len(circuit.fets))
    matrix = np.asarray(port_capacitances(circuit.structure, jnp.asarray(inner), given, CHANGE_TIME))
    order = [circuit.voltage_sources.index(port) for port in ("v_p", "v_n", "i_out", "vdd")]
    return matrix[:, order][:, :, order].reshape(len(codes), states, 4, 4)


def _conditions(held: np.ndarray, fets: int) -> Conditions:
    size = held.shape[1]
    temperature = jnp.full(size, T_REFERENCE)
    return Conditions(jnp.asarray(held), jnp.zeros((0, size)), jnp.zeros((fets, size)), temperature)
