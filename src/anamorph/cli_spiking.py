"""The command line of spiking networks: `anamorph run enn`, `anamorph linearity`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer


def run_enn(subject: str, out: Path | None, seed: int | None, changed: Mapping[str, str]) -> None:
    """Run an experiment with a spiking network and print what came out."""
    from anamorph.cli_output import Progress, print_metrics
    from anamorph.enn.experiment import load
    from anamorph.enn.flow import STAGES
    from anamorph.enn.run import run_spiking
    from anamorph.stages.compilation import keep_compiled

    keep_compiled()
    experiment = load(subject, dict(changed) | ({} if seed is None else {"seed": str(seed)}))
    with Progress(STAGES) as progress:
        folder, result = run_spiking(experiment, out, progress)
        progress(None)
    print_metrics(result["metrics"])
    for text in result["warnings"]:
        sys.stdout.write(f"note: {text}\n")
    sys.stdout.write(f"report: {(folder / 'report.html').absolute()}\n")


def linearity_of(subject: str, changed: Mapping[str, str]) -> None:
    """`linearity` of an experiment's neuron and synapse."""
    from anamorph.enn.experiment import is_spiking, load
    from anamorph.errors import BadInput

    if not is_spiking(subject):
        raise BadInput("not an experiment with a spiking network", where=subject[:120], expected="such as enn")
    experiment = load(subject, changed)
    linearity(experiment.neuron, experiment.synapse, None, 3, experiment.technology)


def linearity(
    neuron: Annotated[str, typer.Argument(help="A neuron's name, or a CSV of i_ex in A and f_spike in Hz.")],
    synapse: Annotated[str, typer.Option(help="A synapse's name, or a CSV of f_spike in Hz and current in A.")]
    = "published",
    x_min: Annotated[list[float] | None, typer.Option(help="Lower end of a range; may be repeated.")] = None,
    layers: Annotated[int, typer.Option(min=1, max=20, help="Layers of the cascade.")] = 3,
    technology: Annotated[str, typer.Option(help="Card of a circuit's transistors.")] = "cmos55",
) -> None:  # fmt: skip
    """Say over which currents layers of a neuron collapse into one, and what the other currents cost."""
    from anamorph.characterise.activation import combine
    from anamorph.characterise.linearity import feasibility
    from anamorph.enn.curves import neuron_curve, synapse_curve
    from anamorph.units import show

    curve = neuron_curve(neuron, technology)
    activation = combine(curve, synapse_curve(synapse, neuron, technology))
    found = feasibility(activation, curve, tuple(x_min) if x_min else (0.0, 0.1, 0.2, 0.3, 0.5), layers)
    full = activation.unit
    sys.stdout.write(
        f"{'range':>20} {'r2 of a line':>13} {'mean dev.':>10} {'beyond 1 layer':>15} {'energy/spike':>13}\n"
    )
    for r in found.ranges:
        span = f"{show(r.x_min * full, 'A')} to {show(full, 'A')}"
        energy = show(r.energy_mean, "J") if np.isfinite(r.energy_mean) else "unknown"
        sys.stdout.write(
            f"{span:>20} {r.line.r_squared:13.4f} {show(r.line.mean_deviation, '%'):>10} "
            f"{show(r.nonlinear_share, '%'):>15} {energy:>13}\n"
        )
    if found.linear_from is None:
        sys.stdout.write("linear nowhere: r2 stays below 0.99\n")
        return
    low = show(found.linear_from * full, "A")
    sys.stdout.write(f"linear (r2 of 0.99 or more) from {low} on: a cascade is one layer\n")
    if np.isfinite(found.energy_ratio_mean):
        sys.stdout.write(f"a spike below that costs {found.energy_ratio_mean:.3g} times one above (mean power), "
                         f"{found.energy_ratio_rms:.3g} times by RMS power\n")  # fmt: skip
