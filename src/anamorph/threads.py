"""Independent pieces of work on all cores: compiled code runs outside Python's lock, so threads suffice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def in_threads(work: Callable[[Piece], Result], pieces: Iterable[Piece], *, warm: bool = False) -> list[Result]:
    """`work` of every piece, in order. The first alone, so that what it compiles is compiled once, unless `warm`."""
    pieces = list(pieces)
    alone = 0 if warm else 1
    results = [work(piece) for piece in pieces[:alone]]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results += pool.map(work, pieces[alone:])
    return results
