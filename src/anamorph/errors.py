"""Errors that say what is wrong, where, what was expected, what came instead, and what to do.

Every error a user can meet derives from `AnamorphError`, so a caller may catch one class, and the
command line turns any of them into one message and an exit status instead of a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AnamorphError(Exception):
    """Base class. The parts are kept as attributes so that tools can show them their own way."""

    exit_status = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.got, self.advice = (
            what,
            where,
            expected,
            got,
            advice,
        )
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One paragraph: where, what, expected, got, what to do."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        parts = [text.rstrip(".")]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        sentence = "; ".join(parts) + "."
        return f"{sentence} {self.advice}" if self.advice else sentence


class BadInput(AnamorphError):
    """Something the user gave cannot be used: a key, a unit, a file, a shape, a name."""


class OutOfDomain(AnamorphError):
    """A value lies outside the range in which a model or a fit is valid."""


class DoesNotFit(AnamorphError):
    """A network cannot be written to a chip: the message says what, and by how much."""


class NotConverged(AnamorphError):
    """A solve was asked to be complete, and some of it did not converge."""

    exit_status = 3


class Interrupted(AnamorphError):
    """The user stopped the work. What is done is kept; the same command resumes."""

    exit_status = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a misspelt `name`: the nearest of `known`, or the whole list when none is near."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return "Known: " + ", ".join(known) + "."
