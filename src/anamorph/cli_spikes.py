"""`anamorph spikes RUN`: a spiking network's spikes, from the transient of all its transistors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def spikes(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a spiking network.")],
    images: Annotated[int, typer.Option(help="How many of the test images.")] = 5,
    duration: Annotated[str, typer.Option(help="For how long each is shown, from switching the network on.")] = "2 ms",
    in_circuit: Annotated[
        bool, typer.Option("--in-circuit", help="Train once more through what the circuits do in the network.")
    ] = False,
    spice: Annotated[
        bool, typer.Option("--spice", help="Let ngspice go on with the first image, as one circuit, and compare.")
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="Event by event from the curves of neuron and synapse, not the circuit.")
    ] = False,
    time_constant: Annotated[str, typer.Option(help="Of the synapses, with --events.")] = "250 us",
) -> None:
    """Show images to the network's circuit, and say what it fires, after how long and at what energy."""
    if events:
        from anamorph.cli_spike_events import tell_events

        return tell_events(run, images, duration, time_constant, in_circuit)
    from anamorph.cli_output import Progress
    from anamorph.enn.spikes_page import keep
    from anamorph.enn.transient import result_of, spiked
    from anamorph.stages.compilation import keep_compiled
    from anamorph.units import parse, show

    keep_compiled()
    stages = {
        "curves": "the neuron's curve, and the size of every leg",
        "training": "neurons behind their legs, and training through them",
        "inputs": "transients of the inputs' diodes",
        **{f"layer {k}": f"transients of layer {k}" for k in range(3)},
        "more": "transients of further images",
        "ngspice": "the first image, all transistors as one circuit",
    }
    with Progress(stages) as progress:
        time = parse(duration, "s", where="--duration")
        found = spiked(run, images, time, progress, in_circuit=in_circuit, spice=spice)
        progress(None)
    result = result_of(found)
    for name, entry in result["metrics"].items():
        value = f"{entry['value']:.4g}" if not entry["unit"] else show(entry["value"], entry["unit"])
        sys.stdout.write(f"{name:24} {value}\n")
    for index, row in enumerate(result["images"]):
        when = "never" if row["stable_s"] is None else show(row["stable_s"], "s")
        sys.stdout.write(f"image {index}: label {row['label']}, rate model {row['rate_model']}, fired {row['fired']} "
                         f"(from {when} on)\n")  # fmt: skip
    sys.stdout.write(f"page: {keep(run, found, result).absolute()}\n")
