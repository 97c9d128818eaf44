"""The page of a network on a processor: schedule, use of the hardware, and where energy, area and time go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from anamorph.processor.evaluate import Evaluation
from anamorph.processor.figures import breakdown
from anamorph.processor.liveness import lifetimes, pipeline_levels, pipeline_lifetimes, stages_of
from anamorph.processor.schedule import Schedule
from anamorph.processor.text import memory_rows
from anamorph.report.figures.style import BLUE, GREEN, ORANGE, PURPLE, colour, layout, plain, prefixed
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.report.quantity import percent, quantity

HEADLINE = ("energy_efficiency", "throughput", "area_efficiency", "area")
#: More steps of a curve than this are not told apart on a page.
MAX_STEPS = 4000


def write_page(
    path: Path, found: Evaluation, schedule: Schedule, others: dict[str, Evaluation | str], result: dict[str, Any]
) -> None:
    """Write ``report.html``."""
    head, *rows = memory_rows(others)
    page = Page(
        f"{schedule.plan.network.name} on {found.designs.memory}",
        summary=_summary(found, schedule),
        metrics=result["metrics"],
        sections=(
            Section(
                "Schedule",
                _how(schedule),
                figures=(gantt(schedule), use(schedule)),
            ),
            Section("Breakdown", figures=tuple(shares(found, what) for what in ("energy", "area", "time"))),
            Section("Layers", table=layer_table(result["layers"])),
            Section(
                "Other memories",
                "The same network, bits and block size, each on the smallest chip that holds it.",
                table=Table(head, tuple(rows)),
            ),
        ),
        warnings=tuple(result["warnings"]),
        provenance=result["provenance"],
        headline=HEADLINE,
    )
    write_report(path, page)


def _summary(found: Evaluation, schedule: Schedule) -> str:
    p = schedule.processor
    planes = f", {schedule.chip.planes} planes each" if schedule.chip.planes > 1 else ""
    return (
        f"An inference of {schedule.plan.network.name} takes {quantity(float(found.latency[0]), 's')} and "
        f"{quantity(float(found.energy_per_inference[0]), 'J')} on {schedule.chip.stacks * p.stack:,} blocks of "
        f"{p.block_rows} x {p.block_columns} weights{planes} ({p.memory}, inputs {p.encoding}, {p.input_bits}-bit), "
        f"which hold {percent(float(found.utilisation[0]))} of the weights that they could. The schedule was checked: "
        "every multiply-accumulate once, no block twice at a time, memory never too full."
    )


def _how(schedule: Schedule) -> str:
    if schedule.processor.pipelined:
        return (
            f"Every layer (or loop of recurrent layers) works on an inference of its own; a new one starts every "
            f"{quantity(schedule.period, 's')}."
        )
    return "One layer at a time. A bar is a layer's step, from its first word on the bus to its last."


def gantt(schedule: Schedule) -> Figure:
    """A bar per task: layers from the top, time to the right."""
    scale, unit = prefixed("s", np.array([schedule.latency]))
    plot = go.Figure(layout=layout(f"Time ({unit})", "Layer", height=520))
    for name, product, shade in (("in memory cells", True, BLUE), ("auxiliary unit", False, ORANGE)):
        tasks = [t for t in schedule.tasks if (t.uses is not None) == product]
        label = [f"{plain(schedule.plan.layers[t.layer].name)}, step {t.step + 1}" for t in tasks]
        plot.add_bar(
            y=np.array([t.layer for t in tasks]), base=np.array([t.start for t in tasks]) * scale,
            x=np.array([t.end - t.start for t in tasks]) * scale, orientation="h", name=name, text=label,
            textposition="none", hovertemplate="%{text}: %{x:.4g} " + unit + "<extra></extra>",
            marker={"color": shade, "line": {"width": 0}}, width=0.9,
        )  # fmt: skip
    plot.update_yaxes(autorange="reversed")
    plot.update_layout(barmode="overlay")
    return Figure(plot, "The schedule of an inference. Point at a bar for its layer.", wide=True)


def use(schedule: Schedule) -> Figure:
    """Shares of blocks, bus, auxiliary unit and memory in use, over time."""
    scale, unit = prefixed("s", np.array([schedule.latency]))
    end = schedule.latency
    plot = go.Figure(layout=layout(f"Time ({unit})", "In use (%)", height=380))
    stacks = schedule.tiles.stack
    working = [(t.start, t.end, len(np.unique(stacks[t.uses.tile])) / schedule.chip.stacks)
               for t in schedule.tasks if t.uses is not None]  # fmt: skip
    curves = [("blocks", working, BLUE)]
    for name, what, shade in (("bus", "bus", GREEN), ("auxiliary unit", "unit", ORANGE)):
        curves.append((name, [(t.start, t.end, getattr(t, what) / (t.end - t.start)) for t in schedule.tasks], shade))
    curves.append(("memory", _held(schedule), PURPLE))
    for name, intervals, shade in curves:
        time, value = steps(intervals, end)
        plot.add_scatter(x=time * scale, y=100 * value, mode="lines", line={"color": shade, "shape": "hv"}, name=name)
    note = " Of one inference; in the pipeline others are at work beside it." if schedule.processor.pipelined else ""
    return Figure(plot, f"Blocks, bus, auxiliary unit and memory in use.{note}", wide=True)


def _held(schedule: Schedule) -> list[tuple[float, float, float]]:
    """Intervals in which tensors are held, as shares of the memory."""
    plan = schedule.plan
    share = schedule.processor.value_bits / schedule.chip.memory_bits
    held = [(0.0, schedule.latency, plan.resident * share)]
    if schedule.processor.pipelined:
        spans = pipeline_lifetimes(plan, pipeline_levels(plan))
        edges = [k * schedule.period for k in range(max(last for _, last in spans) + 2)]
    else:
        spans = lifetimes(plan)
        of = {i: stage for stage, members in enumerate(stages_of(plan)) for i in members}
        edges = [0.0] * (len(stages_of(plan)) + 1)
        for task in schedule.tasks:
            edges[of[task.layer] + 1] = max(edges[of[task.layer] + 1], task.end)
    held += [(edges[a], edges[b + 1], t.size * share) for t, (a, b) in zip(plan.tensors, spans, strict=True)]
    return held


def steps(intervals: list[tuple[float, float, float]], end: float) -> tuple[np.ndarray, np.ndarray]:
    """Times at which a sum of constant pieces changes, and its value from there on."""
    if not intervals:
        return np.array([0.0, end]), np.zeros(2)
    at = np.array([0.0, end, *(t for a, b, _ in intervals for t in (a, b))])
    change = np.array([0.0, 0.0, *(x for _, _, v in intervals for x in (v, -v))])
    time, index = np.unique(at, return_inverse=True)
    total = np.zeros(len(time))
    np.add.at(total, index.reshape(-1), change)
    chosen = np.unique(np.linspace(0, len(time) - 1, min(len(time), MAX_STEPS)).round().astype(int))
    return time[chosen], np.maximum(total.cumsum(), 0.0)[chosen]


def shares(found: Evaluation, what: str) -> Figure:
    """One bar cut into components."""
    parts = breakdown(found)[what]
    unit = {"energy": "J", "area": "m^2", "time": "s"}[what]
    total = sum(parts.values())
    plot = go.Figure(layout=layout("Share (%)", "", height=420, showlegend=False))
    named = sorted(((value, name) for name, value in parts.items() if value > 0))
    plot.add_bar(
        x=[100 * value / total for value, _ in named], y=[name for _, name in named], orientation="h",
        marker={"color": [colour(i) for i in range(len(named))]},
        text=[quantity(value, unit) for value, _ in named], textposition="auto",
        hovertemplate="%{y}: %{x:.3g} %, %{text}<extra></extra>",
    )  # fmt: skip
    return Figure(plot, f"Where {what} goes: {quantity(total, unit)} in all.")


def layer_table(rows: list[dict[str, Any]]) -> Table:
    """A row per layer."""
    columns = ("layer", "what", "matrix", "vectors", "tiles", "stacks", "copies", "turns", "time", "energy",
               "waits for")  # fmt: skip
    cells = []
    for row in rows:
        end = (quantity(row["seconds"], "s"), quantity(row["joules"], "J"), row["waits_for"])
        steps_ = f"{row['steps']} x " if row["steps"] > 1 else ""
        if row["kind"] == "product":
            groups = f"{row['groups']} x " if row["groups"] > 1 else ""
            numbers = (f"{row[key]:,}" for key in ("tiles", "stacks", "copies", "turns"))
            matrix = f"{groups}{row['rows']:,} x {row['columns']:,}"
            middle = ("product", matrix, f"{steps_}{row['vectors']:,}", *numbers)
        else:
            middle = (row["kind"], "", f"{steps_}{row['operations'] // row['steps']:,} operations", "", "", "", "")
        cells.append((row["name"], *middle, *end))
    return Table(columns, tuple(cells))
