"""Weights to settings and back: a lookup in the grid of weights that a chip, or each of its synapses, can represent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float, Int

from anamorph.errors import DoesNotFit

#: How far a weight may lie from its level, as a fraction of the grid's median step: what float32 leaves.
ON_LEVEL = 1e-3


@dataclass(frozen=True)
class WeightGrid:
    """The weights that a substrate can represent, in training units.

    Attributes:
        levels: sorted representable values, ``[dies, n_levels]``, or of every synapse,
            ``[dies, n_in, n_out, n_levels]``.
        settings: the integer setting of each level, ``[n_levels]`` or with the axes of `levels`.
    """

    levels: Float[Array | np.ndarray, "dies *synapse n_levels"]
    settings: Int[np.ndarray, "*batch n_levels"]

    def cut(self, n_in: int, n_out: int) -> WeightGrid:
        """Of the first neurons of both layers alone."""
        if np.ndim(self.levels) == 2:
            return self
        settings = self.settings if self.settings.ndim == 1 else self.settings[:, :n_in, :n_out]
        return WeightGrid(self.levels[:, :n_in, :n_out], settings)

    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Levels and settings with all axes, ``[dies, n_in or 1, n_out or 1, n_levels]``."""
        levels = np.asarray(self.levels)
        levels = levels[:, None, None] if levels.ndim == 2 else levels
        return levels, np.broadcast_to(self.settings, levels.shape)

    def at(self, index: Int[np.ndarray, "dies n_in n_out"]) -> Float[np.ndarray, "dies n_in n_out"]:
        """The weights of level numbers, one per synapse."""
        return np.take_along_axis(self.spread()[0], index[..., None], axis=-1)[..., 0]


def encode(
    weights: Float[Array | np.ndarray, "..."], grid: WeightGrid, size: tuple[int, int], matrix: int
) -> np.ndarray:
    """Settings of the levels nearest to weights, padded with zeros to the chip's size.

    Args:
        weights: ``[n_in, n_out]`` or ``[dies, n_in, n_out]``.
        grid: of this weight matrix.
        size: of the chip's matrix.
        matrix: its number, for the messages.

    Returns:
        ``[n_in, n_out]``, or ``[dies, 1, n_in, n_out]``.

    Raises:
        DoesNotFit: more neurons or other dies than the chip has, or a weight between two levels.
    """
    weights = np.asarray(weights)
    missing = [size[0] - weights.shape[-2], size[1] - weights.shape[-1]]
    if min(missing) < 0:
        raise DoesNotFit(
            "the network is larger than the chip",
            where=f"weight matrix {matrix}",
            expected=f"at most {size[0]} x {size[1]}",
            got=f"{weights.shape[-2]} x {weights.shape[-1]}",
        )
    per_die = weights.ndim == 3
    stacked = weights if per_die else weights[None]
    levels, settings = grid.cut(*weights.shape[-2:]).spread()
    if len(levels) not in (1, len(stacked)):
        raise DoesNotFit(
            "weights and measured chips differ in number",
            where=f"weight matrix {matrix}",
            expected=str(len(levels)),
            got=str(len(stacked)),
        )
    distance = np.abs(stacked[..., None] - levels)
    index = distance.argmin(-1)
    worst = distance.min(-1).max()
    step = np.median(np.diff(levels, axis=-1))
    least, most = levels.min(), levels.max()
    outside = (stacked < least - ON_LEVEL * step) | (stacked > most + ON_LEVEL * step)
    if outside.any():
        raise DoesNotFit(
            "a weight is larger than a synapse can be",
            where=f"weight matrix {matrix}",
            expected=f"{least:.3g} to {most:.3g}",
            got=f"{stacked[outside][np.abs(stacked[outside]).argmax()]:.3g} ({int(outside.sum())} such weights)",
            advice="Scale the layer's weights down: rectifiers have no scale of their own.",
        )
    if worst > ON_LEVEL * step:
        raise DoesNotFit(
            "a weight lies between two levels",
            where=f"weight matrix {matrix}",
            got=f"{worst:.3g} from the nearest level",
            advice="Quantise the weights with the chip's own grid first (train does).",
        )
    found = np.take_along_axis(settings, index[..., None], axis=-1)[..., 0]
    found = found[:, None] if per_die else found[0]
    return np.pad(found, [(0, 0)] * (found.ndim - 2) + [(0, missing[0]), (0, missing[1])])


def decode(settings: np.ndarray, grid: WeightGrid) -> np.ndarray:
    """The weights that settings stand for, ``[dies, n_in, n_out]`` for one program, else with the settings' axes."""
    levels, own = grid.spread()
    order = np.argsort(own, axis=-1, kind="stable")
    lookup, known = np.take_along_axis(levels, order, axis=-1), np.sort(own.reshape(-1, own.shape[-1])[0])
    index = np.searchsorted(known, settings)
    # a leading axis of settings is that of the dies
    lookup = lookup[:, None] if settings.ndim == 4 else lookup
    index = index[None] if settings.ndim == 2 else index
    return np.take_along_axis(lookup, index[..., None], axis=-1)[..., 0]
