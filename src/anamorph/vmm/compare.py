"""`anamorph vmm compare`: the design space of Bavandpour et al. 2019, Fig. 1, point by point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anamorph.errors import BadInput
from anamorph.technology.memory import Memory, load_memory
from anamorph.units import show
from anamorph.vmm.block import BlockCost
from anamorph.vmm.cost import block_cost
from anamorph.vmm.design import CELLS, ENCODINGS, Cell, Design, Encoding, cell, encoding
from anamorph.vmm.refusal import refusal

#: More points are a sweep of one's own, not a table.
MAX_POINTS = 20_000
#: Name of the error that rounding outputs to their bits makes (`anamorph.vmm.sources`).
ROUNDING = "resolution"
#: A mistyped size would be a table of nonsense.
MAX_SIDE = 4096


@dataclass(frozen=True)
class Point:
    """A design with what it takes, or why it cannot work.

    Attributes:
        design: what multiplies.
        refused: why it cannot work; None where it can.
        cost: None where it cannot.
        errors: relative rms error of the outputs by source, "all" last; None where it was not asked for.
    """

    design: Design
    refused: str | None
    cost: BlockCost | None
    errors: dict[str, float] | None = None

    @property
    def name(self) -> str:
        """Cell and encoding."""
        return f"{self.design.cell.name} {self.design.encoding.name.upper()}"

    def as_json(self) -> dict[str, Any]:
        """Plain values, SI."""
        d = self.design
        record: dict[str, Any] = {
            "cell": d.cell.name, "encoding": d.encoding.name, "input_bits": d.input_bits, "weight_bits": d.weight_bits,
            "output_bits": d.output_bits, "rows": d.rows, "columns": d.columns, "refused": self.refused,
        }  # fmt: skip
        if self.cost is not None:
            record |= figures(self.cost)
        if self.errors is not None:
            record["errors"] = self.errors
        return record


def figures(cost: BlockCost) -> dict[str, Any]:
    """One design's cost as plain values, SI."""
    single = {
        "time": cost.time, "interval": cost.interval, "energy_per_vector": cost.total_energy,
        "energy_per_operation": cost.energy_per_operation, "area": cost.total_area,
        "area_per_weight": cost.area_per_weight, "throughput": cost.operations / cost.interval,
        "leakage": cost.leakage, "select_energy": cost.select_energy, "tuning_energy": cost.tuning_energy,
        "tuning_time": cost.tuning_time, "cell_current": cost.current, "swing": cost.swing,
    }  # fmt: skip
    return {name: float(value) for name, value in single.items()} | {
        "planes": cost.planes,
        "energy_by_part": {part: float(value) for part, value in cost.energy.items()},
        "area_by_part": {part: float(value) for part, value in cost.area.items()},
        "limits": str(cost.limits),
    }


def compare(
    cells: Sequence[str] = (),
    encodings: Sequence[str] = (),
    bits: Sequence[tuple[int, int, int]] = ((4, 4, 4),),
    sizes: Sequence[tuple[int, int]] = ((64, 64), (200, 200)),
    memories: Sequence[Memory] = (),
    errors: Callable[[Design], dict[str, float]] | None = None,
) -> list[Point]:
    """All combinations, in the order given; those that cannot work carry the reason.

    Args:
        cells: names; all if empty.
        encodings: names; all if empty.
        bits: of inputs, weights and outputs.
        sizes: rows and columns.
        memories: cards that replace those of the package, by their names.
        errors: gives a design's output errors; left out if None.

    Raises:
        BadInput: unknown names, numbers out of range, too many points.
    """
    chosen: Sequence[Cell] = [cell(name) for name in dict.fromkeys(cells)] or list(CELLS.values())
    coded: Sequence[Encoding] = [encoding(name) for name in dict.fromkeys(encodings)] or list(ENCODINGS.values())
    own = {memory.name: memory for memory in memories}
    bits, sizes = list(dict.fromkeys(bits)), list(dict.fromkeys(sizes))
    count = len(sizes) * len(bits) * len(chosen) * len(coded)
    if count > MAX_POINTS:
        raise BadInput("too many points", where="vmm compare", expected=f"at most {MAX_POINTS:,}", got=f"{count:,}",
                       advice="Take `vmm.cost.block_costs` for a sweep.")  # fmt: skip
    designs = [Design(c, e, *b, *size) for size in sizes for b in bits for c in chosen for e in coded]
    return [_point(design, own.get(design.cell.memory), errors) for design in designs]


