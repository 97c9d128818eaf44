"""A network on a processor as text: a line per layer, totals, and where energy, area and time go."""

from __future__ import annotations

from typing import Any

from anamorph.processor.arrays import COUNTED
from anamorph.processor.evaluate import Evaluation
from anamorph.processor.figures import breakdown, bus_bound
from anamorph.processor.layers import Plan
from anamorph.units import show

_WIDEST = 40
#: Shares below this are not listed.
LEAST = 0.001


def layer_rows(plan: Plan, found: Evaluation) -> list[dict[str, Any]]:
    """Each layer of one design as plain values, in order: s, J."""
    rows, slow = [], bus_bound(found)
    for layer, at in zip(plan.layers, found.columns.order, strict=True):
        row: dict[str, Any] = {"name": layer.name, "steps": layer.steps}
        if at >= 0:
            p, w = layer.product, found.place
            assert p is not None
            row |= {
                "kind": "product", "rows": p.rows, "columns": p.columns, "groups": p.groups, "vectors": p.vectors,
                "tiles": int(w.tiles[at, 0]), "stacks": int(w.enabled[at, 0]), "copies": int(w.used[at, 0]),
                "turns": int(w.turns[at, 0]), "seconds": float(found.products.duration[at, 0]),
                "joules": float(found.layer_energy[0][at, 0]),
                "words": int((found.products.read + found.products.written)[at, 0]),
                "waits_for": "bus" if slow[at, 0] else "blocks",
            }  # fmt: skip
        else:
            i = -1 - at
            bus = found.passes.bus[i, 0] >= found.busy[i, 0]
            done = [kind for kind in layer.operations if kind in COUNTED] or list(layer.operations)
            row |= {
                "kind": ", ".join(done), "operations": sum(layer.operations.values()),
                "seconds": float(found.passes.duration[i, 0]), "joules": float(found.layer_energy[1][i, 0]),
                "words": int((found.passes.read + found.passes.written)[i, 0]),
                "waits_for": "bus" if bus else "unit",
            }  # fmt: skip
        rows.append(row)
    return rows


def layer_table(rows: list[dict[str, Any]], total: float) -> list[str]:
    """Layers as lines; `total` is the latency in s."""
    head = ("layer", "rows", "columns", "groups", "vectors", "tiles", "stacks", "copies", "turns", "time", "share",
            "energy", "waits for")  # fmt: skip
    lines: list[tuple[str, ...]] = [head]
    for row in rows:
        name = row["name"]
        short = name if len(name) <= _WIDEST else f"{name[: _WIDEST // 2 - 2]}...{name[-_WIDEST // 2 + 1 :]}"
        steps = f"{row['steps']} x " if row["steps"] > 1 else ""
        end = (show(row["seconds"], "s"), f"{100 * row['seconds'] / total:.1f} %", show(row["joules"], "J"),
               row["waits_for"])  # fmt: skip
        if row["kind"] == "product":
            middle = [f"{row[key]:,}" for key in ("rows", "columns", "groups")]
            middle += [f"{steps}{row['vectors']:,}"]
            middle += [f"{row[key]:,}" for key in ("tiles", "stacks", "copies", "turns")]
        else:
            middle = ["", "", "", f"{steps}{row['kind']}", "", "", "", ""]
        lines.append((short, *middle, *end))
    return aligned(lines)


def share_table(found: Evaluation) -> list[str]:
    """Where energy, area and time go, in per cent."""
    lines = []
    for what, parts in breakdown(found).items():
        total = sum(parts.values())
        named = sorted(((v / total, name) for name, v in parts.items() if v > LEAST * total), reverse=True)
        lines.append(f"{what + ':':8}" + ", ".join(f"{name} {100 * share:.1f} %" for share, name in named))
    return lines


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Columns of equal width: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(t.ljust(w) if i == 0 else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True)))
            for row in rows]  # fmt: skip


def memory_rows(found: dict[str, Evaluation | str]) -> list[tuple[str, ...]]:
    """The same network on other memories: a row each, or why one cannot work."""
    rows: list[tuple[str, ...]] = [("memory", "encoding", "blocks", "area", "MB/mm²", "energy", "TOp/J", "TOp/s", "")]
    for name, one in found.items():
        if isinstance(one, str):
            rows.append((name, "", "", "", "", "", "", "", f"cannot work: {one}"))
            continue
        rows.append(
            (
                name, one.designs.encoding, f"{int(one.place.stacks[0] * one.designs.stack[0]):,}",
                show(float(one.chip_area[0]), "m^2"), f"{one.area_efficiency[0] / 1e12:.3g}",
                show(float(one.energy_per_inference[0]), "J"), f"{one.efficiency[0] / 1e12:.3g}",
                f"{one.throughput[0] / 1e12:.3g}", "",
            )
        )  # fmt: skip
    return rows
