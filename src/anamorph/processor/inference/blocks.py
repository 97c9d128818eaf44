"""A stored matrix on blocks of memory cells: cut, multiplied block by block, digitised, and summed digitally.

    y_j = sum over blocks of q( scale * cells( x in 0..1, w in -1..1 ) )

A matrix with more rows than a block is cut from the top, one block of all rows after another, and with more columns
likewise; each block of rows is digitised within one full scale, and its whole numbers are added. Negative inputs go
through a second time, by themselves and with their sign taken off, and are subtracted. Groups have blocks of their own;
what of a block is not used is off. What the cells make of it is `anamorph.vmm`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.processor.design import Processor
from anamorph.vmm.behaviour import Structure, Vmm, answer
from anamorph.vmm.design import Design
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.physics import Physics, physics_of
from anamorph.vmm.rounding import outputs_to_bits


@dataclass(frozen=True)
class Blocks:
    """How one product stands on blocks. Hashable: a static argument of compiled functions.

    Attributes:
        vmm: a block, as large as is used.
        groups, rows, columns: of the matrices.
        signed: whether inputs may be negative.
    """

    vmm: Vmm
    groups: int
    rows: int
    columns: int
    signed: bool = False

    @property
    def down(self) -> int:
        """Blocks that a matrix is high."""
        return -(-self.rows // self.vmm.design.rows)

    @property
    def across(self) -> int:
        """Blocks that it is wide."""
        return -(-self.columns // self.vmm.design.columns)

    @property
    def count(self) -> int:
        """Blocks of all groups."""
        return self.groups * self.down * self.across

    def fabricate(self, key: PRNGKeyArray) -> VmmDie:
        """What deviates in each of the blocks of one chip."""
        die = self.vmm.fabricate(key, self.count)
        return jax.tree.map(lambda part: part.astype(jnp.float32), die)

    def nominal(self) -> VmmDie:
        """Blocks without deviation."""
        one = self.vmm.nominal()
        return jax.tree.map(lambda p: jnp.zeros((self.count, *p.shape[1:]), jnp.float32), one)

    def tiles(self, w: Float[Array | np.ndarray, "groups rows columns"]) -> Any:
        """A matrix cut into blocks ``[blocks, rows, columns]``; what is beyond its edges holds no weight."""
        r, c, xp = self.vmm.design.rows, self.vmm.design.columns, _library(w)
        w = xp.pad(w, ((0, 0), (0, self.down * r - self.rows), (0, self.across * c - self.columns)))
        w = w.reshape(self.groups, self.down, r, self.across, c).transpose(0, 1, 3, 2, 4)
        return w.reshape(-1, r, c)

    def parts(self, x: Float[Array | np.ndarray, "groups vectors rows"]) -> Any:
        """What each block takes of the vectors, ``[blocks, vectors, rows]``."""
        r, xp = self.vmm.design.rows, _library(x)
        x = xp.pad(x, ((0, 0), (0, 0), (0, self.down * r - self.rows)))
        x = x.reshape(self.groups, -1, self.down, r).transpose(0, 2, 1, 3)
        return xp.repeat(x, self.across, axis=1).reshape(self.count, -1, r)

    def together(self, y: Float[Array | np.ndarray, "blocks vectors tile_columns"]) -> Any:
        """Partial sums added up, ``[groups, vectors, columns]``."""
        y = y.reshape(self.groups, self.down, self.across, -1, self.vmm.design.columns).sum(axis=1)
        return y.transpose(0, 2, 1, 3).reshape(self.groups, y.shape[2], -1)[..., : self.columns]


def _library(x: Array | np.ndarray) -> Any:
    """numpy for its own arrays, as JAX would compile every step for every size."""
    return np if isinstance(x, np.ndarray) else jnp


def blocks_for(
    processor: Processor, shape: tuple[int, ...], *, signed: bool = False, figures: tuple[tuple[str, float], ...] = ()
) -> Blocks:
    """Blocks of a processor for matrices (groups, rows, columns).

    Rows of a stack whose currents add up count as one block's.

    Args:
        processor: its design.
        shape: of the matrices.
        signed: whether inputs may be negative.
        figures: figures of `Physics` with other values than those of the cards.
    """
    groups, rows, columns = shape
    most = processor.block_rows * processor.summed
    design = Design(
        processor.cell, processor.encoder, processor.input_bits, processor.weight_bits, processor.output_bits,
        min(rows, most), min(columns, processor.block_columns),
    )  # fmt: skip
    physics: Physics = replace(physics_of(design), **dict(figures))
    return Blocks(Vmm(design, physics), groups, rows, columns, signed)


def of_block(
    structure: Structure, m: Any, die: VmmDie, w: Float[Array, "rows columns"], x: Float[Array, "vectors rows"],
    sums: Float[Array, ""], scale: Float[Array, ""], key: PRNGKeyArray,
) -> Float[Array, "vectors columns"]:  # fmt: skip
    """What one block says, in units of its largest input times its largest weight.

    Args:
        structure: of the block.
        m: how large errors are, a `Magnitudes`.
        die: what deviates in it.
        w: -1..1.
        x: 0..1.
        sums: full scale of the converters.
        scale: what they read is multiplied by.
        key: of the noise.
    """
    free = m._replace(rounded=jnp.zeros_like(m.rounded))
    y = scale * answer(structure, free, die, w, x, key, exact=False)
    return jnp.where(m.rounded > 0, digitised(y, structure.output_bits, sums), y)


def digitised(y: Float[Array, "*any"], bits: int, sums: Float[Array, ""] | float) -> Float[Array, "*any"]:
    """What converters of that full scale make of sums; compiled code takes the full scale as a number."""
    return sums * outputs_to_bits(y / sums, bits, 1.0, False)


def in_cells(
    blocks: Blocks, m: Any, die: VmmDie, w: Float[Array, "groups rows columns"],
    x: Float[Array, "groups vectors rows"], sums: Float[Array, ""], scale: Float[Array, ""], key: PRNGKeyArray,
) -> Float[Array, "groups vectors columns"]:  # fmt: skip
    """The whole product, differentiable in `w` and `x`; arguments as of `of_block`, `die` of all blocks.

    Rounding passes gradients straight through. Inputs are -1..1 where `blocks.signed`.
    """
    tiles, both = blocks.tiles(w), jax.random.split(key)

    def one(own: VmmDie, tile: Array, part: Array, noise: PRNGKeyArray) -> Array:
        return of_block(blocks.vmm.structure, m, own, tile, part, sums, scale, noise)

    def product(x: Array, own: PRNGKeyArray) -> Array:
        keys = jax.random.split(own, blocks.count)
        return blocks.together(jax.vmap(one)(die, tiles, blocks.parts(x), keys))

    if not blocks.signed:
        return product(x, both[0])
    return product(jnp.maximum(x, 0), both[0]) - product(jnp.maximum(-x, 0), both[1])


def rounded_only(
    blocks: Blocks, w: Float[Array, "groups rows columns"], x: Float[Array, "groups vectors rows"],
    sums: Float[Array, ""] | float,
) -> Float[Array, "groups vectors columns"]:  # fmt: skip
    """The same of blocks that do nothing but round inputs, weights and partial sums."""
    vmm = blocks.vmm
    tiles = vmm.quantise_weights(blocks.tiles(w))

    def product(x: Array) -> Array:
        y = vmm.quantise_inputs(blocks.parts(x)) @ tiles
        return blocks.together(digitised(y, vmm.design.output_bits, sums))

    return product(jnp.maximum(x, 0)) - product(jnp.maximum(-x, 0)) if blocks.signed else product(x)
