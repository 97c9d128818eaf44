"""Fig. 2c and 2d from our data: efficiencies of three memories with three networks, and where energy and area go."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from anamorph.processor.evaluate import Evaluation
from anamorph.processor.figures import MEGABYTE_PER_MM2, breakdown
from anamorph.report.figures.style import axis, colour, new_plot
from anamorph.report.page import Figure

Found = Mapping[tuple[str, str], Evaluation]
SYMBOLS = ("circle", "square", "diamond")
#: Smaller shares of a bar are drawn together.
LEAST = 0.02


def efficiencies(found: Found) -> tuple[Figure, ...]:
    """Energy efficiency and throughput against area efficiency; a mark's area is the chip's."""
    return (
        _scatter(found, "energy efficiency (TOp/J)", {key: float(e.efficiency[0]) / 1e12 for key, e in found.items()}),
        _scatter(found, "throughput (TOp/s)", {key: float(e.throughput[0]) / 1e12 for key, e in found.items()}),
    )


def _scatter(found: Found, title: str, heights: Mapping[tuple[str, str], float]) -> Figure:
    memories, networks = _names(found)
    largest = max(float(e.chip_area[0]) for e in found.values())
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(axis("area efficiency (MB/mm²)", type="log", dtick="D2"))
    plot.update_yaxes(axis(title, type="log", dtick="D2"))
    for (memory, network), e in found.items():
        area = float(e.chip_area[0])
        plot.add_trace(
            go.Scatter(
                name=f"{memory}, {network}", mode="markers", x=[float(e.area_efficiency[0]) / MEGABYTE_PER_MM2],
                y=[heights[memory, network]],
                marker={"size": max(6.0, 50 * (area / largest) ** 0.5), "color": colour(memories.index(memory)),
                        "symbol": SYMBOLS[networks.index(network) % len(SYMBOLS)], "opacity": 0.7},
                hovertemplate=f"{memory}, {network}<br>%{{x:.3g}} MB/mm², %{{y:.3g}}<br>{area * 1e6:.3g} mm²"
                "<extra></extra>",
            )
        )  # fmt: skip
    return Figure(plot, "Each network on the smallest processor that holds it, whose area the mark's area is.")


def breakdowns(found: Found) -> tuple[Figure, ...]:
    """Shares of energy and of area, a bar for each memory and network."""
    shares = {key: breakdown(e) for key, e in found.items()}
    captions = {"energy": "Energy of an inference.", "area": "Area of the chip."}
    return tuple(_bars({k: s[what] for k, s in shares.items()}, what, text) for what, text in captions.items())


def _bars(values: Mapping[tuple[str, str], Mapping[str, float]], what: str, caption: str) -> Figure:
    totals = {key: sum(parts.values()) for key, parts in values.items()}
    names = dict.fromkeys(part for parts in values.values() for part in parts)
    shown = [n for n in names if any(values[key].get(n, 0) > LEAST * totals[key] for key in values)]
    bars = [f"{memory}, {network}" for memory, network in values]
    rows = {name: [100 * values[key].get(name, 0.0) / totals[key] for key in values] for name in shown}
    rest = [100 - sum(rows[name][i] for name in shown) for i in range(len(bars))]
    plot = new_plot(x_title=f"share of {what} (%)", y_title="", height=440)
    for index, (name, row) in enumerate([*rows.items(), ("other", rest)]):
        plot.add_trace(
            go.Bar(name=name, x=row, y=bars, orientation="h",
                   marker={"color": colour(index), "pattern": {"shape": "" if index < 6 else "/"}},
                   hovertemplate=f"%{{y}}<br>{name} %{{x:.3g}} %<extra></extra>")
        )  # fmt: skip
    plot.update_layout(barmode="stack", margin={"l": 160, "t": 110})
    plot.update_yaxes(autorange="reversed")
    return Figure(plot, caption, wide=True)


def _names(found: Found) -> tuple[list[str], list[str]]:
    return list(dict.fromkeys(m for m, _ in found)), list(dict.fromkeys(n for _, n in found))
