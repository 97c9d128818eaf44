"""What a data set consists of on disk, and how its missing parts are had: one message where they cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from anamorph.cache import cache_root
from anamorph.data import store
from anamorph.errors import BadInput


@runtime_checkable
class Part(Protocol):
    """A file or a folder that a data set needs."""

    @property
    def here(self) -> Path | None:
        """Where it is; None where it is nowhere."""
        ...

    @property
    def wanted(self) -> str:
        """What a user has to provide, as a path below a data folder."""
        ...

    def download(self) -> None:
        """Get it into the cache. Raises `BadInput` where that fails."""
        ...


def obtain(name: str, parts: Sequence[Part]) -> None:
    """Download what is missing of the data set `name`.

    Raises:
        BadInput: something cannot be had: which files to put where.
    """
    for part in [part for part in parts if part.here is None]:
        try:
            part.download()
        except BadInput as error:
            raise _unavailable(name, [part for part in parts if part.here is None], error) from None


def _unavailable(name: str, missing: Sequence[Part], error: BadInput) -> BadInput:
    reason = f"{error.what}: {error.got}" if error.got else error.what
    searched = ", ".join([*map(str, store.given()), f"{cache_root()} (the cache)"])
    return BadInput(
        f"the data set is not here, and it {reason}", where=name,
        expected=f"{', '.join(part.wanted for part in missing)} in one of {searched}",
        advice=f"Put it there, or set {store.VARIABLE} to a folder that holds it. On a machine with a network, "
        f"`anamorph data fetch {name}` puts it into the cache.",
    )  # fmt: skip
