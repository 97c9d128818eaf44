"""A sweep as text, as JSON and as a page with the front of its designs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from anamorph import toml_file
from anamorph.processor.grid import BOTH
from anamorph.processor.sweep import CRITERIA, Sweep
from anamorph.processor.text import aligned
from anamorph.report.figures.style import NEUTRAL, colour, layout, log_axis
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.run_folder import REPORT, RESULT, open_for
from anamorph.units import show
from anamorph.versions import versions

#: Points drawn, and designs of the front in a table: the most that a page and a reader can take.
DRAWN, LISTED = 5000, 40
_TITLES = {"energy_efficiency": "Energy efficiency (TOp/J)", "throughput": "Throughput (TOp/s)",
           "area_efficiency": "Area efficiency (MB/mm²)"}  # fmt: skip
_SCALE = {"energy_efficiency": 1e-12, "throughput": 1e-12, "area_efficiency": 1.0}


def rows(found: Sweep) -> list[tuple[str, ...]]:
    """The front's designs by falling energy efficiency, the head first: what was varied, and their figures."""
    varied = [one for name in found.grid.values for one in BOTH.get(name, (name,))]
    head = (*varied, *(name.replace("_", " ") for name in (*CRITERIA, "area", "latency")))
    table = [head]
    for index in listed(found):
        one = found.row(index)
        figures = (
            show(one["energy_efficiency"], "Op/J"), show(one["throughput"], "Op/s"),
            show(one["area_efficiency"], "MB/mm²"), show(one["area"], "m^2"), show(one["latency"], "s"),
        )  # fmt: skip
        table.append((*(str(one[name]) for name in varied), *figures))
    return table


def listed(found: Sweep) -> np.ndarray:
    """Points of the front, by falling energy efficiency; of a long front every so many."""
    best = np.flatnonzero(found.front)
    best = best[np.argsort(-found.figures["energy_efficiency"][best], kind="stable")]
    return best[np.unique(np.linspace(0, len(best) - 1, min(len(best), LISTED)).round().astype(int))] if len(
        best) else best  # fmt: skip


def text(found: Sweep) -> str:
    """What the command prints."""
    number = int(found.front.sum())
    lines = [f"{found.plan.network.name}: {len(found.number):,} of {found.asked:,} designs, {number:,} of which no "
             "other beats in energy efficiency, throughput and area efficiency", ""]  # fmt: skip
    if number:
        lines += aligned(rows(found))
    if number > LISTED:
        lines.append(f"({LISTED} of the {number:,}; all are in the JSON)")
    lines += [f"left out, {count:,} designs: {reason}" for reason, count in found.refused.items()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_json(found: Sweep) -> dict[str, Any]:
    """The sweep as plain values: parameters, the front with its designs, and why others are left out."""
    return {
        "experiment": f"processor sweep {found.plan.network.name}",
        "values": {name: list(values) for name, values in found.grid.values.items()},
        "base": found.grid.base.as_json(),
        "designs": len(found.number),
        "complete": found.complete,
        "units": {**CRITERIA, "area": "m^2", "latency": "s", "energy_per_inference": "J"},
        "front": [found.row(int(i)) for i in np.flatnonzero(found.front)],
        "refused": found.refused,
        "provenance": {"versions": versions()},
    }


def write(found: Sweep, out: Path) -> Path:
    """Write result and page to a folder; the page's path."""
    asked = {"network": found.plan.network.name,
             "values": {name: ",".join(map(str, values)) for name, values in found.grid.values.items()}}  # fmt: skip
    with open_for("sweep", toml_file.write(asked), out) as folder:
        folder.write(REPORT, lambda path: write_report(path, page(found)))
        folder.write_json(RESULT, as_json(found))
        return folder.path / REPORT


def page(found: Sweep) -> Page:
    """The front in two views, and its designs."""
    head, *designs = rows(found)
    told = [f"{count:,} designs are left out: {reason}" for reason, count in found.refused.items()]
    if not found.complete:
        told.append(f"stopped after {len(found.number):,} of {found.asked:,} designs")
    return Page(
        f"{found.plan.network.name}: {len(found.number):,} processors",
        summary=(
            f"{int(found.front.sum()):,} of {len(found.number):,} processors are such that no other is better in one "
            "of energy efficiency, throughput and area efficiency without being worse in another."
        ),
        sections=(
            Section("Front", figures=(view(found, "throughput"), view(found, "area_efficiency"))),
            Section("Designs of the front", table=Table(head, tuple(designs))),
        ),
        warnings=tuple(told),
        provenance={"versions": versions()},
    )  # fmt: skip


def view(found: Sweep, across: str) -> Figure:
    """Energy efficiency against another criterion: all designs faint, those of the front by memory."""
    rng = np.random.default_rng(0)
    x, y = (found.figures[name] * _SCALE[name] for name in (across, "energy_efficiency"))
    rest = np.flatnonzero(np.isfinite(y) & ~found.front)
    if len(rest) > DRAWN:
        rest = rng.choice(rest, DRAWN, replace=False)
    plot = go.Figure(layout=layout(_TITLES[across], _TITLES["energy_efficiency"], height=480))
    plot.update_layout(xaxis=log_axis(_TITLES[across]), yaxis=log_axis(_TITLES["energy_efficiency"]))
    plot.add_scatter(x=x[rest], y=y[rest], mode="markers", name="others", hoverinfo="skip",
                     marker={"color": NEUTRAL, "size": 4, "opacity": 0.35})  # fmt: skip
    best = np.flatnonzero(found.front)
    best = best if len(best) <= DRAWN else rng.choice(best, DRAWN, replace=False)
    made = [found.processor(int(i)) for i in best]
    for k, memory in enumerate(dict.fromkeys(one.memory for one in made)):
        mine = [i for i, one in zip(best, made, strict=True) if one.memory == memory]
        label = [_label(found, int(i)) for i in mine]
        plot.add_scatter(x=x[mine], y=y[mine], mode="markers", name=memory, text=label,
                         hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
                         marker={"color": colour(k), "size": 8})  # fmt: skip
    return Figure(plot, f"Designs of the front by memory; {len(rest):,} of the others in grey.", wide=True)


def _label(found: Sweep, index: int) -> str:
    one = found.row(index)
    return ", ".join(f"{name} {one[name]}" for varied in found.grid.values for name in BOTH.get(varied, (varied,)))
