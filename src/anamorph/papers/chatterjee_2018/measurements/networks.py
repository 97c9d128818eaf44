"""Training the networks, and judging them under noise and mismatch."""

from __future__ import annotations

import numpy as np

from anamorph import technology
from anamorph.kept_stages import Stages
from anamorph.mixed_signal.experiment import load
from anamorph.mixed_signal.noise import full_scale
from anamorph.mixed_signal.study import QUOTED, WITH_MISMATCH, Case, Study, study
from anamorph.papers.measure import Context, Findings, Measured, left_out
from anamorph.run_folder import RunFolder

#: Noise powers of the ledger, V^2: around the two that are quoted.
POWERS = (1e-8, WITH_MISMATCH, QUOTED, 1e-5)
ALIKE = ("mnist_fcn", "mnist_cnn", "cifar_cnn")
NAMES = (
    *(f"alike_{name}" for name in ALIKE),
    "mnist_fcn_3_bits",
    "mnist_cnn_3_bits",
    "mismatch_mnist",
    "mismatch_cifar",
)


def measure(context: Context) -> Findings:
    """The experiment `ms_neuron`, all its networks, whose weights are kept as they are trained."""
    if context.quick:
        return Findings({name: left_out("minutes of training for each network") for name in NAMES})
    powers = "[" + ", ".join(f'"{power:g} V^2"' for power in POWERS) + "]"
    experiment = load("ms_neuron", {"noise_powers": powers, "seed": str(context.seed)})
    card = technology.load(experiment.technology)
    asked = experiment.trained_from()
    with RunFolder(context.folder) as folder:
        stages = Stages(folder)
        found = study(
            experiment, full_scale(card.value("nfet", "slope_factor")),
            lambda name, make: stages.arrays(name, asked, make), context.tell,
        )  # fmt: skip
    return Findings(_claims(found))


def _claims(found: Study) -> dict[str, Measured]:
    cases = {(case.network, case.n_bits): case for case in found.cases}
    said = " ".join(found.warnings)
    claims = {f"alike_{name}": _alike(cases[name, 8], cases[name, 16], found) for name in ALIKE}
    for name in ("mnist_fcn", "mnist_cnn"):
        claims[f"{name}_3_bits"] = _at_quoted(cases[name, 3], found)
    for claim, name in (("mismatch_mnist", "mnist_cnn"), ("mismatch_cifar", "cifar_cnn")):
        claims[claim] = _with_mismatch(cases[name, 8], said if claim == "mismatch_cifar" else "")
    return claims


def _alike(eight: Case, sixteen: Case, found: Study) -> Measured:
    """Largest difference of the mean errors over the powers up to the quoted one, and without noise."""
    up_to = found.powers <= QUOTED * (1 + 1e-9)
    off = np.abs(eight.plain.branches.mean - sixteen.plain.branches.mean)[up_to]
    clean = abs(eight.plain.clean - sixteen.plain.clean)
    errors = f"{100 * eight.plain.clean:.2f} and {100 * sixteen.plain.clean:.2f} %"
    note = f"Without noise {errors}; the largest difference up to 1e-6 V^2."
    return Measured(float(max(off.max(), clean)), n=eight.plain.branches.error.shape[1], note=note)


def _at_quoted(case: Case, found: Study) -> Measured:
    """The worst draw at the quoted power: "worst-case increase"."""
    at = int(np.abs(found.powers - QUOTED).argmin())
    added = case.plain.branches.error[at] - case.plain.clean
    note = f"Of every branch; mean of the draws {100 * added.mean():.2f} %"
    if case.aware is not None:
        aware = case.aware.branches.error[at] - case.plain.clean
        note += f"; trained as long through noise {100 * aware.mean():.2f} %, at most {100 * aware.max():.2f} %"
    return Measured(float(added.max()), float(added.min()), float(added.max()), len(added), note=note + ".")


def _with_mismatch(case: Case, said: str) -> Measured:
    """The worst die."""
    assert case.plain.dies is not None  # the study judges all plain networks on dies
    added = case.plain.dies.error[0] - case.plain.clean
    note = (
        f"Worst of the dies, every transistor by the area law, cut at 3 sigma; mean {100 * added.mean():.2f} %. Sizes "
        "are assumed, and offsets blocked by the coupling capacitors."
    )
    return Measured(
        float(added.max()), float(added.min()), float(added.max()), len(added), note=f"{note} {said}".strip()
    )
