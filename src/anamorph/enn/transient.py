"""A run's network as a transient of all its transistors: what its spikes answer, beside the rate model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from anamorph.circuit import ngspice
from anamorph.enn.circuit import RunCircuit, circuit_of_run
from anamorph.enn.flow import mnist
from anamorph.enn.in_circuit import trained_in_circuit
from anamorph.errors import BadInput
from anamorph.kept_stages import Arrays, Stages
from anamorph.network.spike_record import UNDECIDED, SpikeRecord
from anamorph.network.spiking import Weights
from anamorph.provenance import versions
from anamorph.run_folder import RunFolder
from anamorph.spikes.in_circuit import input_worth
from anamorph.spikes.judged import Judged, judge
from anamorph.spikes.netlist import whole_network
from anamorph.spikes.transient import TOLERANCE, NetworkTransient, Show, simulate

#: Images simulated together: some hundred megabytes for a millisecond. Of further groups the spikes are kept.
GROUP = 5
#: How long ngspice goes on, s: three spikes of a neuron at 60 kHz.
WINDOW = 40e-6
#: Part of the time shown after which rates are measured, and the readout whose answer is the network's.
LATE, READOUT = 0.6, "interval"
#: Neurons below this in the rate model are left out where rates are compared: near the threshold a ratio says little.
LIVELY = 30e3


@dataclass(frozen=True)
class Spiked:
    """What a network was shown and what it answered.

    Attributes:
        run: the network.
        labels: of the images.
        transient: of the circuit, the first `GROUP` images.
        record: its spikes.
        model_answers: of the rate model with the weights that the geometries make.
        model_rates: f_spike of each neuron in the rate model, Hz.
        judged: the first image as ngspice goes on with it; None where that was not asked for.
    """

    run: RunCircuit
    labels: Int[np.ndarray, " images"]
    transient: NetworkTransient
    record: SpikeRecord
    model_answers: Int[np.ndarray, " images"]
    model_rates: Float[np.ndarray, "images neurons"]
    judged: Judged | None = None

    @property
    def rates(self) -> Float[np.ndarray, "images neurons"]:
        """f_spike of each neuron late in the transient, from its intervals, Hz; zero below two spikes."""
        record, rates = self.record, np.zeros(self.model_rates.shape)
        for image, neuron in np.ndindex(*rates.shape):
            late = record.of(image, neuron)
            late = late[late >= LATE * record.duration]
            rates[image, neuron] = (len(late) - 1) / (late[-1] - late[0]) if len(late) > 1 else 0.0
        return rates


def spiked(
    path: Path,
    images: int,
    duration: float,
    watch: Callable[[str], None] = lambda part: None,
    *,
    in_circuit: bool = False,
    spice: bool = False,
) -> Spiked:
    """Show the first test images to the circuit of a run.

    Args:
        path: run folder of a spiking network.
        images: how many.
        duration: for how long, from switching on, s.
        watch: told which part of the network begins.
        in_circuit: the weights are those trained through the circuits; kept in the run folder, or trained first.
        spice: ngspice goes on with the first image for `WINDOW` from where its transient ended, as this package does.

    Raises:
        BadInput: no ngspice where it is to judge, what `circuit_of_run` refuses, or a time or number of images that
            makes no sense.
    """
    if not 1 <= images <= 1000:
        raise BadInput("a number of images that makes no sense", where="images", expected="1 to 1000", got=f"{images}")
    if not 1e-6 <= duration <= 1.0:
        raise BadInput("a time that makes no sense", where="duration", expected="1 us to 1 s", got=f"{duration:g} s")
    if spice and ngspice.available() is None:
        raise BadInput("ngspice was not found on the path", where="--spice", advice=ngspice.ADVICE)
    watch("curves")
    run = circuit_of_run(path)
    if in_circuit:
        watch("training")
        run = trained_in_circuit(path, run)
    task = mnist(1, images)
    found = simulate(run.circuit, run.technology, task.x_test[:GROUP], Show(duration), watch=watch)
    records = [found.record(run.structure.layers[1:])]
    with RunFolder(path) as folder:
        for low in range(GROUP, images, GROUP):
            watch("more")
            records.append(_more(run, Stages(folder), task.x_test[low : low + GROUP], duration, low))
    answers, rates = _model(run, task.x_test)
    judged = None
    if spice:
        watch("ngspice")
        judged = judge(run.circuit, run.technology, task.x_test[0], found, 0, WINDOW)
    return Spiked(run, np.asarray(task.y_test), found, SpikeRecord.joined(records), answers, rates, judged)


def _more(run: RunCircuit, stages: Stages, images: np.ndarray, duration: float, low: int) -> SpikeRecord:
    """The record of further images, from the run folder where it is there."""
    layers, legs = run.structure.layers[1:], (*run.circuit.synapses, *run.circuit.biases)
    inputs = {f"leg_{i}_{name}": size for i, leg in enumerate(legs) for name, size in leg._asdict().items()}
    inputs |= {"images": images, "duration": duration, "tolerance": TOLERANCE, "card": run.technology.digest}
    inputs |= {"neuron": run.experiment.neuron}

    def make() -> Arrays:
        record = simulate(run.circuit, run.technology, images, Show(duration)).record(layers)
        energy = {f"energy {name}": found for name, found in record.energy.items()}
        return {"times": record.times, "starts": record.starts, "clock": record.clock} | energy

    found = stages.arrays(f"spikes_{'in_' if run.in_circuit else ''}circuit_{low:04d}", inputs, make)
    energy = {name.removeprefix("energy "): value for name, value in found.items() if name.startswith("energy ")}
    return SpikeRecord(
        layers, duration, found["times"], found["starts"], found["clock"], energy, "transient of the circuit"
    )


def _model(run: RunCircuit, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Answers of the rate model, and every neuron's rate."""
    if run.in_circuit:
        images = input_worth(run.circuit, run.technology, images)
    weights = Weights(*(tuple(jnp.asarray(w) for w in part) for part in run.weights))
    x, y = run.structure.forward(weights, run.activations, jnp.asarray(run.structure.taps(images)))
    rates = np.concatenate([np.asarray(f(part)) for f, part in zip(run.rates, x, strict=True)], axis=1)
    y = np.asarray(y)
    best = y.max(axis=1, keepdims=True)
    return np.where((y == best).sum(axis=1) == 1, y.argmax(axis=1), UNDECIDED), rates


