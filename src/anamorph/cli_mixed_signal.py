"""The command line of mixed-signal neurons: `anamorph run ms_neuron`, `anamorph neuron compare`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Mixed-signal neurons beside digital ones.")


@app.callback()
def _group() -> None:
    """Keeps `compare` a command of its own name though it is the only one."""


def run_ms_neuron(subject: str, out: Path | None, seed: int | None, changed: Mapping[str, str]) -> None:
    """Run an experiment with a mixed-signal neuron and print what came out."""
    from anamorph.cli_output import Progress, print_metrics
    from anamorph.mixed_signal.experiment import load
    from anamorph.mixed_signal.run import STAGES, run_mixed_signal
    from anamorph.stages.compilation import keep_compiled

    keep_compiled()
    experiment = load(subject, dict(changed) | ({} if seed is None else {"seed": str(seed)}))
    with Progress(STAGES) as progress:
        folder, result = run_mixed_signal(experiment, out, progress, progress.tell)
        progress(None)
    print_metrics(result["metrics"])
    for text in result["warnings"]:
        sys.stdout.write(f"note: {text}\n")
    sys.stdout.write(f"report: {(folder / 'report.html').absolute()}\n")


@app.command()
def compare(
    bits: Annotated[list[int] | None, typer.Option(min=1, max=16, help="Of a weight; may be repeated.")] = None,
    frequency: Annotated[
        list[str] | None, typer.Option(help="Multiply-accumulates per second, as 1MHz; may be repeated.")
    ] = None,
    snr: Annotated[float | None, typer.Option(help="Signal to noise of a full-scale sine at the output, dB.")] = None,
    synapses: Annotated[int, typer.Option(min=1, help="That share an analog load.")] = 1,
    fifo: Annotated[int, typer.Option(min=0, help="Words of FIFOs around power-gated logic.")] = 0,
    technology: Annotated[str, typer.Option(help="A card with logic.")] = "cmos65",
    page: Annotated[Path | None, typer.Option(help="Write plots and table to this HTML file.")] = None,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
) -> None:
    """Energy, power, area and noise of a multiply-accumulate, analog beside digital, with where they cross."""
    from anamorph import technology as cards
    from anamorph.mixed_signal.comparison import compared, numbers, table, write_comparison
    from anamorph.units import parse

    asked = [parse(text, "Hz", where="--frequency") for text in frequency or []]
    found = compared(cards.load(technology), bits or [8], asked, snr, synapses, fifo)
    sys.stdout.write(table(found))
    if page is not None:
        write_comparison(page, found)
    if to_json is not None:
        to_json.write_text(json.dumps(numbers(found), indent=1) + "\n")
