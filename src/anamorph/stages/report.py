"""Report: the page of a run, from what its stages found."""

from __future__ import annotations

from typing import Any

import numpy as np

from anamorph.characterise.characterisation import PROBED, Characterisation
from anamorph.characterise.transfer import Transfer
from anamorph.provenance import provenance
from anamorph.report import figures
from anamorph.report.page import Figure, Page, Section, write_report
from anamorph.run_folder import REPORT, RunFolder
from anamorph.stages.cost import CostRecord
from anamorph.stages.setup import Setup
from anamorph.stages.train import TrainingRecord
from anamorph.stages.verify import Verdicts
from anamorph.units import show

#: More choices of path than any bench makes.
MANY = np.iinfo(int).max
#: Shown large, where the run has them.
HEADLINE = ("accuracy", "accuracy_uncompensated", "yield", "energy_per_inference")


def write_page(
    setup: Setup,
    folder: RunFolder,
    measured: Characterisation,
    transfer: Transfer,
    training: TrainingRecord,
    verdicts: Verdicts,
    cost: CostRecord,
    found: dict[str, Any],
    said: list[str],
) -> None:
    """Write `report.html`."""
    sections = [
        _measurement(measured, transfer),
        _network(setup, training),
        _answers(setup, verdicts, cost),
        _dies(setup, verdicts),
    ]
    page = Page(
        setup.experiment.title or setup.experiment.name,
        summary=_summary(setup, found),
        metrics=found,
        sections=tuple(sections),
        warnings=tuple(said),
        provenance=provenance(setup.experiment, setup.technology),
        headline=tuple(name for name in HEADLINE if name in found),
    )
    folder.write(REPORT, lambda path: write_report(path, page))


def _summary(setup: Setup, found: dict[str, Any]) -> str:
    value = {name: show(entry["value"], entry["unit"]) for name, entry in found.items() if entry["value"] is not None}
    e = setup.experiment
    chip, network = ("-".join(map(str, layers)) for layers in (e.chip.layers, e.network.layers))
    return (
        f"A {network} network, trained through what a bench measured of a {chip} {e.substrate} chip and "
        f"programmed back, gets {value['accuracy']} of {len(setup.task.y_test)} test samples right on that "
        f"chip. Trained without the measurement, a network gets {value['accuracy_uncompensated']} on the "
        f"same chip. Of {e.chip.dies} chips, "
        f"{value['yield']} reach {show(e.verify.accuracy_min, '%')} with the measurement and "
        f"{value['yield_uncompensated']} without it."
    )


def _measurement(measured: Characterisation, transfer: Transfer) -> Section:
    slope = [np.asarray(a.slope)[0] for a in transfer.activations]
    spread = [np.asarray(a.spread)[0] for a in transfer.activations]
    shown = (1 if len(slope) > 2 else 0, 0)
    return Section(
        "Measurement",
        "The prototype (die 0), every neuron with a probe of its own, in several connections of the whole network."
        if measured.probed
        else "The prototype (die 0), measured through source and monitor neurons: only inputs are driven and only "
        "outputs are read.",
        (figures.slopes(slope, spread, marked=shown), one_neuron(measured, *shown)),
    )


def one_neuron(measured: Characterisation, layer: int, neuron: int) -> Figure:
    """Readings of one neuron through its first source and monitor, and the line through them."""
    data = measured.data.isel(die=0)
    received = data[PROBED if measured.probed else "input_current"].values
    answered = np.isfinite(data["output_current"].values) & np.isfinite(received)
    chosen = answered & (data["kind"].values == "slope") & (data["layer"].values == layer)
    chosen &= data["neuron"].values == neuron
    chosen &= data["repeat"].values == data["repeat"].values[chosen].min(initial=MANY)
    x, y = received[chosen], data["output_current"].values[chosen]
    slope = float(np.sum(x * y) / np.sum(x * x))
    return figures.single_neuron(x, y, slope, f"neuron {neuron + 1} of layer {layer + 1}")


def _network(setup: Setup, training: TrainingRecord) -> Section:
    record = training.compensated
    weights = [w[0] for w in record.weights]
    diagram = figures.network_diagram(weights, setup.substrate.shape, (), setup.task.class_names)
    share = show(float(record.train_accuracy[0]), "%")
    return Section(
        "Network",
        f"The weights of the prototype, as its switches hold them. In training they got {share} of the "
        f"{len(setup.task.y_train)} training samples right.",
        (diagram,),
    )


def _answers(setup: Setup, verdicts: Verdicts, cost: CostRecord) -> Section:
    task, shown = setup.task, []
    for name, verdict in (("Trained through the measurement", verdicts.compensated),
                          ("Trained without it", verdicts.uncompensated)):  # fmt: skip
        if task.n_classes == 3:
            figure = figures.barycentric(verdict.outputs[0], task.y_test, task.class_names)
            shown.append(Figure(figure.plot, f"{name}. {figure.caption}", figure.wide))
    waves = cost.waveforms
    if waves is not None:
        shown.append(figures.transient(waves.time, waves.currents, task.class_names, waves.latency))
    return Section(
        "Answers of the prototype",
        f"Output currents of die 0 for {len(task.y_test)} test samples, simulated with every transistor.",
        tuple(shown),
    )


def _dies(setup: Setup, verdicts: Verdicts) -> Section:
    own, common = verdicts.compensated, verdicts.uncompensated
    pair = [v.value() for v in (own, common)]
    bars = figures.yield_bars(
        ("compensated", "uncompensated"), np.array([v.yield_value for v in pair]),
        np.array([v.yield_low for v in pair]), np.array([v.yield_high for v in pair]),
        pair[0].n_dies, own.confidence,
    )  # fmt: skip
    histogram = figures.accuracy_histogram(own.accuracy, common.accuracy, own.accuracy_min)
    return Section(
        "Many chips",
        f"The same over {setup.experiment.chip.dies} dies: each with the network trained through its own "
        "measurement, against one network for all.",
        (histogram, bars),
    )
