"""What cells without deviations do, in as few functions as they need: for training through transistors.

The maps of the feedforward solver (`synapse_space.py`) have room for every deviation of every transistor. Cells as
drawn need less. The gate drives of a source follow from its input current x alone; so does what its synapses give, up
to the setting c and the voltage v of the fed node. For each unit of weight that current is

    I_c(x, v) / c  =  sum_rn  s_cr  f_rn(x)  psi_n(v)

with few r and n, found by singular value decompositions of the solver's own coefficients. A layer is then one matrix
product per family of settings and region of v, a third of the solver's work.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.feedforward import bracketed_newton
from anamorph.circuit.interpolation import Axis, CurrentMap, series
from anamorph.device.mosfet import T_REFERENCE, thermal_voltage
from anamorph.substrate.current_mirror.chip import readout_code
from anamorph.substrate.current_mirror.run import V_READ
from anamorph.substrate.current_mirror.soma_curves import STATE_RANGE
from anamorph.substrate.current_mirror.stage import Stage, input_current, state_guess
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, POSITIVE, families
from anamorph.substrate.current_mirror.tables import tabulate

#: What may be left out in the low and in the high region, relative to the largest: a third of what the maps leave out
#: themselves below, where only silent neurons are, and a few times it above.
LEFT_OUT = (3e-3, 3e-4)
#: Source currents that are told apart, A: below, a synapse leaks as much as it passes on; above ends the states' range.
LEAST, MOST = 1e-13, 8e-6
#: Nodes along the source's current.
NODES = 32


class Source(eqx.Module):
    """Functions of a source's current x: Chebyshev series in the gate voltage of a saturated M0 that takes x, times x.

    Attributes:
        axis: of that voltage, V.
        i_spec, v_t0, slope: of M0, A and V; `slope` is ``2 n U_T``.
    """

    axis: Axis
    i_spec: float = eqx.field(static=True)
    v_t0: float = eqx.field(static=True)
    slope: float = eqx.field(static=True)

    @classmethod
    def of(cls, stage: Stage) -> Source:
        """Of a soma without deviations."""
        fet = stage.input_fet
        low, high = (float(state_guess(fet, jnp.asarray(x), jnp.zeros(()))) for x in (LEAST, MOST))
        slope = 2 * float(fet.slope_factor) * thermal_voltage(T_REFERENCE)
        return cls(Axis.make(low, high, NODES), float(fet.i_spec), float(fet.v_t0), float(slope))

    def currents(self) -> Float[Array, " nodes"]:
        """At the nodes of the axis, A."""
        return self.i_spec * jnp.log1p(jnp.exp((self.axis.nodes - self.v_t0) / self.slope)) ** 2

    def basis(self, x: Float[Array, "*any"]) -> Float[Array, "*any nodes"]:
        """Chebyshev polynomials times the current, in which `fit` writes a function of it."""
        inside = jnp.clip(x, LEAST, MOST)
        u = self.v_t0 + self.slope * jnp.log(jnp.expm1(jnp.sqrt(inside / self.i_spec)))
        return inside[..., None] * polynomials(self.axis.coordinate(u), NODES)

    def fit(self, values: Float[np.ndarray, "nodes *any"]) -> Float[np.ndarray, "nodes *any"]:
        """Coefficients of functions given at the nodes."""
        scaled = values / np.asarray(self.currents()).reshape(-1, *(1,) * (values.ndim - 1))
        return np.tensordot(np.asarray(self.axis.to_series), scaled, axes=1)


def polynomials(t: Float[Array, "*any"], count: int) -> Float[Array, "*any count"]:
    """Chebyshev polynomials by ``T_{m+k} = 2 T_m T_k - T_{m-k}``, which doubles their number in each step."""
    found = jnp.stack([jnp.ones_like(t), t], axis=-1)
    while found.shape[-1] < count:
        found = jnp.concatenate([found, 2 * found[..., -1:] * found[..., 1:] - found[..., -2::-1]], axis=-1)
    return found[..., :count]


class Family(eqx.Module):
    """One family of settings in one region.

    Attributes:
        functions: coefficients of f_rn in the source's basis, ``[nodes, N, R]``.
        shares: s_cr by magnitude of the setting, from 1 (or the off setting alone), ``[settings, R]``.
        psi: series in v, ``[nv, N]``.
    """

    functions: Float[Array, "nodes N R"]
    shares: Float[Array, "settings R"]
    psi: Float[Array, "nv N"]

    @classmethod
    def of(
        cls,
        source: Source,
        features: Float[np.ndarray, "nodes M"],
        current_map: CurrentMap,
        table: Float[np.ndarray, "settings M N"],
        left_out: float,
    ) -> Family:
        """From the solver's coefficients of each setting, by growing magnitude, and its features at the nodes."""
        scaled = table / np.arange(1, len(table) + 1)[:, None, None]
        c, m, n = scaled.shape
        along_v = _leading(scaled.reshape(c * m, n).T, left_out)  # n, N
        scaled = scaled @ along_v
        shares = _leading(scaled.reshape(c, -1), left_out)  # c, R
        joint = np.einsum("cmn,cr->mnr", scaled, shares)
        functions = source.fit(np.einsum("xm,mnr->xnr", features, joint))
        return cls(jnp.asarray(functions), jnp.asarray(shares), jnp.asarray(np.asarray(current_map.psi) @ along_v))

    def series(
        self, basis: Float[Array, "patterns n_in nodes"], strengths: Float[Array, "n_in n_out R"]
    ) -> Float[Array, "nv patterns n_out"]:
        """Current into every fed neuron as a series in its voltage, A; strengths are weights times shares."""
        features = jnp.einsum("bjx,xnr->bnjr", basis, self.functions.astype(basis.dtype))
        sums = jnp.einsum("bnjr,jkr->bnk", features, strengths)
        return jnp.einsum("vn,bnk->vbk", self.psi, sums)


