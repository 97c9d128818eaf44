"""Which dies are these: a mark of fabricated dies, so that a measurement of others is not taken for theirs.

A real chip has a serial number. A simulated die has its deviations, which only `measure` and `run` may look at: their
hash tells dies apart and says nothing else about them.
"""

from __future__ import annotations

import hashlib

import jax
import numpy as np

from anamorph.substrate.contract import Chip, Die

#: Characters of a mark, and deviations of each kind that it looks at, of every die.
LENGTH, BEGINNING = 16, 64


def mark(chip: Chip) -> str:
    """The mark of a die or of several together; of another chip its ``serial``, or nothing."""
    if not isinstance(chip, Die):
        return str(getattr(chip, "serial", ""))
    sha = hashlib.sha256(chip.substrate.name.encode())
    for leaf in jax.tree.leaves(chip.deviations):
        # to a nanovolt: the same draw, compiled for another processor, may differ in its last bits
        rounded = np.round(np.asarray(leaf.reshape(len(leaf), -1)[:, :BEGINNING], float), 9)
        sha.update(repr(rounded.shape).encode() + (rounded + 0.0).tobytes())
    return sha.hexdigest()[:LENGTH]
