"""Parameters of a sweep: which values each takes, and the designs of their grid by number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anamorph.errors import BadInput, nearest
from anamorph.processor.design import RANGES, Processor
from anamorph.processor.designs import COMMON, EACH, Designs

#: More designs than this are not swept in one go.
MOST = 10_000_000
#: Names for two parameters at once, and what they set.
BOTH = {"block": ("block_rows", "block_columns"), "bits": ("input_bits", "weight_bits", "output_bits")}
#: Swept when nothing is asked for.
DEFAULT: Mapping[str, Sequence[Any]] = {
    "memory": ("2d_nor", "1t1r", "3d_nand"), "block": (64, 128, 256, 512, 1024), "stack": (1, 2, 4, 8),
    "copies": (1, 4, 16), "bus_bits": (128, 256, 512),
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Every combination of values.

    Attributes:
        base: gives what is not varied.
        values: name -> values, in the order in which they are numbered; a name may be one of `BOTH`.
    """

    base: Processor
    values: Mapping[str, tuple[Any, ...]]

    def __post_init__(self) -> None:
        names = [one for name in self.values for one in BOTH.get(name, (name,))]
        known = [*COMMON, *EACH, *BOTH]
        for name in self.values:
            if name not in known:
                raise BadInput(f"no such parameter '{name}'", where="sweep", advice=nearest(name, known))
            if not self.values[name]:
                raise BadInput(f"no values for {name}", where="sweep")
        if len(names) != len(set(names)):
            raise BadInput("a parameter is varied twice", where="sweep", got=", ".join(self.values))
        if len(self) > MOST:
            raise BadInput(f"{len(self):,} designs", where="sweep", expected=f"at most {MOST:,}")
        for name, values in self.values.items():
            for value in values:  # the constructor says what is wrong with a value
                Processor(**{one: value for one in BOTH.get(name, (name,))})

    def __len__(self) -> int:
        return math.prod(len(values) for values in self.values.values())

    def batches(self, chosen: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, Designs]]:
        """Designs by their numbers, in batches that share memory, encoding and node, each with its numbers."""
        common = [name for name in self.values if name in COMMON]
        indices = dict(zip(self.values, np.unravel_index(chosen, [len(v) for v in self.values.values()]), strict=True))
        kinds = np.zeros(len(chosen), np.int64)
        for name in common:
            kinds = kinds * len(self.values[name]) + indices[name]
        for kind in np.unique(kinds):
            at = np.flatnonzero(kinds == kind)
            shared: dict[str, Any] = {name: getattr(self.base, name) for name in COMMON}
            shared |= {name: self.values[name][indices[name][at[0]]] for name in common}
            if "memory" in common and "encoding" not in common:
                shared["encoding"] = Processor(shared["memory"]).encoding
            for begin in range(0, len(at), size):
                part = at[begin : begin + size]
                yield chosen[part], Designs(**shared, **self._numbers({k: v[part] for k, v in indices.items()}))

    def _numbers(self, indices: Mapping[str, np.ndarray]) -> dict[str, Any]:
        count = len(next(iter(indices.values())))
        numbers = {name: np.full(count, getattr(self.base, name) or 0, np.int64) for name in EACH}
        for name, at in indices.items():
            if name not in COMMON:
                values = np.array(self.values[name], np.int64)[at]
                numbers |= dict.fromkeys(BOTH.get(name, (name,)), values)
        return numbers


def parse_values(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """NAME=VALUE,VALUE,... or NAME=LOW:HIGH, which doubles from LOW to HIGH.

    Raises:
        BadInput: anything else; what a value may be is the processor's business.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, _, given = text.partition("=")
        if not name or not given or name in found:
            raise BadInput("not a list of values", where="--vary", expected="NAME=A,B,... or NAME=LOW:HIGH, each once",
                           got=f"'{text[:80]}'")  # fmt: skip
        found[name] = _doubled(given) if ":" in given else tuple(_value(name, one) for one in given.split(","))
    return found


def _doubled(text: str) -> tuple[int, ...]:
    low, _, high = text.partition(":")
    if not (low.isdecimal() and high.isdecimal()) or not 0 < int(low) <= int(high) < 10**9:
        raise BadInput("not a range", where="--vary", expected="LOW:HIGH, whole numbers", got=f"'{text[:80]}'")
    return tuple(int(low) * 2**k for k in range(int(math.log2(int(high) / int(low)) + 1e-9) + 1))


def _value(name: str, text: str) -> Any:
    if text.isdecimal() and len(text) < 10 and (name in RANGES or name in BOTH):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if name == "pipelined" else text
