"""Energies of the mixed-signal neuron beside the digital one, and its noise against bias: figures and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from anamorph.cell.differential_pair import standard
from anamorph.characterise.differential_pair import PairCharacteristics, characterise_pair
from anamorph.cost.neuron_comparison import Comparison, compare
from anamorph.report.figures.style import ORANGE, VERMILION, axis, colour, log_axis, new_plot
from anamorph.report.page import Figure, Section, Table
from anamorph.report.quantity import quantity
from anamorph.technology import Technology

#: Multiply-accumulates per second that are compared, Hz.
FREQUENCIES = tuple(float(f) for f in np.geomspace(1e3, 1e9, 25))
#: Tail currents of the noise sweep, A: 10 pA to 1 uA through a branch.
BIASES = tuple(float(i) for i in 2 * np.geomspace(1e-11, 1e-6, 11))
#: Where the comparison is quoted: the paper's limit of low frequencies, Hz; and a branch's current, A.
LOW, BRANCH = 1e6, 100e-12


@dataclass(frozen=True)
class Energy:
    """Comparisons by number of bits, and the neuron's characteristics over bias."""

    comparisons: dict[int, Comparison]
    over_bias: PairCharacteristics

    def at(self, n_bits: int, frequency: float) -> float:
        """How many times less the analog neuron takes, at the compared frequency nearest to this (Hz)."""
        found = self.comparisons[n_bits]
        return float(found.ratio[int(np.abs(np.log(found.frequency / frequency)).argmin())])

    @property
    def noise_at_branch(self) -> float:
        """Noise power with `BRANCH` through a branch, V^2."""
        found = self.over_bias
        return float(np.interp(np.log(2 * BRANCH), np.log(found.bias), found.noise[:, 0]))


def energies(technology: Technology, n_bits: Sequence[int]) -> Energy:
    """Compare both neurons for each number of bits."""
    compared = {bits: compare(technology, bits, FREQUENCIES) for bits in n_bits}
    design = standard(min(n_bits))
    return Energy(compared, characterise_pair(design, technology, BIASES, np.array([design.full_code])))


def energy_metrics(energy: Energy) -> dict[str, Any]:
    """Name -> value, unit, low, high, basis, n."""
    found = {}
    for bits, one in energy.comparisons.items():
        finite = np.isfinite(one.ratio)
        found |= {
            f"{bits} bits: energy per multiply-accumulate, analog": _entry(_lowest(one.analog_energy), "J"),
            f"{bits} bits: digital over analog energy at {LOW:g} Hz": _entry(energy.at(bits, LOW), ""),
            f"{bits} bits: smallest ratio over all frequencies": _entry(float(one.ratio[finite].min()), ""),
            f"{bits} bits: transistors of the digital multiplier": _entry(one.digital_transistors, "", "counted"),
            f"{bits} bits: transistors of the analog neuron": _entry(one.analog_transistors, "", "counted"),
        }
    return found | {"noise at 100 pA per branch": _entry(energy.noise_at_branch, "V^2")}


def _lowest(values: np.ndarray) -> float:
    return float(np.nanmin(values))


def _entry(value: float | int, unit: str, basis: str = "simulated") -> dict[str, Any]:
    return {"value": float(value), "unit": unit, "low": None, "high": None, "basis": basis, "n": 1}


def energy_sections(energy: Energy) -> tuple[Section, ...]:
    """Power and energy against frequency, the table of crossings, noise against bias."""
    return (
        Section(
            "Analog beside digital",
            "One multiplication per cycle. The analog neuron's bias is the one whose bandwidth is the frequency; the "
            "digital multiplier is a generated Wallace tree with random operands, always powered. Memory, converters "
            "and FIFOs are in neither.",
            figures=(power_figure(energy.comparisons), energy_figure(energy.comparisons)),
            table=comparison_table(energy.comparisons),
        ),
        Section("Noise against bias", figures=(_noise(energy.over_bias), _bandwidth(energy.over_bias))),
    )  # fmt: skip


