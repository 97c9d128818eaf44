"""A network on a processor: evaluated, scheduled, checked, and written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anamorph import toml_file
from anamorph.processor.capacity import memories, on, require
from anamorph.processor.check import check
from anamorph.processor.design import Processor
from anamorph.processor.evaluate import Evaluation
from anamorph.processor.figures import breakdown, metrics
from anamorph.processor.layers import Plan, plan
from anamorph.processor.page import write_page
from anamorph.processor.schedule import Schedule, build
from anamorph.processor.text import aligned, layer_rows, layer_table, memory_rows, share_table
from anamorph.processor.workloads import Network, load
from anamorph.run_folder import REPORT, RESULT, open_for
from anamorph.units import show
from anamorph.versions import versions

#: Share of multiply-accumulates between activations above which a reader is told.
WORTH_TELLING = 0.01


@dataclass(frozen=True)
class Done:
    """What a run found.

    Attributes:
        plan: layers of the network.
        found: closed form.
        schedule: checked.
        others: the network on each memory.
        result: as in ``result.json``.
    """

    plan: Plan
    found: Evaluation
    schedule: Schedule
    others: dict[str, Evaluation | str]
    result: dict[str, Any]


def run(subject: str, processor: Processor, dimensions: Mapping[str, int] | None = None) -> Done:
    """Evaluate, schedule and check a network on a processor.

    Args:
        subject: a built-in network or an ONNX file.
        processor: the design.
        dimensions: sizes for dimensions that a file leaves open.

    Raises:
        BadInput: no such network, or a design that cannot work.
        DoesNotFit: the network is larger than the chip.
    """
    return run_network(load(subject, dimensions), processor)


def run_network(network: Network, processor: Processor) -> Done:
    """The same of a network that is at hand."""
    layers = plan(network)
    found = on(layers, processor)
    require(layers, processor, found)
    schedule = build(layers, processor)
    check(schedule)
    others = memories(layers, processor)
    result = {
        "experiment": f"processor {network.name}",
        "processor": processor.as_json(),
        "metrics": metrics(found),
        "breakdown": breakdown(found),
        "layers": layer_rows(layers, found),
        "memories": {
            name: one if isinstance(one, str) else metrics(one) for name, one in others.items()
        },
        "warnings": warnings(layers, found),
        "provenance": {"network": {"name": network.name, "source": network.source}, "versions": versions()},
    }  # fmt: skip
    return Done(layers, found, schedule, others, result)


def warnings(layers: Plan, found: Evaluation) -> list[str]:
    """What a reader has to know."""
    told = []
    if layers.outside:
        told.append(f"look-up tables of {layers.outside:,} values are not on the chip: their rows come from outside")
    share = found.columns.vector_macs / (found.columns.macs + found.columns.vector_macs)
    if share > WORTH_TELLING:
        told.append(f"{100 * share:.3g} % of the multiply-accumulates are of two activations: the auxiliary unit's")
    if found.designs.pipelined:
        alone = on(layers, replace(found.designs.one(0), pipelined=False, blocks=None))
        if alone.throughput[0] > found.throughput[0]:
            told.append(
                "one layer at a time on all blocks would be quicker: layers on blocks of their own take up to "
                f"{int(found.place.turns.max())} turns"
            )
    return told


def write(done: Done, out: Path) -> Path:
    """Write result and page to a folder; the page's path.

    Raises:
        BadInput: a folder that holds something else, or a complete run.
    """
    given = {name: value for name, value in done.result["processor"].items() if value is not None}
    asked = {"network": done.plan.network.name, "processor": given}
    with open_for("processor", toml_file.write(asked), out) as folder:
        folder.write_json("schedule.json", schedule_json(done.schedule))
        folder.write(REPORT, lambda path: write_page(path, done.found, done.schedule, done.others, done.result))
        folder.write_json(RESULT, done.result)
        return folder.path / REPORT


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """Tasks and tiles as plain values, s from the begin of the inference."""
    t = schedule.tiles
    return {
        "period": schedule.period,
        "latency": schedule.latency,
        "tasks": [
            {
                "layer": schedule.plan.layers[task.layer].name, "step": task.step, "start": task.start,
                "end": task.end, "bus": task.bus, "auxiliary_unit": task.unit, "words": list(task.words),
                "tiles": [] if task.uses is None or task.step else task.uses.tile.tolist(),
            }
            for task in schedule.tasks
        ],
        "tiles": {name: getattr(t, name).tolist() for name in type(t).__dataclass_fields__},
    }  # fmt: skip


def text(done: Done) -> str:
    """What the command prints."""
    found = done.found
    lines = [f"{done.plan.network.name} on {found.designs.memory} ({found.designs.encoding} inputs)", ""]
    lines += layer_table(done.result["layers"], sum(row["seconds"] for row in done.result["layers"]))
    entries = done.result["metrics"]
    lines += ["", *aligned([(name.replace("_", " "), show(e["value"], e["unit"]), e["basis"])
                            for name, e in entries.items()])]  # fmt: skip
    lines += ["", *share_table(found), "", *aligned(memory_rows(done.others))]
    lines += ["", *(f"note: {told}" for told in done.result["warnings"])]
    lines.append(f"schedule checked: {len(done.schedule.tasks):,} tasks, {len(done.schedule.tiles):,} tiles")
    return "\n".join(line.rstrip() for line in lines) + "\n"
