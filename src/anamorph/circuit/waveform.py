"""What sources do over time: piecewise-linear waveforms, one per source and sample.

A constant is a waveform with one point. Before its first point and after its last a waveform is constant.
Steps do not exist: a change takes time, and that time is a figure of the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit.compile import Circuit
from anamorph.errors import BadInput, nearest

#: Arrays of any shapes that broadcast.
Reals = Float[Array | np.ndarray, "..."]
#: A constant (a number or ``[*batch]``), or times (s) and values, each ``[*batch, points]``.
Drive = Reals | float | tuple[Reals | Sequence[float | int], Reals | Sequence[float | int]]


class Waveforms(NamedTuple):
    """All sources of one kind. Unused points repeat the last one.

    Attributes:
        times: s, non-decreasing along the first axis.
        values: V or A.
    """

    times: Float[Array, "points sources batch"]
    values: Float[Array, "points sources batch"]

    def at(self, t: Float[Array, " batch"]) -> Float[Array, "sources batch"]:
        """Values at each sample's own time."""
        length = jnp.diff(self.times, axis=0)
        slope = jnp.diff(self.values, axis=0) / jnp.where(length > 0, length, 1.0)
        return self.values[0] + jnp.sum(slope * jnp.clip(t - self.times[:-1], 0.0, length), axis=0)

    def next_corner(self, t: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """The first corner of any waveform after `t`; infinity if there is none."""
        later = jnp.where(self.times > t, self.times, jnp.inf)
        return jnp.min(later, axis=(0, 1), initial=jnp.inf)


def batch_shape(drives: Mapping[str, Drive], *more: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all drives, and `more` shapes, broadcast to.

    Raises:
        BadInput: they do not, or the batch is empty.
    """
    shapes = {name: _shape(drive) for name, drive in drives.items()}
    try:
        shape = np.broadcast_shapes(*shapes.values(), *more)
    except ValueError:
        got = ", ".join(f"{name} {s}" for name, s in shapes.items() if s)
        raise BadInput("batches that do not broadcast", where="waveforms", got=got) from None
    if 0 in shape:
        raise BadInput("an empty batch", where="waveforms", got=str(shape))
    return shape


def _shape(drive: Drive) -> tuple[int, ...]:
    if isinstance(drive, tuple):
        return np.broadcast_shapes(*(np.shape(part)[:-1] for part in drive))
    return np.shape(drive)


def stack(drives: Mapping[str, Drive], names: Sequence[str], shape: tuple[int, ...]) -> Waveforms:
    """The waveforms of `names` as arrays over a flat batch of `shape`.

    Raises:
        BadInput: times that do not increase, NaN, times and values that differ in number.
    """
    points = [_points(name, drives[name]) for name in names]
    most = max((len(times) for times, _ in points), default=1)
    size = int(np.prod(shape))
    table = np.zeros((2, most, len(names), size))
    for index, pair in enumerate(points):
        for part, rows in enumerate(pair):
            # points come first here, so samples broadcast on the axes behind them
            spread = np.stack([np.broadcast_to(row, shape).ravel() for row in rows])
            table[part, : len(rows), index] = spread
            table[part, len(rows) :, index] = spread[-1]
    return Waveforms(jnp.asarray(table[0]), jnp.asarray(table[1]))


def _points(name: str, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
    """Times and values with the points on the first axis."""
    if not isinstance(drive, tuple):
        values = np.asarray(drive, float)
        times, values = np.zeros((1, *values.shape)), values[None]
    else:
        times, values = (np.moveaxis(np.asarray(part, float), -1, 0) for part in drive)
    if not (np.isfinite(times).all() and np.isfinite(values).all()):
        kind = "NaN" if np.isnan(times).any() or np.isnan(values).any() else "infinity"
        raise BadInput(f"{kind} in data", where=f"waveform of '{name}'")
    if len(times) != len(values) or not len(times):
        got = f"{len(times)} times and {len(values)} values"
        raise BadInput("times and values differ in number", where=f"waveform of '{name}'", got=got)
    if (np.diff(times, axis=0) <= 0).any():
        raise BadInput(
            "times do not increase",
            where=f"waveform of '{name}'",
            advice="Give a jump a rise time.",
        )
    return times, values


def check_names(circuit: Circuit, drives: Mapping[str, Drive]) -> None:
    """Raises `BadInput` unless every source has a waveform and every waveform a source."""
    known = (*circuit.voltage_sources, *circuit.current_sources)
    for name in drives:
        if name not in known:
            raise BadInput(f"no source '{name}' to drive", advice=nearest(name, known))
    missing = [name for name in known if name not in drives]
    if missing:
        raise BadInput(f"no waveform for source '{missing[0]}'", got=f"waveforms of {len(drives)} sources")
