"""Measurements: one file in a paper's ``measurements/`` each, whose name is the measurement's.

To add one, write ``papers/<paper>/measurements/<name>.py`` with one function,

    def measure(context: Context) -> Findings: ...

which answers the claims of ``claims.toml`` whose ``measure`` is ``<name>``. Nothing needs to be registered. The first
line of the module's docstring is what a reader sees while waiting.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jax

from anamorph.errors import BadInput, nearest
from anamorph.provenance import named_key
from anamorph.report.page import Figure
from anamorph.technology.card import BASES

#: Of what a quick ledger does not measure; see `Context.left_out`.
LEFT_OUT = "left out"
#: How a figure of ours came to be: as on a technology card, or by counting what a netlist holds; or why there is none.
MEASURED_BASES = (*BASES, "counted", LEFT_OUT)


@dataclass(frozen=True)
class Measured:
    """Our figure for one claim, in SI (a share of 1 where the claim is in ``%``).

    Attributes:
        value: None or NaN where there is none: `note` says why, or else it did not converge.
        low: lower end of its interval or range; None for none.
        high: upper end.
        n: number of samples behind it.
        basis: one of `MEASURED_BASES`.
        note: what a reader must know: what was done otherwise than in the paper.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    basis: str = "simulated"
    note: str = ""

    def __post_init__(self) -> None:
        if self.basis not in MEASURED_BASES:
            raise BadInput(
                f"unknown basis {self.basis!r}", where="Measured", advice=nearest(self.basis, MEASURED_BASES)
            )
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                object.__setattr__(self, name, None)  # JSON has no NaN


@dataclass(frozen=True)
class Findings:
    """What a measurement returns.

    Attributes:
        claims: id of a claim -> our figure.
        figures: place in the paper, such as ``"Figure 4a"`` -> that figure from our data.
    """

    claims: Mapping[str, Measured]
    figures: Mapping[str, tuple[Figure, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a measurement may use.

    Attributes:
        folder: its own, to keep what it has done so far; the same one when the work is taken up again.
        seed: of all randomness; use `key`.
        quick: do less: what takes seconds instead of minutes.
        tell: shows a reader who waits what is being done.
        shared: what several measurements of one ledger need is kept here, also for when it is taken up again; its own
            folder if left out.
    """

    folder: Path
    seed: int = 1
    quick: bool = False
    tell: Callable[[str], None] = lambda text: None
    shared: Path | None = None

    def key(self, name: str) -> jax.Array:
        """The random key of one part of a measurement."""
        return named_key(self.seed, name)

    def reduced(self, said: str) -> str:
        """For notes: what a quick ledger does less, in words; nothing in a full one."""
        return f" Quick: {said}." if self.quick else ""


def left_out(why: str) -> Measured:
    """For a claim of which a quick ledger can say nothing: no figure, and no status but that it was left out."""
    return Measured(None, basis=LEFT_OUT, note=f"Not measured by --quick: {why}.")


Function = Callable[[Context], Findings]


@dataclass(frozen=True)
class Measurement:
    """A function with its name and, for the reader who waits, one line about it."""

    name: str
    title: str
    function: Function


def measurement_names(paper: str) -> list[str]:
    """Names of the measurements that exist; files whose names begin with ``_`` are none."""
    package = importlib.import_module(f"anamorph.papers.{paper}.measurements")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def find(paper: str) -> dict[str, Measurement]:
    """The measurements of a paper by name.

    Raises:
        BadInput: a file without the function ``measure``.
    """
    found = {}
    for name in measurement_names(paper):
        module = importlib.import_module(f"anamorph.papers.{paper}.measurements.{name}")
        if not callable(getattr(module, "measure", None)):
            raise BadInput("a measurement without its function", where=f"{paper}/measurements/{name}.py",
                           expected="def measure(context: Context) -> Findings")  # fmt: skip
        title = (module.__doc__ or name).strip().splitlines()[0].rstrip(".")
        found[name] = Measurement(name, title, module.measure)
    return found