def _point(design: Design, card: Memory | None, errors: Callable[[Design], dict[str, float]] | None) -> Point:
    why = refusal(design, card)
    if why is not None:
        return Point(design, why, None)
    return Point(design, None, block_cost(design, card), errors(design) if errors else None)


def table(points: Sequence[Point]) -> str:
    """Lines for a terminal: a row per design that works, then those that cannot, with the reason."""
    with_errors = any(p.errors is not None for p in points)
    groups: dict[tuple[int, ...], list[Point]] = {}
    for point in points:
        d = point.design
        groups.setdefault((d.input_bits, d.weight_bits, d.output_bits, d.rows, d.columns), []).append(point)
    lines: list[str] = []
    for (i, w, o, rows, columns), group in groups.items():
        lines.append(f"{rows} x {columns}, {i}-bit inputs, {w}-bit weights, {o}-bit outputs")
        of_errors = ["error", "beside rounding"] if with_errors else []
        head = ["", "time", "per op", "per weight", "block", *of_errors, "limited by"]
        rows_text = [head] + [_row(p, p.cost, with_errors) for p in group if p.cost is not None]
        if len(rows_text) > 1:
            lines += _aligned(rows_text)
        lines += [f"cannot work: {p.name}: {p.refused}" for p in group if p.refused]
        lines.append("")
    return "\n".join(line.rstrip() for line in lines)


def _row(point: Point, cost: BlockCost, with_errors: bool) -> list[str]:
    text = [
        point.name, show(float(cost.time), "s"), f"{float(cost.energy_per_operation) * 1e15:.3g} fJ",
        show(float(cost.area_per_weight), "m^2"), show(float(cost.total_area), "m^2"),
    ]  # fmt: skip
    if with_errors:
        text += ["–", "–"] if point.errors is None else [show(point.errors["all"], "%"), worst(point.errors)]
    return [*text, str(cost.limits)]


def worst(errors: Mapping[str, float]) -> str:
    """The largest source of error but the rounding of outputs, which their bits bring about by themselves."""
    sources = {name: value for name, value in errors.items() if name not in ("all", ROUNDING)}
    name = max(sources, key=lambda key: sources[key], default="")
    return f"{name} {show(sources[name], '%', 2)}" if name else "nothing"


def _aligned(rows: list[list[str]]) -> list[str]:
    last = len(rows[0]) - 1
    widths = [max(len(row[k]) for row in rows) for k in range(last)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in range(1, last)), row[last]])
        for row in rows
    ]


def card_of(path: Path) -> Memory:
    """A memory card of the user's that replaces one of the package's; raises `BadInput` where it replaces none."""
    found = load_memory(path)
    known = sorted({c.memory for c in CELLS.values()})
    if found.name not in known:
        raise BadInput(f"'{found.name}' is the memory of no cell", where=str(path), expected="name = one of "
                       + ", ".join(known))  # fmt: skip
    return found


def parse_sizes(texts: Sequence[str]) -> list[tuple[int, int]]:
    """``"200"`` or ``"500x300"`` (rows x columns).

    Raises:
        BadInput: anything else, or a side out of range.
    """
    sizes = []
    for text in texts:
        sides = text.lower().split("x")
        if len(sides) > 2 or not all(s.strip().isdecimal() and len(s) < 10 for s in sides):
            raise BadInput("not a size", where="--size", expected="200, or rows x columns as 500x300",
                           got=repr(text[:40]))  # fmt: skip
        rows, columns = int(sides[0]), int(sides[-1])
        if not (1 <= rows <= MAX_SIDE and 1 <= columns <= MAX_SIDE):
            raise BadInput("a size out of range", where="--size", expected=f"1 to {MAX_SIDE} each", got=text[:40])
        sizes.append((rows, columns))
    return sizes


def parse_bits(texts: Sequence[str]) -> list[tuple[int, int, int]]:
    """``"4"`` for all three, or inputs, weights and outputs as ``"4,5,6"``.

    Raises:
        BadInput: anything else.
    """
    found = []
    for text in texts:
        parts = text.split(",")
        if len(parts) not in (1, 3) or not all(p.strip().isdecimal() and len(p) < 4 for p in parts):
            raise BadInput("not bits", where="--bits", expected="4, or inputs,weights,outputs as 4,5,6",
                           got=repr(text[:40]))  # fmt: skip
        numbers = [int(p) for p in parts] * (3 if len(parts) == 1 else 1)
        found.append((numbers[0], numbers[1], numbers[2]))
    return found
