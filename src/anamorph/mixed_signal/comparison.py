"""`anamorph neuron compare`: a multiply-accumulate in the mixed-signal neuron beside one in logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.cost.neuron_comparison import Comparison, compare
from anamorph.errors import BadInput
from anamorph.mixed_signal.energy import FREQUENCIES, comparison_table, energy_figure, power_figure
from anamorph.mixed_signal.noise import full_scale
from anamorph.report.page import Page, Section, write_report
from anamorph.technology import Technology
from anamorph.units import show

#: What is told at each frequency, with its unit.
COLUMNS = (
    ("analog_energy", "J"), ("digital_energy", "J"), ("analog_power", "W"), ("digital_dynamic", "W"),
    ("digital_leakage", "W"), ("ratio", ""), ("analog_noise", "V^2"), ("break_even_noise", "V^2"),
)  # fmt: skip


def compared(
    technology: Technology, bits: Sequence[int], frequencies: Sequence[float], snr: float | None, synapses: int = 1,
    fifo: int = 0,
) -> dict[int, Comparison]:  # fmt: skip
    """Comparisons by number of bits.

    Args:
        technology: a card with logic.
        bits: of weights.
        frequencies: multiply-accumulates per second, Hz; a grid from 1 kHz to 1 GHz where there are none.
        snr: power of a sine at the cell's full scale over the noise's that is asked for, dB; None for the cell's own.
        synapses: that share an analog load.
        fifo: words of FIFOs around power-gated logic.

    Raises:
        BadInput: frequencies that are not positive, a ratio that is not a number.
        DoesNotFit: a noise budget that flicker noise alone exceeds.
    """
    noise_max = None
    if snr is not None:
        if not np.isfinite(snr):
            raise BadInput("not a ratio", where="--snr", expected="dB", got=f"{snr}")
        amplitude = full_scale(technology.value("nfet", "slope_factor"))
        noise_max = amplitude**2 / 2 / 10 ** (snr / 10)
    grid = sorted(set(frequencies)) or FREQUENCIES
    return {
        n: compare(technology, n, grid, n_synapses=synapses, noise_max=noise_max, fifo_depth=fifo)
        for n in dict.fromkeys(bits)
    }


def table(found: dict[int, Comparison]) -> str:
    """Rows for a terminal."""
    head = ("frequency", *(name.replace("_", " ") for name, _ in COLUMNS))
    lines = []
    for bits, one in found.items():
        area = f"{show(one.analog_area, 'm^2')} analog, {show(one.digital_area, 'm^2')} digital"
        lines.append(f"{bits} bits: {one.analog_transistors} and {one.digital_transistors} transistors; {area}")
        rows = [head] + [
            (show(f, "Hz"), *(_cell(getattr(one, name)[i], unit) for name, unit in COLUMNS))
            for i, f in enumerate(one.frequency)
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
        lines += ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        crossed = ", ".join(show(f, "Hz") for f in one.crossings) or "nowhere among these"
        lines += [f"same energy at: {crossed}", ""]
    return "\n".join(lines)


def _cell(value: float, unit: str) -> str:
    return "–" if not np.isfinite(value) else show(float(value), unit)


def numbers(found: dict[int, Comparison]) -> dict[str, Any]:
    """The same for other programs, in SI; what a neuron does not reach is null."""
    arrays = ("frequency", "bias", *(name for name, _ in COLUMNS))
    single = ("analog_area", "digital_area", "analog_transistors", "digital_transistors")
    return {
        f"{bits} bits": {name: [v if np.isfinite(v) else None for v in getattr(one, name).tolist()] for name in arrays}
        | {name: getattr(one, name) for name in single}
        | {"crossings": list(one.crossings)}
        for bits, one in found.items()
    }


def write_comparison(path: Path, found: dict[int, Comparison]) -> None:
    """Plots and the table as one page."""
    section = Section(
        "Analog beside digital",
        "The analog neuron's bias is the one whose bandwidth is the frequency; the digital one is clocked once per "
        "multiplication. Memory and converters are in neither.",
        figures=(power_figure(found), energy_figure(found)),
        table=comparison_table(found),
    )
    write_report(path, Page("A multiply-accumulate, analog beside digital", sections=(section,)))
