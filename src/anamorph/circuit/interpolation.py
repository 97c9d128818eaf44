"""Currents of a cell under mismatch, known from a few well-chosen points: empirical interpolation.

A synapse's output current is a function I(x, v) of the state x of the neuron before it and of the voltage v of
the node it feeds. Whatever its transistors' deviations are, that function lies close to a
low-dimensional space: the nominal function and its responses to each transistor's threshold. `build` finds
that space (singular value decomposition of a few deviated samples), the grid points that determine a member of
it best (discrete empirical interpolation; S. Chaturantabut and D. C. Sorensen, SIAM J. Sci. Comput. 32(5),
2010), and writes every member as a sum of products phi_m(x) psi_n(v). Then

    sum over sources j of I_jk(x_j, v)  =  sum_n psi_n(v) [ sum_jm phi_m(x_j) C_jmkn ]

is one matrix product for a whole layer, all patterns at once, mismatch of every transistor included.
The error is that of the spaces' truncation; `build` reports it on samples it was not built from.
"""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.polynomial import chebyshev


class Axis(eqx.Module):
    """One coordinate: Chebyshev nodes in u = (x - low)/(x - low + bend), which crowd near `low`.

    Attributes:
        low, high: range, V.
        bend: length over which nodes crowd, V; infinite for plain Chebyshev nodes.
        nodes: ``[n]``, V, increasing.
        to_series: values at the nodes to Chebyshev coefficients, ``[n, n]``.
    """

    nodes: Float[Array, " n"]
    to_series: Float[Array, "n n"]
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    bend: float = eqx.field(static=True)

    @classmethod
    def make(cls, low: float, high: float, n: int, bend: float = float("inf")) -> Axis:
        """Lay `n` nodes between `low` and `high`."""
        t = np.sort(chebyshev.chebpts1(n))
        top = float(_bent(high - low, bend))
        u = 0.5 * (t + 1) * top
        nodes = low + (u if np.isinf(bend) else bend * u / (1 - u))
        to_series = np.linalg.inv(chebyshev.chebvander(t, n - 1))
        return cls(jnp.asarray(nodes), jnp.asarray(to_series), low, high, bend)

    def coordinate(self, x: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """x on the interval from -1 to 1."""
        top = float(_bent(self.high - self.low, self.bend))
        return 2 * jnp.asarray(_bent(x - self.low, self.bend)) / top - 1

    def basis(self, x: Float[Array, "*any"]) -> Float[Array, "*any n"]:
        """Chebyshev polynomials of the coordinate."""
        t = self.coordinate(x)
        terms = [jnp.ones_like(t), t]
        while len(terms) < len(self.nodes):
            terms.append(2 * t * terms[-1] - terms[-2])
        return jnp.stack(terms[: len(self.nodes)], axis=-1)


def _bent(distance: Array | float, bend: float) -> Array | float:
    return distance if np.isinf(bend) else distance / (distance + bend)


def series(coefficients: Float[Array, "n *#any"], t: Float[Array, "*#any"]) -> Float[Array, "*#any"]:
    """Sum of Chebyshev polynomials at t by Clenshaw's recurrence; coefficients on the first axis."""
    high = higher = jnp.zeros(jnp.broadcast_shapes(coefficients.shape[1:], t.shape), t.dtype)
    for k in range(len(coefficients) - 1, 0, -1):
        high, higher = coefficients[k] + 2 * t * high - higher, high
    return coefficients[0] + t * high - higher


class CurrentMap(eqx.Module):
    """The space of I(x, v) of one cell, for every setting of it.

    Attributes:
        x, v: axes.
        phi: series of the M functions of x, after division by the envelope, ``[nx, M]``.
        psi: series of the N functions of v, ``[nv, N]``.
        points: grid indices (x, v) of the points to sample, ``[settings, r, 2]``.
        expand: currents at those points to coefficients C, ``[settings, r, M, N]``.
        envelope: threshold (V) and slope n U_T (V) of the envelope ``e^{(x-V_T)/nU_T}`` and its floor.
    """

    x: Axis
    v: Axis
    phi: Float[Array, "nx M"]
    psi: Float[Array, "nv N"]
    points: Int[Array, "settings r 2"]
    expand: Float[Array, "settings r M N"]
    envelope: tuple[float, float, float] = eqx.field(static=True)

    def source_features(self, x: Float[Array, "*any"]) -> Float[Array, "*any M"]:
        """phi_m(x), envelope included."""
        inside = jnp.clip(x, self.x.low, self.x.high)
        # by recurrence for all functions at once: a tenth of the time of the polynomials one by one
        return series(self.phi, self.x.coordinate(inside)[..., None]) * envelope(inside, self.envelope)[..., None]

    def coefficients(
        self, currents: Float[np.ndarray, "any r"], setting: Int[np.ndarray, " any"]
    ) -> Float[np.ndarray, "any M N"]:
        """C of each cell from its currents at its setting's points."""
        found = np.empty((len(currents), *self.expand.shape[2:]))
        for one in np.unique(setting):
            own = setting == one
            found[own] = np.tensordot(currents[own], np.asarray(self.expand[one]), axes=1)
        return found

    def voltage_series(self, sums: Float[Array, "*any N"]) -> Float[Array, "nv *any"]:
        """Coefficients of psi to a Chebyshev series in v, series on the first axis."""
        return jnp.moveaxis(sums @ self.psi.T, -1, 0)


#: Shape of an envelope that is one everywhere: for currents that do not follow the drive.
FLAT = (float("inf"), 1.0, 1.0)


def envelope(x: Float[Array, "*any"], shape: tuple[float, float, float]) -> Float[Array, "*any"]:
    """Size of a current by its gate drive: exponential below threshold, linear in V above, never below a floor."""
    threshold, slope, floor = shape
    z = jnp.exp((x - threshold) / (2 * slope))
    return z * z / (1 + z) + floor


@dataclass(frozen=True)
class Sizes:
    """How many modes per setting, and functions of x and of v."""

    modes: int = 12
    functions_x: int = 10
    functions_v: int = 7


def build(
    samples: Float[np.ndarray, "settings samples nx nv"],
    x: Axis,
    v: Axis,
    shape: tuple[float, float, float],
    sizes: Sizes,
) -> CurrentMap:
    """Find the space, its points and its separable form from currents sampled on the whole grid."""
    weight = 1 / np.asarray(envelope(x.nodes, shape))
    scaled = samples * weight[:, None]
    modes, points, inverse = zip(*(_modes(s, sizes.modes) for s in scaled), strict=True)
    stacked = np.stack(modes)  # settings, r, nx, nv: orthonormal, weighted by what they stand for
    strength = np.stack([_strength(s, m) for s, m in zip(scaled, stacked, strict=True)])
    weighted = stacked * strength[..., None, None]
    phi = _left_space(np.moveaxis(weighted, 2, 0).reshape(len(weight), -1), sizes.functions_x)
    psi = _left_space(np.moveaxis(weighted, 3, 0).reshape(weighted.shape[3], -1), sizes.functions_v)
    separable = np.einsum("crxv,xm,vn->crmn", stacked, phi, psi)
    at_points = np.stack([weight[p[:, 0]] for p in points])
    expand = np.einsum("cqp,cp,cqmn->cpmn", np.stack(inverse), at_points, separable)
    return CurrentMap(
        x=x,
        v=v,
        phi=x.to_series @ phi,
        psi=v.to_series @ psi,
        points=jnp.asarray(np.stack(points)),
        expand=jnp.asarray(expand),
        envelope=shape,
    )


def _modes(scaled: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Modes [r, nx, nv] of one setting's samples, their points [r, 2], and point values to mode weights."""
    n_samples, nx, nv = scaled.shape
    flat = scaled.reshape(n_samples, -1)
    flat = flat / np.abs(flat).max()
    _, _, modes = np.linalg.svd(flat, full_matrices=False)
    modes = modes[:count]
    chosen = [int(np.abs(modes[0]).argmax())]
    for mode in modes[1:]:
        known = modes[: len(chosen)]
        fit = np.linalg.solve(known[:, chosen].T, mode[chosen])
        chosen.append(int(np.abs(mode - fit @ known).argmax()))
    inverse = np.linalg.inv(modes[:, chosen].T)
    points = np.stack(np.unravel_index(chosen, (nx, nv)), axis=-1)
    return modes.reshape(-1, nx, nv), points, inverse


def _strength(scaled: np.ndarray, modes: np.ndarray) -> np.ndarray:
    flat = scaled.reshape(len(scaled), -1)
    weights = flat @ modes.reshape(len(modes), -1).T
    return np.sqrt((weights**2).mean(0)) / np.abs(flat).max()


def _left_space(matrix: np.ndarray, count: int) -> np.ndarray:
    return np.linalg.svd(matrix, full_matrices=False)[0][:, :count]
