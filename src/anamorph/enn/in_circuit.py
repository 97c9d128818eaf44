"""Training once more through what the circuits do in the network, and not through what each does alone.

    x' = what an input's leg passes on,   y = g(h_k(x)),   h_k: rates of layer k's neurons behind their legs

A first training gives legs, legs load the neurons, loaded neurons have other rates: `anamorph.spikes.in_circuit`
measures them, and the network is trained again through those, one curve for each layer. Its new legs are a little
different, and that is left at this.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

from anamorph.characterise.spiking import SynapseCurve
from anamorph.data.task import Task
from anamorph.enn.circuit import KNOTS, RunCircuit, with_weights
from anamorph.enn.flow import mirror_rules, mnist
from anamorph.errors import BadInput
from anamorph.network.spiking import Lookup, Weights
from anamorph.network.spiking_train import SpikingTraining, train_spiking
from anamorph.provenance import named_key
from anamorph.run_folder import RunFolder
from anamorph.spikes.in_circuit import EXCITATIONS, input_worth, layer_curve

#: Its file in the run folder, and what a larger one is not, bytes.
FILE, LARGEST = "in_circuit.npz", 16 * 1024**2


def measured_lookups(run: RunCircuit) -> tuple[tuple[Lookup, ...], tuple[Lookup, ...]]:
    """Activation and rate, Hz, of every layer with its neurons in their circuits."""
    rules, synapse = mirror_rules(run.experiment), run.curves.synapse
    peak, x = run.curves.activation.peak, np.linspace(0.0, 1.0, KNOTS)
    found: list[tuple[Lookup, Lookup]] = []
    for layer in range(len(run.structure.wirings)):
        curve = layer_curve(
            run.circuit, run.technology, run.weights, layer, (rules.w_reference, rules.l_reference), peak
        )
        inside = EXCITATIONS <= 1.0
        rates = PchipInterpolator(np.r_[0.0, EXCITATIONS[inside]], np.r_[0.0, curve.mean()[inside]])(x)
        found.append((Lookup(_current(synapse, rates) / peak), Lookup(rates)))
    return tuple(y for y, _ in found), tuple(f for _, f in found)


def retrained(run: RunCircuit, task: Task) -> RunCircuit:
    """The run's network with weights trained through its circuits.

    Args:
        run: the network as trained through its neuron alone.
        task: whose training images are used.
    """
    experiment = run.experiment
    seen, rates = measured_lookups(run)
    settings = SpikingTraining(
        epochs=experiment.epochs, learning_rate=experiment.learning_rate, batch_size=experiment.batch_size,
        weight_noise=experiment.weight_spread, starts=experiment.starts, focus=experiment.focus,
        x_min=experiment.x_min, over_range=experiment.over_range,
    )  # fmt: skip
    shown = replace(task, x_train=input_worth(run.circuit, run.technology, task.x_train))
    trained = train_spiking(run.structure, seen, shown, settings, named_key(experiment.seed, "in_circuit"))
    return with_weights(run, trained.weights, seen, rates)


def trained_in_circuit(path: Path, run: RunCircuit) -> RunCircuit:
    """The run's network trained through its circuits: what the run folder holds, or made and kept there.

    Raises:
        BadInput: a file that is not what `keep` writes.
    """
    if (path / FILE).is_file():
        return read(path / FILE, run)
    found = retrained(run, mnist(run.experiment.train, 1))
    with RunFolder(path) as folder:
        folder.write(FILE, lambda partial: keep(partial, found))
    return found


def keep(path: Path, run: RunCircuit) -> None:
    """Write weights and curves as npz, which holds arrays and nothing that could run."""
    arrays = {f"synapses_{i}": np.asarray(w) for i, w in enumerate(run.weights.synapses)}
    arrays |= {f"biases_{i}": np.asarray(b) for i, b in enumerate(run.weights.biases)}
    arrays |= {f"activation_{i}": np.asarray(f.values) for i, f in enumerate(run.activations)}
    arrays |= {f"rate_{i}": np.asarray(f.values) for i, f in enumerate(run.rates)}
    with path.open("wb") as stream:
        np.savez(stream, **arrays)  # pyright: ignore[reportArgumentType]


def read(path: Path, run: RunCircuit) -> RunCircuit:
    """The run's network with what `keep` wrote.

    Raises:
        BadInput: not such a file.
    """
    layers = range(len(run.structure.wirings))
    try:
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise BadInput("too large", where=str(path))
        with np.load(path, allow_pickle=False) as file:
            weights = Weights(*(tuple(file[f"{name}_{i}"] for i in layers) for name in ("synapses", "biases")))
            seen, rates = (tuple(Lookup(file[f"{name}_{i}"]) for i in layers) for name in ("activation", "rate"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"not a network trained in its circuit ({str(error)[:80]})", where=str(path)) from None
    for found in (*weights.synapses, *weights.biases, *(f.values for f in (*seen, *rates))):
        if found.dtype.kind != "f" or not np.isfinite(found).all():
            raise BadInput("weights or curves that are no numbers", where=str(path))
    return with_weights(run, weights, seen, rates)


def _current(synapse: SynapseCurve, rates: np.ndarray) -> np.ndarray:
    known = synapse.converged[0]
    f, i = synapse.f_spike[known], synapse.i_out[0, known]
    return np.asarray(PchipInterpolator(f, i)(np.clip(rates, f[0], f[-1])))