def power_figure(compared: dict[int, Comparison]) -> Figure:
    """Power against frequency."""
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(log_axis("multiply-accumulates per second (Hz)"))
    plot.update_yaxes(log_axis("power of one multiplier (W)"))
    for index, (bits, one) in enumerate(compared.items()):
        for name, values, dash in (("analog", one.analog_power, "solid"), ("digital", one.digital_power, "dash"),
                                   ("digital, leakage", one.digital_leakage, "dot")):  # fmt: skip
            line = {"color": colour(index), "dash": dash}
            plot.add_scatter(x=one.frequency, y=values, mode="lines", line=line, name=f"{bits} bits, {name}")
    return Figure(plot, "Power against the rate of multiplications; the dotted part of the digital power is leakage.")


def energy_figure(compared: dict[int, Comparison]) -> Figure:
    """Energy against frequency."""
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(log_axis("multiply-accumulates per second (Hz)"))
    plot.update_yaxes(log_axis("energy per multiply-accumulate (J)"))
    for index, (bits, one) in enumerate(compared.items()):
        for name, values, dash in (("analog", one.analog_energy, "solid"), ("digital", one.digital_energy, "dash")):
            line = {"color": colour(index), "dash": dash}
            plot.add_scatter(x=one.frequency, y=values, mode="lines", line=line, name=f"{bits} bits, {name}")
    return Figure(plot, "Energy per multiplication. Where a line ends, the neuron gets no faster.")


def comparison_table(compared: dict[int, Comparison]) -> Table:
    """A row per number of bits."""
    rows = []
    for bits, one in compared.items():
        finite = np.isfinite(one.ratio)
        low = float(one.ratio[int(np.abs(np.log(one.frequency / LOW)).argmin())])
        rows.append(
            (
                str(bits), quantity(_lowest(one.analog_energy), "J"), quantity(_lowest(one.digital_energy), "J"),
                f"{low:.3g}", f"{one.ratio[finite].min():.3g}",
                ", ".join(quantity(f, "Hz") for f in one.crossings) or "none",
                f"{one.analog_transistors:,}", f"{one.digital_transistors:,}",
                quantity(one.analog_area, "m^2"), quantity(one.digital_area, "m^2"),
            )
        )  # fmt: skip
    return Table(
        ("bits", "analog, least", "digital, least", f"ratio at {quantity(LOW, 'Hz')}", "smallest ratio", "crossings",
         "transistors, analog", "digital", "area, analog", "digital"),
        tuple(rows),
        "Ratio: digital over analog energy per multiplication. Areas are estimates (assumed spacing and density).",
    )  # fmt: skip


def _noise(found: PairCharacteristics) -> Figure:
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(log_axis("tail current of a synapse (A)"))
    plot.update_yaxes(axis("integrated noise power at the output (V²)", type="log"))  # less than a decade
    named = (("thermal and flicker", found.noise, "solid", ORANGE), ("thermal", found.noise_thermal, "dot", ORANGE),
             ("rectangular approximation", found.noise_rectangular, "dash", VERMILION))  # fmt: skip
    for name, values, dash, ink in named:
        plot.add_trace(
            go.Scatter(x=found.bias, y=values[:, 0], mode="lines", line={"color": ink, "dash": dash}, name=name)
        )
    return Figure(
        plot,
        f"Over all frequencies above {quantity(found.f_low, 'Hz')}: the bandwidth grows with the bias as fast as the "
        "density falls, so that the load capacitance alone is left. At one bandwidth the power falls with the bias.",
    )  # fmt: skip


def _bandwidth(found: PairCharacteristics) -> Figure:
    plot = new_plot(x_title="", y_title="")
    plot.update_xaxes(log_axis("tail current of a synapse (A)"))
    plot.update_yaxes(log_axis("bandwidth (Hz)"))
    plot.add_scatter(x=found.bias, y=found.bandwidth[:, 0], mode="lines", line={"color": colour(0)}, name="")
    return Figure(plot, "Bandwidth of the output against the bias.")
