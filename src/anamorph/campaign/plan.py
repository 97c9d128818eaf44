"""What a campaign computes: named axes, the points of their grid in a fixed order, and each point's own draws.

The draws of a point depend on the seed, the campaign's name and the point's values alone, by a digest of their
text. They depend neither on the other points nor on how the work is split, so a longer axis keeps the points that
it had, and a point may ask for draws that it shares with others: one die under ten initialisations is one die.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from anamorph.errors import BadInput, nearest

if TYPE_CHECKING:
    import jax

#: What an axis is made of.
Value = bool | int | float | str
#: Names of axes and results become names of variables, those of campaigns parts of messages.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
#: A plan larger than this does not fit in memory as a table.
MAX_POINTS = 10_000_000


@dataclass(frozen=True)
class Axis:
    """One direction in which the points of a campaign differ.

    Attributes:
        name: letters, digits and underscores.
        values: distinct, all numbers, all texts or all booleans; whole numbers beside others become floats.

    Raises:
        BadInput: an unusable name; no values, repeated ones, of mixed kinds, or not finite.
    """

    name: str
    values: Sequence[Any] | np.ndarray

    def __post_init__(self) -> None:
        check_name(self.name, "axis")
        object.__setattr__(self, "values", _values(self.values, f"axis '{self.name}'"))


def _values(values: Any, where: str) -> tuple[Value, ...]:
    given: list[Any] = [v.item() if isinstance(v, np.generic) else v for v in values]
    kinds = {type(v) for v in given}
    if kinds == {int, float}:
        given, kinds = [float(v) for v in given], {float}
    if isinstance(values, str) or len(kinds) != 1 or not kinds <= {bool, int, float, str}:
        got = repr(values) if isinstance(values, str) else ", ".join(sorted(k.__name__ for k in kinds)) or "no values"
        raise BadInput("not the values of an axis", where=where, expected="numbers, texts or booleans", got=got)
    if kinds == {float} and not all(math.isfinite(v) for v in given):
        raise BadInput("a value that is not finite", where=where)
    if kinds == {int} and not all(-(2**63) <= v < 2**63 for v in given):
        raise BadInput("a whole number too large for 64 bits", where=where)
    if len(set(given)) < len(given):
        raise BadInput("a repeated value", where=where, got=repr(next(v for v in given if given.count(v) > 1)))
    return tuple(given)


@dataclass(frozen=True)
class Point:
    """One point of a campaign: what its work is given.

    Attributes:
        campaign: that it belongs to.
        index: its place in the campaign's order.
    """

    campaign: Campaign = field(repr=False)
    index: int

    def __getitem__(self, axis: str) -> Any:
        return self.values[self.campaign.known(axis)]

    @property
    def values(self) -> dict[str, Value]:
        """Axis name -> this point's value."""
        axes = self.campaign.axes
        place = np.unravel_index(self.index, self.campaign.shape)
        return {axis.name: axis.values[int(i)] for axis, i in zip(axes, place, strict=True)}

    def key(self, *axes: str) -> jax.Array:
        """The random key of this point, or that which it shares with all points of the same values of `axes`."""
        import jax

        from anamorph.provenance import named_key

        digest, key = self._digest(axes), named_key(self.campaign.seed, self.campaign.name)
        for word in (digest[:4], digest[4:8]):  # 64 bits: one word would repeat in campaigns of 10,000 points
            key = jax.random.fold_in(key, int.from_bytes(word, "big"))
        return key

    def entropy(self, *axes: str) -> int:
        """The same for other generators, ``numpy.random.default_rng(point.entropy())``: 128 bits."""
        return int.from_bytes(self._digest(axes)[:16], "big")

    def _digest(self, axes: tuple[str, ...]) -> bytes:
        chosen = {self.campaign.known(name) for name in axes} or set(self.values)
        pairs = [[name, value] for name, value in self.values.items() if name in chosen]
        return hashlib.sha256(_json([self.campaign.name, self.campaign.seed, pairs])).digest()

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.values.items())


@dataclass(frozen=True)
class Campaign:
    """The plan of many computations of one kind: the grid of its axes, the last one running fastest.

    Attributes:
        name: of the campaign; part of every draw.
        seed: of all randomness, 0 to 2**32 - 1.
        axes: directions of the grid.
        code: digest or version of everything else that the results depend on: the technology card, settings,
            the user's own script. A folder is taken up only with the same text.

    Raises:
        BadInput: no axes, two of one name, a bad name or seed, or too many points.
    """

    name: str
    seed: int
    axes: tuple[Axis, ...]
    code: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "campaign")
        where = f"campaign '{self.name}'"
        if type(self.seed) is not int or not 0 <= self.seed < 2**32:
            raise BadInput("not a seed", where=where, expected="0 to 2**32 - 1", got=repr(self.seed))
        names = [axis.name for axis in self.axes]
        if not names or len(set(names)) < len(names):
            raise BadInput("axes need names of their own", where=where, got=", ".join(names) or "no axes")
        if len(self) > MAX_POINTS:
            raise BadInput("too many points", where=where, expected=f"at most {MAX_POINTS}", got=str(len(self)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Values per axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __iter__(self) -> Iterator[Point]:
        return (Point(self, index) for index in range(len(self)))

    def known(self, axis: str) -> str:
        """The name of an axis. Raises `BadInput` with the nearest name where there is none."""
        names = [a.name for a in self.axes]
        if axis not in names:
            raise BadInput(f"no axis '{axis}'", where=f"campaign '{self.name}'", advice=nearest(axis, names))
        return axis

    @property
    def plan(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        axes = [{"name": axis.name, "values": list(axis.values)} for axis in self.axes]
        return {"name": self.name, "seed": self.seed, "axes": axes, "code": self.code}

    @property
    def digest(self) -> str:
        """SHA-256 of the plan."""
        return hashlib.sha256(_json(self.plan)).hexdigest()


def shards(points: Sequence[int], size: int) -> list[range]:
    """Ascending indices of points cut into runs of consecutive ones, at most `size` long.

    Raises:
        BadInput: `size` is not positive.
    """
    if size < 1:
        raise BadInput("not a size of shards", expected="1 or more points", got=str(size))
    cut: list[range] = []
    for index in points:
        if cut and cut[-1].stop == index and len(cut[-1]) < size:
            cut[-1] = range(cut[-1].start, index + 1)
        else:
            cut.append(range(index, index + 1))
    return cut


def check_name(name: Any, what: str) -> None:
    """Raises `BadInput` for what cannot name an axis, a campaign or a result."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadInput(
            f"not a usable name of {'an' if what[0] in 'aeiou' else 'a'} {what}",
            expected="a letter, then letters, digits and '_', 63 at most",
            got=repr(name)[:80],
        )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