def result_of(found: Spiked) -> dict[str, Any]:
    """What `spikes.json` holds: metrics, and every image's answers."""
    record, cell = found.record, whole_network(found.run.circuit)
    fired = record.decide(READOUT)
    counted = record.decide("count")
    energy = record.energy_at(fired.stable)
    half = len(record.clock) // 2
    late = record.clock[-1] - record.clock[half]
    power = {name: float((e[:, -1] - e[:, half]).mean() / late) for name, e in record.energy.items()}
    agree = fired.answer == found.model_answers
    n = len(found.labels)
    metrics = {
        "agreement": _entry(agree.mean(), "%", n),
        "accuracy_fired": _entry((fired.answer == found.labels).mean(), "%", n),
        "accuracy_counted": _entry((counted.answer == found.labels).mean(), "%", n),
        "accuracy_rate_model": _entry((found.model_answers == found.labels).mean(), "%", n),
        "listening_time": _entry(_median(fired.stable), "s", n),
        "listening_time_longest": _entry(_largest(fired.stable), "s", n),
        "listening_time_counted": _entry(_median(counted.stable), "s", n),
        "energy_per_inference": _entry(_median(energy), "J", n),
        "power": _entry(sum(power.values()), "W", n),
        "spikes_per_neuron": _entry(record.counts().mean(), "", n),
        "transistors": _entry(sum(1 for _ in cell.fets()), "", 1),
        "legs": _entry(found.run.circuit.legs, "", 1),
        "duration": _entry(record.duration, "s", 1),
    }
    for index, (low, high) in enumerate(_bounds(record.layers)):
        model, rate = found.model_rates[:, low:high], found.rates[:, low:high]
        lively = model > LIVELY
        if lively.any():
            metrics[f"rate_ratio layer {index}"] = _entry(np.median(rate[lively] / model[lively]), "", n)
    metrics |= _judged(found.judged) if found.judged else {}
    return {
        "metrics": {name: entry for name, entry in metrics.items() if entry["value"] is not None},
        "power_by_part_w": power,
        "images": [
            {
                "label": int(found.labels[k]), "rate_model": int(found.model_answers[k]), "fired": int(fired.answer[k]),
                "counted": int(counted.answer[k]), "stable_s": _number(fired.stable[k]),
                "counted_stable_s": _number(counted.stable[k]), "energy_j": _number(energy[k]),
                "spikes": record.counts()[k].tolist(),
            }
            for k in range(n)
        ],
        "provenance": {
            "technology": {"name": found.run.technology.name, "sha256": found.run.technology.digest},
            "seed": found.run.experiment.seed, "versions": versions(),
        },
    }  # fmt: skip


def _judged(found: Judged) -> dict[str, Any]:
    """How far rates are from ngspice's: of all neurons that have one, median and largest magnitude."""
    metrics = {}
    for index in range(len(found.layers)):
        off = np.abs(found.deviations(index))
        if len(off):
            metrics[f"off from ngspice layer {index}"] = _entry(np.median(off), "%", len(off)) | {"high": off.max()}
    differ = np.abs(np.diff(found.counts, axis=0)[0])
    return metrics | {
        "spikes of most neurons as in ngspice": _entry(np.mean(differ <= 1), "%", len(differ)),
        "energy over ngspice's": _entry(found.energy[0] / found.energy[1], "", 1),
    }


def _bounds(layers: tuple[int, ...]) -> list[tuple[int, int]]:
    ends = np.cumsum(layers)
    return [(int(end - n), int(end)) for n, end in zip(layers, ends, strict=True)]


def _entry(value: float | np.floating, unit: str, n: int) -> dict[str, Any]:
    return {"value": _number(value), "unit": unit, "low": None, "high": None, "basis": "simulated", "n": n}


def _number(value: float | np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _largest(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
