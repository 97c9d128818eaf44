"""What a circuit's spikes leave in a run folder: figures in JSON, spike times, and a page of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anamorph.enn.linked import link_pages
from anamorph.enn.transient import Spiked
from anamorph.report.figures.spike_waveforms import Waveform, waveforms
from anamorph.report.figures.spikes import listening, raster
from anamorph.report.page import Page, Section, Table, write_report
from anamorph.run_folder import RunFolder
from anamorph.units import show

RESULT, TIMES, PAGE = "spikes.json", "spikes.npz", "spikes.html"
#: Waveforms: how long, s.
SPAN = 40e-6
HEADLINE = ("agreement", "listening_time", "energy_per_inference", "transistors")
NODES = ("output", "membrane", "gate of its legs")


def keep(run: Path, found: Spiked, result: dict[str, Any]) -> Path:
    """Write the three files; the page."""
    with RunFolder(run) as folder:
        folder.write(TIMES, lambda path: _keep_times(path, found))
        folder.write_json(RESULT, result)
        page = folder.write(PAGE, lambda path: write_page(path, found, result))
        link_pages(folder)
        return page


def _keep_times(path: Path, found: Spiked) -> None:
    record = found.record
    arrays = {"times": record.times, "starts": record.starts, "layers": np.array(record.layers), "clock": record.clock}
    arrays |= {f"energy_{name.replace(' ', '_')}": energy for name, energy in record.energy.items()}
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # pyright: ignore[reportArgumentType]


def write_page(path: Path, found: Spiked, result: dict[str, Any]) -> None:
    """Write ``spikes.html``."""
    experiment, metrics = found.run.experiment, result["metrics"]
    page = Page(
        f"{experiment.title or experiment.name}: as spikes",
        summary=_summary(metrics),
        metrics=metrics,
        sections=(
            Section("Spikes", figures=(raster(found.record, 0, f"the first image, a {found.labels[0]}"),
                                       _waveforms(found))),
            Section("Answers", figures=(listening(found.record, found.labels, found.model_answers),),
                    table=_table(result)),
        ),
        provenance=result["provenance"],
        headline=tuple(name for name in HEADLINE if name in metrics),
    )  # fmt: skip
    write_report(path, page)


def _summary(metrics: dict[str, Any]) -> str:
    said = {name: show(entry["value"], entry["unit"]) for name, entry in metrics.items()}
    when = f" from {said['listening_time']} after switching on (median)" if "listening_time" in said else ""
    energy = f", {said['energy_per_inference']} until then" if "energy_per_inference" in said else ""
    return (
        f"Every transistor of the network as a transient, {metrics['agreement']['n']} images. The fired answer is that "
        f"of the rate model for {said['agreement']} of them, and stays what it is{when}{energy}."
    )


def _waveforms(found: Spiked):
    """The busiest neuron of each layer on the first image, at the end of the transient."""
    stop, rows = found.record.duration, []
    for index, layer in enumerate(found.transient.layers):
        busy = int(np.argmax([len(train) for train in layer.spikes[0]]))
        trace = layer.shown[busy]
        nodes = [Waveform(name, trace.t, v) for name, v in zip(NODES, trace.v, strict=False)]
        rows.append((f"layer {index + 1}, neuron {busy}: the fastest of its layer", nodes))
    return waveforms(rows, (max(0.0, stop - SPAN), stop))


def _table(result: dict[str, Any]) -> Table:
    def moment(value: float | None, unit: str) -> str:
        return "–" if value is None else show(value, unit)

    rows = tuple(
        (
            str(index), str(row["label"]), str(row["rate_model"]), str(row["fired"]), moment(row["stable_s"], "s"),
            str(row["counted"]), moment(row["counted_stable_s"], "s"), moment(row["energy_j"], "J"),
            str(sum(row["spikes"])),
        )
        for index, row in enumerate(result["images"])
    )  # fmt: skip
    columns = ("image", "label", "rate model", "fired", "from", "counted", "from ", "energy", "spikes")
    return Table(columns, rows, "Energy until the fired answer stays; -1 is undecided.")
