"""The page of a mixed-signal run: errors of networks against noise, and what training through it buys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.mixed_signal.energy import LOW, Energy, energy_sections
from anamorph.mixed_signal.experiment import MixedSignalExperiment
from anamorph.mixed_signal.study import ALLOWED, QUOTED, WITH_MISMATCH, Case, Study, allowed_power
from anamorph.report.figures.mac_noise import ErrorCurve, error_against_noise
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.report.quantity import percent, quantity

TITLES = {
    "mnist_fcn": "MNIST, fully connected",
    "mnist_cnn": "MNIST, convolutional",
    "cifar_cnn": "CIFAR-10, convolutional",
}


def write_page(
    path: Path, experiment: MixedSignalExperiment, energy: Energy, found: Study, result: dict[str, Any]
) -> None:
    """Write ``report.html``."""
    page = Page(
        experiment.title or experiment.name,
        summary=_summary(energy, found),
        metrics=result["metrics"],
        sections=(*energy_sections(energy), *_networks(found), _bought(found)),
        warnings=tuple(result["warnings"]),
        provenance=result["provenance"],
    )
    write_report(path, page)


def _summary(energy: Energy, found: Study) -> str:
    bits, one = next(iter(energy.comparisons.items()))
    return (
        f"At {bits} bits a multiplication takes {quantity(float(np.nanmin(one.analog_energy)), 'J')} in the "
        f"mixed-signal neuron, {energy.at(bits, LOW):.3g} times less than in the digital one at {quantity(LOW, 'Hz')}. "
        f"With 100 pA through a branch its noise is {energy.noise_at_branch:.2g} V². A noise of 1e-6 V² is a random "
        f"part of {percent(_at_quoted(found), 2)} of the largest weight, as the cell's full scale is "
        f"{quantity(found.full_scale, 'V')}."
    )  # fmt: skip


def _at_quoted(found: Study) -> float:
    return float(QUOTED**0.5 / found.full_scale)


def _networks(found: Study) -> Iterator[Section]:
    for name in dict.fromkeys(case.network for case in found.cases):
        cases = [case for case in found.cases if case.network == name]
        yield Section(
            TITLES.get(name, name),
            f"{found.macs[name]:,} multiplications per image. Bars are the best and the worst of the draws; the dotted "
            "line is the power that the papers quote for 100 pA through a branch.",
            figures=(_plain(found, cases), *_readings(found, cases)),
        )  # fmt: skip


def _plain(found: Study, cases: list[Case]) -> Figure:
    curves = [ErrorCurve(f"{c.n_bits} bits", c.plain.fresh.error, i) for i, c in enumerate(cases)]
    curves += [
        ErrorCurve(f"{c.n_bits} bits, trained through noise", c.aware.fresh.error, i, dashed=True)
        for i, c in enumerate(cases)
        if c.aware is not None
    ]
    return error_against_noise(
        found.powers, curves, QUOTED, "Noise as a random part of the weights, new for every multiplication."
    )


def _readings(found: Study, cases: list[Case]) -> Iterator[Figure]:
    case = min(cases, key=lambda c: c.n_bits)
    best = case.plain
    curves = [
        ErrorCurve("part of the weights", best.fresh.error, 0),
        ErrorCurve("of every branch", best.branches.error, 1),
        ErrorCurve("frozen, dies", best.frozen.error, 2),
    ]
    yield error_against_noise(
        found.powers, curves, QUOTED,
        f"Three readings of the same power, {case.n_bits} bits, trained without noise: proportional to the input; the "
        "same whatever the input; and drawn once for good (cut at three standard deviations). Dies whose transistors "
        f"deviate by the area law, with noise of {WITH_MISMATCH:g} V²: {percent(best.dies.mean[0])} errors, worst "
        f"{percent(best.dies.worst[0])}.",
    )  # fmt: skip


def _bought(found: Study) -> Section:
    rows = []
    for case in found.cases:
        base = case.plain.clean
        plain = allowed_power(case.plain.branches, found.powers, base)
        aware = None if case.aware is None else allowed_power(case.aware.branches, found.powers, base)
        through = ("–", "–")
        if case.aware is not None:
            through = (percent(_penalty(found, case.aware, base)), _power(aware, found))
        rows.append(
            (
                TITLES.get(case.network, case.network), str(case.n_bits), percent(base),
                percent(_penalty(found, case.plain, base)), through[0], _power(plain, found), through[1],
                _factor(plain, aware),
            )
        )  # fmt: skip
    return Section(
        "What training through noise buys",
        "At one bandwidth the energy of a multiplication is inversely proportional to the noise power that it allows: "
        "both hang on the load capacitance alone (docs/mixed-signal.md). The last column therefore is also the factor "
        "in energy.",
        table=Table(
            ("network", "bits", "error without noise", "more at 1e-6 V²", "trained through noise",
             "noise for 1 % more", "trained through noise", "times the noise"),
            tuple(rows),
            f"Noise of every branch. Noise for {percent(ALLOWED)} more: at which the mean error is that much above the "
            "plain network's without noise.",
        ),
    )  # fmt: skip


def _penalty(found: Study, judged: Any, base: float) -> float:
    """Mean error at the quoted power above `base`, the plain network's without noise."""
    nearest = int(abs(found.powers - QUOTED).argmin())
    return float(judged.branches.mean[nearest] - base)


def _power(power: float | None, found: Study) -> str:
    return f"above {quantity(found.powers.max(), 'V^2')}" if power is None else f"{power:.2g} V²"


def _factor(plain: float | None, aware: float | None) -> str:
    return "–" if plain is None or aware is None else f"{aware / plain:.2g}"
