"""A dense network of 149,000 spiking synapses event by event, beside a clock-driven loop of the same equations.

The loop is what a simulator with time steps does: at each step all currents decay, all phases advance, and the charges
of those that spiked are added, all images at once as matrices. Its spikes are only as good as its step; how far its
outputs' spikes are from those of the events is part of the result.
"""

from __future__ import annotations

import time

import jax
import numpy as np

from anamorph.characterise.activation import combine
from anamorph.characterise.spiking import FrequencyCurve, states
from anamorph.characterise.spiking_cell import SpikingCell, spiking_cell
from anamorph.enn.curves import synapse_curve
from anamorph.network.spike_events import run_events
from anamorph.network.spiking import Structure, Weights
from anamorph.network.wiring import Dense

LAYERS, IMAGES, DURATION = (196, 500, 100, 10), 4, 2e-4
#: Of the clock-driven loop, s: 200 steps per period of a busy neuron.
STEP = 20e-9


def measure() -> dict[str, float]:
    """CPU seconds per synaptic event, ours and the loop's; how far the loop's outputs are off, periods (RMS)."""
    cell = _cell()
    structure = Structure(tuple(Dense(n, m, True) for n, m in zip(LAYERS, LAYERS[1:], strict=False)), (False,) * 3)
    rng = np.random.default_rng(0)
    weights = Weights(
        tuple(rng.uniform(0, 1.2 / n, (n, m)) for n, m in structure.shapes), tuple(np.zeros(n) for n in LAYERS[1:])
    )
    images = rng.uniform(0, 1, (IMAGES, LAYERS[0]))
    run_events(structure, weights, cell, images[:1], DURATION / 10)
    began = time.process_time()
    record = run_events(structure, weights, cell, images, DURATION)
    ours = time.process_time() - began
    counts = record.counts()
    events = counts[:, : LAYERS[1]].sum() * LAYERS[2] + counts[:, LAYERS[1] : -LAYERS[3]].sum() * LAYERS[3]
    began = time.process_time()
    outputs = _clocked(cell, weights, images)
    loop = time.process_time() - began
    off = []
    for image in range(IMAGES):
        for output in range(LAYERS[3]):
            exact = record.of(image, record.n_neurons - LAYERS[3] + output)
            stepped = np.array(outputs[image][output])
            together = min(len(exact), len(stepped))
            off.append((exact[:together] - stepped[:together]) / np.median(np.diff(exact)))
    rms = float(np.sqrt(np.mean(np.concatenate(off) ** 2)))
    return {"ours": ours / events, "loop": loop / events, "events": float(events), "off": rms}


def _cell() -> SpikingCell:
    """A neuron with a power law and the published synapse: no characterisation that would take longer than the rest."""
    i = np.geomspace(1e-12, 1e-9, 200)
    f = np.where(i > 5e-12, 243e3 * (i / 1e-9) ** 0.5, 0.0)[None]
    power = 16e-12 + 1e-15 * f
    curve = FrequencyCurve(i, f, states(f > 0), power, power, np.ones(f.shape, bool), 0.2, 300.15, "power law")
    synapse = synapse_curve("compact_published")
    return spiking_cell(curve, synapse, combine(curve, synapse))


def _clocked(cell: SpikingCell, weights: Weights, images: np.ndarray) -> list[list[list[float]]]:
    """Spikes of the outputs of every image, by time steps."""
    synapses = [np.asarray(w) for w in weights.synapses]
    sizes, count = LAYERS[1:], len(images)
    phase = [np.full((count, n), cell.rest_phase) for n in sizes]
    trace = [np.zeros((count, n)) for n in sizes[:-1]]
    current = [images @ synapses[0], *(np.zeros((count, n)) for n in sizes[1:])]
    knots, rates = np.linspace(0, cell.x_max, len(cell.rate)), np.linspace(0, cell.f_max, len(cell.charge))
    first, decay = np.interp(current[0], knots, cell.rate), np.exp(-STEP / cell.tau)
    spikes = [[[] for _ in range(sizes[-1])] for _ in images]
    for now in np.arange(0, DURATION, STEP):
        for layer in range(len(sizes)):
            if layer:
                current[layer] *= decay
            rate = first if layer == 0 else np.interp(current[layer], knots, cell.rate)
            whole = np.floor(phase[layer])
            phase[layer] += rate * STEP
            fired = np.floor(phase[layer]) > whole
            if layer == len(sizes) - 1:
                for image, output in np.argwhere(fired):
                    late = (phase[layer][image, output] % 1) / rate[image, output]
                    spikes[image][output].append(now + STEP - late)
                continue
            trace[layer] *= decay
            if fired.any():
                charge = np.zeros_like(rate)
                with np.errstate(divide="ignore"):
                    charge[fired] = np.interp(1 / (cell.tau * np.log1p(1 / trace[layer][fired])), rates, cell.charge)
                trace[layer][fired] += 1
                current[layer + 1] += charge @ synapses[layer + 1] / cell.tau
    return spikes


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    print(measure())  # noqa: T201
