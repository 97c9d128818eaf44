"""Papers as ledgers: every quantitative claim of a paper, measured here, paper beside ours.

A paper is a folder: ``claims.toml`` lists its claims, ``measurements/`` holds one file per measurement.

    claims.toml -> measurements, one after the other, each kept -> rows with a status -> table, JSON, page
"""

from __future__ import annotations

from importlib import resources

from anamorph.errors import BadInput, nearest


def names() -> list[str]:
    """Papers that can be reproduced."""
    folder = resources.files("anamorph.papers")
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and (p / "claims.toml").is_file())


def check(paper: str) -> None:
    """Raises `BadInput`, which names the nearest, for a paper that there is no ledger of."""
    if paper not in names():
        raise BadInput(f"no paper named {paper[:63]!r}", advice=nearest(paper, names()))
