"""Products in memory cells, for any network: calibrated on samples, then multiplied by the blocks of one chip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from anamorph.processor.design import Processor
from anamorph.processor.inference.blocks import Blocks, blocks_for, of_block
from anamorph.processor.inference.levels import inputs_to_bits, outputs_to_bits, weights_to_bits
from anamorph.processor.inference.products import Products
from anamorph.processor.inference.ranges import Ranges, Watch, best_scale, ranges_of
from anamorph.provenance import named_key
from anamorph.vmm.dies import VmmDie, drawn, nominal
from anamorph.vmm.magnitudes import Magnitudes, magnitudes
from anamorph.vmm.sources import Errors

#: Vectors multiplied at once: two sizes only, as each is compiled.
FEW, MANY = 32, 1024

_of_block = jax.jit(of_block, static_argnums=0)


@dataclass(frozen=True)
class Calibrated:
    """One product, ready for its blocks.

    Attributes:
        blocks: where it stands.
        ranges: full scales, that of the sums too.
        scale: what outputs are multiplied by, so that the nominal blocks' answers fit best; 1 without errors.
    """

    blocks: Blocks
    ranges: Ranges
    scale: float = 1.0


def calibrate(watch: Watch, processor: Processor, figures: tuple[tuple[str, float], ...] = ()) -> dict[str, Calibrated]:
    """Full scales of inputs, weights and sums of every product that was watched in floating point."""
    found = {}
    for name, x in watch.inputs.items():
        w = watch.weights[name]
        ranges = ranges_of(x, w, processor.input_bits, processor.weight_bits)
        blocks = blocks_for(processor, w.shape, signed=ranges.signed, figures=figures)
        codes, stored = scaled(ranges, x, w)
        sums = np.concatenate([part for _, part in _partial_sums(blocks, codes, stored)], axis=1)
        steps = max(2.0 ** (processor.output_bits - 1) - 1, 1.0)
        found[name] = Calibrated(blocks, replace(ranges, sums=best_scale(sums, steps)))
    return found


def trimmed(calibrated: Mapping[str, Calibrated], watch: Watch, errors: Errors, seed: int = 0) -> dict[str, Calibrated]:
    """With output scales with which blocks without deviations come nearest to exact sums, by least squares."""
    found = {}
    for name, one in calibrated.items():
        x, w, vmm = watch.inputs[name], watch.weights[name], one.blocks.vmm
        codes, stored = scaled(one.ranges, x, w)
        tile = one.blocks.tiles(stored)[0]
        part = np.resize(one.blocks.parts(np.abs(codes))[0], (MANY, vmm.design.rows))
        m = _numbers(vmm.design, vmm.physics, errors.without("resolution"))
        die = jax.tree.map(np.float32, nominal(vmm.design.rows, vmm.design.columns))
        key = named_key(seed, f"trim {name}")
        got = np.asarray(_of_block(vmm.structure, m, die, tile, part, np.float32(1), np.float32(1), key))
        wanted = inputs_to_bits(part, vmm.design.input_bits) @ weights_to_bits(tile, vmm.design.weight_bits)
        square = float(np.vdot(got, got))
        found[name] = replace(one, scale=float(np.vdot(got, wanted)) / square if square > 0 else 1.0)
    return found


def scaled(
    found: Ranges, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
) -> tuple[Float[np.ndarray, "groups vectors rows"], Float[np.ndarray, "groups rows columns"]]:
    """Inputs and weights in units of their full scales, clipped to these."""
    codes = np.clip(x / np.float32(found.inputs), -1.0 if found.signed else 0.0, 1.0)
    stored = np.clip(w / found.weights[:, None, None], -1.0, 1.0)
    return codes.astype(np.float32), stored.astype(np.float32)


def _partial_sums(blocks: Blocks, codes: np.ndarray, stored: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Signs of inputs, and what blocks that round inputs and weights sum up of those."""
    design = blocks.vmm.design
    tiles = weights_to_bits(blocks.tiles(stored), design.weight_bits)
    for sign in (1, -1)[: 1 + blocks.signed]:
        yield sign, inputs_to_bits(blocks.parts(np.maximum(sign * codes, 0)), design.input_bits) @ tiles


