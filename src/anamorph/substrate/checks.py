"""What substrates refuse when they are made."""

from __future__ import annotations

from typing import Any

import numpy as np

from anamorph.errors import BadInput
from anamorph.substrate.contract import Shape


def checked_shape(shape: Any, substrate: str) -> Shape:
    """Neurons per layer as a tuple. Raises `BadInput` for fewer than two layers or one without neurons."""
    layers = tuple(shape)
    if len(layers) < 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in layers):
        raise BadInput("not a shape of a chip", where=f"{substrate}: shape",
                       expected="two or more layers of at least one neuron", got=str(layers))  # fmt: skip
    return layers


def checked_bits(n_bits: Any, least: int, most: int, substrate: str) -> int:
    """A number of bits. Raises `BadInput` for one that the substrate has not."""
    if not isinstance(n_bits, int) or not least <= n_bits <= most:
        raise BadInput("no such weights", where=f"{substrate}: n_bits", expected=f"{least} to {most}",
                       got=repr(n_bits))  # fmt: skip
    return n_bits


def checked_positive(value: float, name: str, substrate: str) -> float:
    """A finite number above zero. Raises `BadInput` for another."""
    if not (np.isfinite(value) and value > 0):
        raise BadInput(f"not a {name}", where=f"{substrate}: {name}", expected="above 0", got=f"{value}")
    return value
