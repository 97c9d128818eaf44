"""One synapse matrix as the dynamics need it: from gate drives at one moment to currents as series in the fed voltage.

The same maps as the feedforward solver's, laid out for many evaluations: the leading functions of each space are kept,
the polynomials of a drive are shared by all maps that follow it, and everything before the sum is in single precision.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.feedforward import PRODUCT, Region
from anamorph.circuit.interpolation import Axis, CurrentMap, envelope, series
from anamorph.substrate.current_mirror.synapse_space import FOLLOWED, POSITIVE
from anamorph.substrate.current_mirror.tables import DieMatrix

#: Functions of the drive and of the fed voltage that are kept of each family's space: all of them change no decision
#: by more than 0.2 %, at three times the work.
KEPT_X, KEPT_V = 6, 4


class Piece(eqx.Module):
    """One region and family: functions of the drive, functions of v, and what joins them.

    Attributes:
        phi: ``[nx, M]``.
        psi: ``[nv, N]``.
        joint: ``[n_in * M, n_out * N]``.
        shape: of the envelope.
        follows: the drive's polarity.
    """

    phi: Float[Array, "nx M"]
    psi: Float[Array, "nv N"]
    joint: Float[Array, "n_in_M n_out_N"]
    shape: tuple[float, float, float] = eqx.field(static=True)
    follows: str = eqx.field(static=True)

    def series(self, basis: Float[Array, "patterns n_in nx"], drive: Array) -> Float[Array, "nv patterns n_out"]:
        """Current into every fed neuron as a Chebyshev series in its voltage, A."""
        features = (basis @ self.phi) * envelope(drive, self.shape)[..., None]
        sums = features.reshape(len(drive), -1) @ self.joint
        sums = sums.reshape(len(drive), -1, self.psi.shape[1])
        return jnp.moveaxis(sums @ self.psi.T, -1, 0)


class Current(NamedTuple):
    """Current into the neurons of a layer at one moment, as a function of their voltage.

    Attributes:
        low, high: series in the low and the high region, of all synapses, A.
        low_sourced, high_sourced: of the positive synapses alone, whose current the supply gives.
    """

    low: Float[Array, "nv patterns n"]
    high: Float[Array, "nv patterns n"]
    low_sourced: Float[Array, "nv patterns n"]
    high_sourced: Float[Array, "nv patterns n"]


class Link(eqx.Module):
    """A synapse matrix of one programmed die."""

    pieces: tuple[tuple[Piece, ...], tuple[Piece, ...]]
    drives: dict[str, Axis]
    voltages: tuple[Axis, Axis]

    @classmethod
    def of(cls, regions: tuple[Region, Region], matrix: DieMatrix) -> Link:
        """From the feedforward solver's tables, for a single program."""
        pieces = tuple(
            tuple(
                _piece(m, np.asarray(c)[0], polarity)
                for m, c, polarity in zip(region.maps, coefficients, FOLLOWED, strict=True)
            )
            for region, coefficients in zip(regions, matrix.coefficients(), strict=True)
        )
        axes = {polarity: m.x for m, polarity in zip(regions[0].maps, FOLLOWED, strict=True)}
        voltages = (regions[0].maps[0].v, regions[1].maps[0].v)
        return cls((pieces[0], pieces[1]), axes, voltages)

    def current(self, d_p: Float[Array, "patterns n_in"], d_n: Float[Array, "patterns n_in"]) -> Current:
        """Of every fed neuron, for the gate drives (V) of the sources."""
        drives, bases = {}, {}
        for polarity, drive in (("p", d_p), ("n", d_n)):
            axis = self.drives[polarity]
            inside = jnp.clip(drive.astype(PRODUCT), axis.low, axis.high)
            drives[polarity], bases[polarity] = inside, axis.basis(inside)
        parts = [[p.series(bases[p.follows], drives[p.follows]) for p in region] for region in self.pieces]
        low, high = (sum(part[1:], part[0]) for part in parts)
        return Current(low, high, parts[0][POSITIVE], parts[1][POSITIVE])

    def at(self, low: Array, high: Array, v: Float[Array, "patterns n"]) -> Float[Array, "patterns n"]:
        """The currents of two series at v, A; as at the edge beyond the regions' range.

        Where the regions overlap, one fades into the other: a jump between them would keep Newton from settling.
        """
        below, above = (
            series(part, axis.coordinate(jnp.clip(v, axis.low, axis.high)))
            for part, axis in zip((low, high), self.voltages, strict=True)
        )
        first, last = self.voltages[1].low, self.voltages[0].high
        part = jnp.clip((v - first) / (last - first), 0.0, 1.0)
        return below + part * part * (3 - 2 * part) * (above - below)

    def slope(self, low: Array, high: Array, v: Float[Array, "patterns n"]) -> Float[Array, "patterns n"]:
        """Derivative of `at` by v, S."""
        return jax.jvp(lambda x: self.at(low, high, x), (v,), (jnp.ones_like(v),))[1]


def _piece(current_map: CurrentMap, coefficients: Float[np.ndarray, "n_in M n_out N"], polarity: str) -> Piece:
    # by numpy: nothing here is worth compiling
    kept = coefficients[:, :KEPT_X, :, :KEPT_V]
    n_in, m, n_out, n = kept.shape
    return Piece(
        phi=jnp.asarray(np.asarray(current_map.phi)[:, :m], PRODUCT),
        psi=jnp.asarray(np.asarray(current_map.psi)[:, :n], PRODUCT),
        joint=jnp.asarray(kept.reshape(n_in * m, n_out * n), PRODUCT),
        shape=current_map.envelope,
        follows=polarity,
    )
