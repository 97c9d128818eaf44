"""Transient characterisation of the three eNeurons under mismatch, beside one ngspice transient of each at a time."""

from __future__ import annotations

import time

import jax
import numpy as np

from anamorph.cell.biomimetic_ml import biomimetic_ml
from anamorph.cell.lif import lif
from anamorph.cell.simplified_ml import simplified_ml
from anamorph.characterise.neuron import DRIVE, SUPPLY, Neuron, characterise_neuron, mismatch
from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.technology import Technology, load

#: Excitation currents, A, and mismatch samples: 3 neurons x 100 x 24 transients.
CURRENTS, SAMPLES = np.geomspace(1e-12, 1e-9, 100), 24
#: ngspice: a current in the middle of the range, A, and time for four spikes of each neuron, s.
PEER_CURRENT, PEER_TIMES = 2e-10, {"lif": 56e-6, "simplified_ml": 27e-6, "biomimetic_ml": 25e-6}


def measure() -> dict[str, float]:
    """Seconds per transient, ours and ngspice's (NaN without it), and how many of ours did not converge."""
    card = load("cmos55")
    ours, theirs, unconverged = [], [], 0
    for cell in (lif(), simplified_ml(), biomimetic_ml()):
        neuron = Neuron(cell)
        for seed in range(2):  # the first call compiles
            shifts = mismatch(neuron, card, jax.random.key(seed), SAMPLES)
            began = time.perf_counter()
            found = characterise_neuron(neuron, card, CURRENTS, shifts)
            seconds = time.perf_counter() - began
        ours.append(seconds / (SAMPLES * (len(CURRENTS) + 1)))
        unconverged += int((~found.curve.converged).sum())
        theirs.append(_ngspice(neuron, card, shifts[0]))
    return {"ours": float(np.mean(ours)), "ngspice": float(np.mean(theirs)), "unconverged": float(unconverged)}


def _ngspice(neuron: Neuron, card: Technology, shifts: np.ndarray) -> float:
    if ngspice.available() is None:
        return float("nan")
    t_stop = PEER_TIMES[neuron.cell.name]
    waveforms = {DRIVE: ([0.0, 1e-9, 2e-9], [0.0, 0.0, PEER_CURRENT]), SUPPLY: card.v_dd}
    bench = neuron.bench()
    # ngspice may find no operating point by itself: it is given ours
    rest = operating_point(compile_cell(bench, card), {DRIVE: 0.0, SUPPLY: card.v_dd}, shifts).require_converged()
    began = time.perf_counter()
    ngspice.transient(bench, card, waveforms, t_stop, shifts, start=np.asarray(rest.voltages))
    return time.perf_counter() - began