def _numbers(*given: Any) -> Magnitudes:
    """`magnitudes` as numbers of a compiled function, not constants."""
    return jax.tree.map(np.float32, magnitudes(*given))


class Rounded(Products):
    """Products of blocks that only round: inputs, weights, and every block's sums.

    Args:
        calibrated: every product, by name.
    """

    def __init__(self, calibrated: Mapping[str, Calibrated]) -> None:
        self._calibrated = calibrated

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """What they make of it, in the network's units."""
        one = self._calibrated[name]
        found, blocks, y = one.ranges, one.blocks, 0.0
        codes, stored = scaled(found, x, w)
        for sign, part in _partial_sums(blocks, codes, stored):
            y = y + sign * blocks.together(outputs_to_bits(part, blocks.vmm.design.output_bits, found.sums or 1))
        return (y * (found.inputs * found.weights)[:, None, None]).astype(x.dtype)


class Cells(Products):
    """Products on the blocks of one chip.

    Args:
        calibrated: every product, by name, trimmed.
        errors: which act; all by default.
        die: number of the chip; None for one without deviations.
        seed: from which chips and noise are drawn.
        owners: product -> the one whose cells it uses, where that is another.
    """

    def __init__(
        self, calibrated: Mapping[str, Calibrated], errors: Errors | None = None, die: int | None = None,
        seed: int = 0, owners: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._calibrated, self._errors = calibrated, errors or Errors()
        self._die, self._seed, self._calls, self._owners = die, seed, 0, owners or {}

    def __call__(
        self, name: str, x: Float[np.ndarray, "groups vectors rows"], w: Float[np.ndarray, "groups rows columns"]
    ) -> Float[np.ndarray, "groups vectors columns"]:
        """What the chip's blocks make of it, in the network's units."""
        one = self._calibrated[name]
        blocks, found, self._calls = one.blocks, one.ranges, self._calls + 1
        m = _numbers(blocks.vmm.design, blocks.vmm.physics, self._errors)
        keys = (named_key(self._seed, f"die {self._die} {self._owners.get(name, name)}"),
                named_key(self._seed, f"noise {self._die} {name} {self._calls}"))  # fmt: skip
        # cut here and not in a compiled function: one block after another, so that blocks of a size share it
        codes, stored = scaled(found, x, w)
        tiles, parts = blocks.tiles(stored), blocks.parts(codes)
        y = np.stack([
            self._block(one, m, number, tile, part, keys)
            for number, (tile, part) in enumerate(zip(tiles, parts, strict=True))
        ])  # fmt: skip
        units = (found.inputs * found.weights)[:, None, None]
        return (blocks.together(y) * units).astype(x.dtype)

    def _block(
        self, one: Calibrated, m: Magnitudes, number: int, tile: np.ndarray, part: np.ndarray,
        keys: tuple[PRNGKeyArray, PRNGKeyArray],
    ) -> Float[np.ndarray, "vectors columns"]:  # fmt: skip
        vmm, sums, scale = one.blocks.vmm, np.float32(one.ranges.sums or 1), np.float32(one.scale)
        own, noise = (jax.random.fold_in(key, number) for key in keys)
        shape = (vmm.design.rows, vmm.design.columns)
        die: VmmDie = jax.tree.map(np.float32, nominal(*shape) if self._die is None else _drawn(own, *shape))
        y = []
        for batch, (some, count) in enumerate(_batches(part[None], _size(len(part)))):
            fresh = jax.random.split(jax.random.fold_in(noise, batch))
            got = _of_block(vmm.structure, m, die, tile, np.maximum(some[0], 0), sums, scale, fresh[0])
            if one.blocks.signed:
                got = got - _of_block(vmm.structure, m, die, tile, np.maximum(-some[0], 0), sums, scale, fresh[1])
            y.append(np.asarray(got)[:count])
        return np.concatenate(y)


_drawn = jax.jit(drawn, static_argnums=(1, 2))


def _size(vectors: int) -> int:
    return FEW if vectors <= FEW else MANY


def _batches(x: np.ndarray, size: int) -> Any:
    """Parts of so many vectors, the last filled up with zeros, and how many of each count."""
    for start in range(0, x.shape[1], size):
        some = x[:, start : start + size]
        yield np.pad(some, ((0, 0), (0, size - some.shape[1]), (0, 0))), some.shape[1]
