"""Fabricate: a key becomes dies, every transistor with its own deviation."""

from __future__ import annotations

from jaxtyping import PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.substrate.contract import Die, Substrate


def fabricate(substrate: Substrate, key: PRNGKeyArray, n_dies: int = 1) -> Die:
    """`n_dies` dies of a substrate. Die ``i`` depends on `key` and ``i`` alone.

    Raises:
        BadInput: no dies.
    """
    if n_dies < 1:
        raise BadInput("no dies", where="fabricate: n_dies", expected="1 or more", got=str(n_dies))
    return substrate.fabricate(key, n_dies)
