"""The page of `anamorph vmm compare`: energy against time, energy and area by part, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go

from anamorph.report.figures.style import axis, colour, new_plot
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.report.quantity import percent, quantity
from anamorph.technology.memory import memory_names
from anamorph.versions import versions
from anamorph.vmm.block import BlockCost
from anamorph.vmm.compare import Point, worst
from anamorph.vmm.design import CELLS

SYMBOLS = {"ins": "circle", "lin": "square", "exp": "triangle-up"}
PARTS = ("array", "input", "integration", "conversion", "tuning")
#: A page with more groups than this would be scrolled, not read; the JSON has them all.
MAX_GROUPS = 12


def write_page(path: Path, points: Sequence[Point]) -> None:
    """Write the comparison as one HTML file."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(_title(point), []).append(point)
    sections = [s for title, group in list(groups.items())[:MAX_GROUPS] for s in _section(title, group)]
    refused = [p for p in points if p.refused]
    if refused:
        rows = tuple((p.name, _title(p), str(p.refused)) for p in refused)
        sections.append(Section("What cannot work", table=Table(("Design", "Size and bits", "Why"), rows)))
    page = Page(
        "Memory-cell multipliers compared",
        summary=f"{sum(p.cost is not None for p in points)} designs that work and {len(refused)} that cannot. A "
        "signed weight is a pair of cells; energies have all rows and columns in use, inputs and weights half of full "
        "scale on average. Most figures of the model are assumed, some fitted to published multipliers: docs/vmm.md "
        "says which.",
        sections=tuple(sections),
        provenance={"memories": ", ".join(memory_names()), "versions": versions()},
    )  # fmt: skip
    write_report(path, page)


def _title(point: Point) -> str:
    d = point.design
    bits = f"{d.input_bits}, {d.weight_bits}, {d.output_bits} bits"
    return f"{d.rows} x {d.columns}, {bits if len({d.input_bits, d.weight_bits, d.output_bits}) > 1 else bits[-6:]}"


def _section(title: str, group: Sequence[Point]) -> list[Section]:
    works = [p for p in group if p.cost is not None]
    if not works:
        return []
    return [Section(title, figures=(energy_against_time(works), energy_by_part(works), area_by_part(works)),
                    table=_table(works))]  # fmt: skip


def energy_against_time(points: Sequence[Point]) -> Figure:
    """Each design as a mark: its cell a colour, its encoding a shape, its area per weight the size."""
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(axis("time of a product (ns)", type="log", dtick="D2"))
    plot.update_yaxes(axis("energy per operation (fJ)", type="log", dtick="D2"))
    cells = list(CELLS)
    for point in points:
        cost = _cost(point)
        area = float(cost.area_per_weight) * 1e12
        plot.add_trace(
            go.Scatter(
                name=point.name, x=[float(cost.time) * 1e9], y=[float(cost.energy_per_operation) * 1e15],
                mode="markers",
                marker={"color": colour(cells.index(point.design.cell.name)), "size": _diameter(area),
                        "symbol": SYMBOLS[point.design.encoding.name], "line": {"width": 1}},
                hovertemplate=f"{point.name}<br>%{{x:.3g}} ns, %{{y:.3g}} fJ<br>{area:.3g} µm² per weight<br>"
                f"{cost.limits}<extra></extra>",
            )
        )  # fmt: skip
    return Figure(
        plot, "Down and to the left is better. A mark's area goes with the root of the area per weight.", True
    )


def energy_by_part(points: Sequence[Point]) -> Figure:
    """Bars of fJ per operation."""
    values = {p.name: {k: float(v / _cost(p).operations) * 1e15 for k, v in _cost(p).energy.items()} for p in points}
    return Figure(_bars(values, "energy per operation (fJ)"), "Where the energy goes.")


def area_by_part(points: Sequence[Point]) -> Figure:
    """Bars of µm² per weight."""
    values = {}
    for p in points:
        cost = _cost(p)
        weights = float(cost.rows * cost.columns) * cost.planes
        values[p.name] = {k: float(v) / weights * 1e12 for k, v in cost.area.items()}
    return Figure(_bars(values, "area per weight (µm²)"), "Where the area goes; planes above each other share it.")


def _bars(values: dict[str, dict[str, float]], title: str) -> go.Figure:
    plot = new_plot(x_title="", y_title=title, scale_choice="y")
    for index, part in enumerate(PARTS):
        heights = [found.get(part, 0.0) for found in values.values()]
        if any(heights):
            plot.add_trace(
                go.Bar(name=part, x=list(values), y=heights, marker={"color": colour(index)},
                       hovertemplate=f"%{{x}}<br>{part} %{{y:.3g}}<extra></extra>")
            )  # fmt: skip
    plot.update_layout(barmode="stack")
    plot.update_xaxes(tickangle=-40)
    plot.update_layout(margin={"b": 110})
    return plot


def _table(points: Sequence[Point]) -> Table:
    with_errors = any(p.errors for p in points)
    heads = ("Design", "Time", "Interval", "Per operation", "Per weight", "Block", "Cell current")
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for point in points:
        cost = _cost(point)
        row: tuple[str, ...] = (
            point.name, quantity(float(cost.time), "s"), quantity(float(cost.interval), "s"),
            quantity(float(cost.energy_per_operation), "J"), quantity(float(cost.area_per_weight), "m²"),
            quantity(float(cost.total_area), "m²"), quantity(float(cost.current), "A"),
        )  # fmt: skip
        if with_errors:
            row += (percent(point.errors["all"]), worst(point.errors)) if point.errors else ("–", "–")
        rows.append(row)
        notes.append(_note(point, cost))
    return Table((*heads, "Output error", "Beside rounding") if with_errors else heads, tuple(rows), notes=tuple(notes))


def _note(point: Point, cost: BlockCost) -> str:
    text = f"Limited by: {cost.limits}." if str(cost.limits) else ""
    if point.errors:
        largest = sorted((v, k) for k, v in point.errors.items() if k != "all")[:-4:-1]
        text += " Errors: " + ", ".join(f"{name} {percent(value, 2)}" for value, name in largest) + "."
    return text.strip()


def _diameter(area: float) -> float:
    return min(48.0, max(7.0, 14.0 * area**0.25))


def _cost(point: Point) -> BlockCost:
    assert point.cost is not None  # callers pass those that work
    return point.cost
