"""`anamorph spikes RUN --events`: a spiking network's spikes from its characterised curves, without the circuit."""

from __future__ import annotations

import sys
from pathlib import Path


def tell_events(run: Path, images: int, duration: str, tau: str, in_circuit: bool = False) -> None:
    """Show images to a run's network event by event, and say what it answers, after how long and at what energy.

    Args:
        run: folder of a spiking network.
        images: how many of the test images.
        duration: for how long each is shown, with its unit.
        tau: time constant of the synapses, with its unit.
        in_circuit: the network trained through its circuits, its neurons with the rates that they have there.
    """
    from anamorph.enn.events import report_events
    from anamorph.units import parse

    lines, page = report_events(
        run, images, parse(duration, "s", where="--duration"), parse(tau, "s", where="--time-constant"),
        in_circuit=in_circuit,
    )  # fmt: skip
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"page: {page.absolute()}\n")
