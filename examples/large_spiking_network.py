"""149,600 spiking synapses, 196-500-100-10, trained as rates and run as spikes: too large for a circuit solver.

    python examples/large_spiking_network.py            # minutes on two cores, most of them training
    python examples/large_spiking_network.py --quick    # a third of the images, and a far worse network

MNIST as averages of two by two pixels. Positive weights, the neuron `simplified_ml`, the published synapse with an
assumed time constant (see docs/spiking.md).
"""

from __future__ import annotations

import argparse

import jax
import numpy as np

from anamorph.characterise.activation import combine
from anamorph.characterise.neuron import characterise_neuron
from anamorph.characterise.spiking_cell import spiking_cell
from anamorph.data.mnist import CLASSES, SOURCE, averaged, read
from anamorph.data.registry import fetch
from anamorph.data.task import Task
from anamorph.enn.curves import CURRENTS, circuit, synapse_curve
from anamorph.network.spike_events import run_events
from anamorph.network.spike_record import READOUTS
from anamorph.network.spiking import Lookup, Structure
from anamorph.network.spiking_train import SpikingTraining, train_spiking
from anamorph.network.wiring import Dense
from anamorph.technology import load


def main() -> None:
    """Train, run as spikes, and say what the outputs answer after how long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer images, epochs and currents")
    parser.add_argument("--images", type=int, default=100, help="test images to show as spikes")
    given = parser.parse_args()
    neuron = characterise_neuron(circuit("simplified_ml"), load("cmos55"), CURRENTS[:: 4 if given.quick else 1]).curve
    synapse = synapse_curve("compact_published")
    activation = combine(neuron, synapse)
    task = digits(20_000 if given.quick else 60_000)
    positive = True
    structure = Structure(
        (Dense(196, 500, positive), Dense(500, 100, positive), Dense(100, 10, positive)), (True, True, False)
    )
    settings = SpikingTraining(epochs=4 if given.quick else 6, learning_rate=0.05)
    table = Lookup(activation.table()[0])
    trained = train_spiking(structure, (table,) * 3, task, settings, jax.random.key(0))
    print(f"{structure.n_synapses} synapses, {100 * trained.train_accuracy[-1]:.1f}% of the training images as rates")
    x, labels = task.x_test[: given.images], task.y_test[: given.images]
    record = run_events(
        structure, trained.weights, spiking_cell(neuron, synapse, activation), x, 1e-3, jax.random.key(1)
    )
    print(f"{len(record.times)} spikes, {1e15 * record.energy['neurons'][:, -1].sum() / len(record.times):.2f} fJ each")
    for readout in READOUTS:
        found = record.decide(readout)
        energy = np.nanmedian(record.energy_at(found.stable))
        print(
            f"by {readout}: {100 * np.mean(found.answer == labels):.1f}% right after 1 ms; half of the answers stay "
            f"from {1e6 * np.nanmedian(found.stable):.0f} us on, at {1e12 * energy:.2f} pJ"
        )


def digits(train: int) -> Task:
    """MNIST, averages of two by two pixels from 0 to 1."""
    fetch("mnist14")
    found = read()
    shrunk = lambda images: averaged(images.reshape(len(images), -1) / 255.0)  # noqa: E731
    return Task(
        "mnist", shrunk(found.x_train[:train]), found.y_train[:train].astype(np.int64), shrunk(found.x_test),
        found.y_test.astype(np.int64), CLASSES, SOURCE,
    )  # fmt: skip


if __name__ == "__main__":
    main()