def _leading(matrix: np.ndarray, left_out: float) -> np.ndarray:
    """Leading left singular vectors ``[rows, kept]``; what is left out is that much less than the first."""
    u, s, _ = np.linalg.svd(matrix, full_matrices=False)
    return u[:, : max(1, int((s > left_out * s[0]).sum()))]


class CellFunctions(NamedTuple):
    """Soma and synapse without deviations.

    Attributes:
        source: what functions of a source's current are made of.
        regions: low and high; a `Family` each for positive, negative and switched-off synapses.
        readout: coefficients of the readout's current by that of its neuron, ``[nodes]``.
    """

    source: Source
    regions: tuple[tuple[Family, ...], tuple[Family, ...]]
    readout: Float[Array, " nodes"]

    @classmethod
    def of(cls, stage: Stage) -> CellFunctions:
        """From the cells of a stage, in every setting."""
        source, largest = Source.of(stage), 2**stage.n_bits - 1
        codes = np.arange(-largest, largest + 1)
        none = np.zeros((1, 1, len(codes), len(stage.synapse.fets)))
        matrix = tabulate(stage, stage.nominal_curves, none, codes[None, None, None])
        drives = _drives(stage, source)
        found = []
        for region, own, left_out in zip(stage.regions, matrix.of_die(0).coefficients(), LEFT_OUT, strict=True):
            tables = [np.asarray(c)[0, 0].swapaxes(0, 1) for c in own]  # settings, M, N
            features = [np.asarray(m.source_features(d)) for m, d in zip(region.maps, drives, strict=True)]
            each = zip(features, region.maps, tables, families(stage.n_bits), strict=True)
            found.append(tuple(Family.of(source, f, m, t[c + largest], left_out) for f, m, t, c in each))
        high = stage.regions[1].maps[POSITIVE]  # what the last turn left is of the high region
        at = np.asarray(high.v.basis(jnp.asarray(V_READ)) @ high.psi)
        readout = features[POSITIVE] @ tables[POSITIVE][readout_code(stage.n_bits) + largest] @ at
        return cls(source, (found[0], found[1]), jnp.asarray(source.fit(readout)))

    def output(self, x: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """Current of a readout whose neuron takes x, A."""
        return self.source.basis(x) @ self.readout


def _drives(stage: Stage, source: Source) -> tuple[Array, ...]:
    """Gate drives that each family follows at the source's nodes, V."""
    x = source.currents()
    low, high = (jnp.full(x.shape, end) for end in STATE_RANGE)
    zero = jnp.zeros(())
    v, _ = bracketed_newton(lambda at: input_current(stage.input_fet, at, zero) - x, low, high, 0.5 * (low + high))
    curves = stage.nominal_curves
    own = {"p": curves.drive_p[0], "n": curves.drive_n[0]}
    to_series, t = np.asarray(curves.axis.to_series), curves.axis.coordinate(v)
    return tuple(series(jnp.asarray(to_series @ own[polarity])[:, None], t) for polarity in FOLLOWED)
