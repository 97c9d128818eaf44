"""What the command line prints: progress per stage, a short table, names."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from anamorph.units import show

if TYPE_CHECKING:
    from anamorph.stages.drive import Run
    from anamorph.stages.spice import SpiceComparison

#: What a stage is doing, for the reader who waits.
DOING = {
    "prepare": "reading the card, preparing the circuits",
    "fabricate": "drawing the deviations of every transistor",
    "characterise": "measuring the dies on the bench",
    "fit": "fitting rectifier slopes",
    "train": "training through the measured slopes",
    "program": "writing switch bits and netlist",
    "verify": "running the test samples at transistor level",
    "cost": "adding up energy, time and area",
    "report": "drawing the report",
}
#: Rows of the short table, where the run has them.
SHOWN = (
    ("accuracy", "accuracy, compensated"),
    ("accuracy_uncompensated", "accuracy, uncompensated"),
    ("accuracy_ideal", "accuracy, same weights on an ideal die"),
    ("yield", "yield, compensated"),
    ("yield_uncompensated", "yield, uncompensated"),
    ("slope_spread", "spread of the slopes"),
    ("negative_unit", "strength of a negative unit"),
    ("energy_per_inference", "energy per inference"),
    ("energy_per_operation", "energy per operation"),
    ("latency", "time to output"),
    ("power", "power"),
    ("static_power", "static power"),
    ("area", "area"),
)


class Progress:
    """One line per stage on stderr; while a stage runs, a spinner where there is a terminal.

    Args:
        doing: what each stage does, in words.
    """

    def __init__(self, doing: Mapping[str, str] = DOING) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._doing, self._width = doing, max([13, *(len(stage) for stage in doing)])
        self._stage: str | None = None
        self._begun = 0.0
        self._status: Any = None

    def __call__(self, stage: str | None) -> None:
        """End the stage at hand, if any, and begin `stage`, unless None."""
        self._end()
        if stage is None:
            return
        self._stage, self._begun = stage, time.perf_counter()
        if self.console.is_terminal:
            self._status = self.console.status(f"{stage}: {self._doing[stage]}")
            self._status.start()

    def tell(self, part: str) -> None:
        """Show which part of the stage at hand is being done."""
        if self._status is not None:
            self._status.update(escape(f"{self._stage}: {self._doing[self._stage or '']}: {part}"))

    def _end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._stage is not None:
            seconds = time.perf_counter() - self._begun
            said = f"{self._stage:<{self._width}} {self._doing[self._stage]:<46} {seconds:6.1f} s"
            self.console.print(said, soft_wrap=True, markup=False)
            self._stage = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is not None:
            self._stage = None
        self._end()


def print_run(done: Run, until: str) -> None:
    """The short table and where the rest is."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 120  # a file or a pipe has no edge to break lines at
    if until == "report":
        out.print(_table(done.metrics))
        for text in done.result.get("warnings", []):
            out.print(f"warning: {escape(text)}", soft_wrap=True)
        out.print(f"report: {escape(str(done.report.absolute()))}", soft_wrap=True)
    else:
        if until == "cost":
            out.print(_table(_costs(done)))
        out.print(f"run folder: {escape(str(done.folder.absolute()))}", soft_wrap=True)


def _costs(done: Run) -> dict[str, Any]:
    import json

    record = json.loads((done.folder / "cost.json").read_text())
    return {line["quantity"]: line for line in record["lines"]}


def _table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column, side in (("", "left"), ("value", "right"), ("interval", "right"), ("basis", "left")):
        table.add_column(column, justify=side, no_wrap=True)  # pyright: ignore[reportArgumentType]
    for name, title in SHOWN:
        entry = metrics.get(name)
        if entry is None or entry["value"] is None:
            continue
        unit, low, high = entry["unit"], entry["low"], entry["high"]
        bounds = "" if low is None or high is None else f"{show(low, unit)} to {show(high, unit)}"
        table.add_row(title, show(entry["value"], unit), bounds, entry["basis"])
    return table


def print_comparison(found: SpiceComparison) -> None:
    """How far the two simulators are apart."""
    sys.stdout.write(
        f"ngspice {found.version}: {found.n_compared} currents of {found.n_patterns} patterns compared; "
        f"largest relative difference {found.worst:.2e} (limit {found.tolerance:g}) at {found.worst_at}; "
        f"of the fast solver {found.worst_fast:.2e}: {'agrees' if found.agrees else 'DISAGREES'}\n"
    )


def print_names() -> None:
    """Experiments, substrates, technologies, memories and papers, one per line below its heading."""
    from anamorph import experiment, papers, substrate, technology
    from anamorph.enn.experiment import NAMES as SPIKING
    from anamorph.technology.memory import memory_names

    for title, names in (
        ("experiments", sorted([*experiment.builtin_names(), *SPIKING])),
        ("substrates", substrate.names()),
        ("technologies", technology.builtin_names()),
        ("memories", memory_names()),
        ("papers", papers.names()),
    ):
        sys.stdout.write(f"{title}:\n" + "".join(f"  {name}\n" for name in names))


def print_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Every figure of a result with its interval, a line each."""
    width = max(map(len, metrics), default=0)
    for name, entry in metrics.items():
        unit = entry["unit"]
        span = "" if entry["low"] is None else f"  ({show(entry['low'], unit)} to {show(entry['high'], unit)})"
        value = f"{entry['value']:g}" if not unit else show(entry["value"], unit)
        sys.stdout.write(f"{name:{width}} {value}{span}\n")
