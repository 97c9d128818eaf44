"""The page of a mixed-signal run: errors of networks against noise, and what training through it buys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from anamorph.mixed_signal.energy import LOW, Energy, energy_sections
from anamorph.mixed_signal.experiment import MixedSignalExperiment
from anamorph.mixed_signal.front import Line, front_of
from anamorph.mixed_signal.study import ALLOWED, QUOTED, WITH_MISMATCH, Case, Study
from anamorph.report.figures.mac_energy import EnergyCurve, error_against_energy
from anamorph.report.figures.mac_noise import ErrorCurve, error_against_noise
from anamorph.report.page import Figure, Page, Section, Table, write_report
from anamorph.report.quantity import percent, quantity

TITLES = {
    "mnist_fcn": "MNIST, fully connected",
    "mnist_cnn": "MNIST, convolutional",
    "cifar_cnn": "CIFAR-10, convolutional",
}


def write_page(
    path: Path, experiment: MixedSignalExperiment, energy: Energy, found: Study, fronts: tuple[Line, ...],
    result: dict[str, Any],
) -> None:  # fmt: skip
    """Write ``report.html``."""
    page = Page(
        experiment.title or experiment.name,
        summary=_summary(energy, found),
        metrics=result["metrics"],
        sections=(*energy_sections(energy), *_networks(found), _bought(found, fronts)),
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
    curves = [ErrorCurve(f"{c.n_bits} bits", c.plain.branches.error, i) for i, c in enumerate(cases)]
    curves += [
        ErrorCurve(f"{c.n_bits} bits, trained through noise", c.aware.branches.error, i, dashed=True)
        for i, c in enumerate(cases)
        if c.aware is not None
    ]
    return error_against_noise(
        found.powers, curves, QUOTED, "Noise of every branch, whatever its input, new for every multiplication."
    )


def _readings(found: Study, cases: list[Case]) -> Iterator[Figure]:
    case = min(cases, key=lambda c: c.n_bits)
    best = case.plain
    named = (("part of the weights", best.fresh), ("of every branch", best.branches), ("frozen, dies", best.frozen))
    curves = [ErrorCurve(name, e.error, i) for i, (name, e) in enumerate(named) if e is not None]
    mismatched = "" if best.dies is None else (
        f" Dies whose transistors deviate by the area law, with noise of {WITH_MISMATCH:g} V²: "
        f"{percent(best.dies.mean[0])} errors, worst {percent(best.dies.worst[0])}."
    )  # fmt: skip
    yield error_against_noise(
        found.powers, curves, QUOTED,
        f"Three readings of the same power, {case.n_bits} bits, trained without noise: proportional to the input; the "
        f"same whatever the input; and drawn once for good (cut at three standard deviations).{mismatched}",
    )  # fmt: skip


def _bought(found: Study, fronts: tuple[Line, ...]) -> Section:
    rows = []
    for case in found.cases:
        plain, aware = (
            next((line for line in fronts if line.case is case and line.aware is through), None)
            for through in (False, True)
        )
        assert plain is not None
        base = case.plain.clean
        rows.append(
            (
                TITLES.get(case.network, case.network), str(case.n_bits), percent(base),
                percent(_penalty(found, case.plain, base)),
                "–" if case.aware is None else percent(_penalty(found, case.aware, base)),
                _power(plain.allowed, found), "–" if aware is None else _power(aware.allowed, found),
                "–" if aware is None else _factor(plain.allowed, aware.allowed), _joule(plain),
                "–" if aware is None else _joule(aware),
            )
        )  # fmt: skip
    return Section(
        "Energy against error, and what training through noise buys",
        "At one bandwidth thermal noise and the energy of a multiplication hang on the load capacitance alone, the one "
        "as 1/C, the other as C (docs/mixed-signal.md). Filled markers are cells that exist; the last of them has no "
        "load capacitor, only its transistors. Open ones continue the law beyond, to cells that do not exist here.",
        figures=tuple(_energies(fronts, name) for name in dict.fromkeys(c.network for c in found.cases)),
        table=Table(
            ("network", "bits", "error without noise", "more at 1e-6 V²", "trained through noise",
             "noise for 1 % more", "trained through noise", "times the noise", "energy for 1 % more",
             "trained through noise"),
            tuple(rows),
            f"Noise of every branch; energy of all multiplications of an inference. For {percent(ALLOWED)} more: where "
            "the mean error is that much above the plain network's without noise. An energy is that of the cell "
            "without a load capacitor where even its noise costs less. Both trainings took equally many epochs.",
        ),
    )  # fmt: skip


def _energies(fronts: tuple[Line, ...], network: str) -> Figure:
    own = [line for line in fronts if line.case.network == network]
    bits = list(dict.fromkeys(line.case.n_bits for line in own))
    curves = [
        EnergyCurve(line.name, line.energy, line.error, line.exists, bits.index(line.case.n_bits), line.aware)
        for line in own
    ]
    return error_against_energy(curves, front_of(own), f"{TITLES.get(network, network)}: noise of every branch.")


def _joule(line: Line) -> str:
    return "–" if line.at_one_per_cent is None else quantity(line.at_one_per_cent, "J")


def _penalty(found: Study, judged: Any, base: float) -> float:
    """Mean error at the quoted power above `base`, the plain network's without noise."""
    nearest = int(abs(found.powers - QUOTED).argmin())
    return float(judged.branches.mean[nearest] - base)


def _power(power: float | None, found: Study) -> str:
    return f"above {quantity(found.powers.max(), 'V^2')}" if power is None else f"{power:.2g} V²"


def _factor(plain: float | None, aware: float | None) -> str:
    return "–" if plain is None or aware is None else f"{aware / plain:.2g}"
