"""Curves of neurons and synapses by name, or from a user's file.

neuron = "simplified_ml"                  # a circuit of this package, characterised in transients
neuron = "biomimetic_ml_published"        # post-layout curve of its authors, in ANAMORPH_DATA
neuron = "my-neuron.csv"                  # i_ex in A, f_spike in Hz: any neuron
synapse = "compact"                       # a circuit, characterised behind the neuron; dpi, transconductor, ulp
synapse = "published"                     # the line of the paper, with an assumed beginning
synapse = "my-synapse.csv"                # f_spike in Hz, mean current in A
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from anamorph.characterise.neuron import Neuron, characterise_neuron
from anamorph.characterise.spiking import FrequencyCurve, SynapseCurve
from anamorph.data import store
from anamorph.enn.synapse_circuits import LEGS, curve_behind
from anamorph.errors import BadInput, nearest
from anamorph.technology import load

#: Where the post-layout curve of the biomimetic neuron lies below a data folder (Zenodo 10.5281/zenodo.12839336).
PUBLISHED = "eneuron/bio_ml_frequency_vs_current.csv"
READ = "biomimetic_ml_published"
#: Circuits: modules of `anamorph.cell` with a function of the same name.
CIRCUITS = ("lif", "simplified_ml", "biomimetic_ml")
NEURONS = (*CIRCUITS, READ)
#: Excitation currents of a characterisation, A: dense about the threshold, and to the end of the paper's range.
CURRENTS = np.unique(np.concatenate([np.geomspace(1e-12, 1e-10, 40)[:-1], np.linspace(1e-10, 1e-9, 46)]))
#: Circuits, and the paper's line, which has a second name.
SYNAPSES = (*LEGS, "published", "compact_published")
#: What drives a synapse's circuit where the neuron is a file: the paper's sweep was its biomimetic neuron's range.
DRIVER = "biomimetic_ml"
#: Of the compact synapse above 160 kHz, Soupizet et al. 2023, section IV.B.2, read as pA and kHz: A, A/Hz.
INTERCEPT, SLOPE = 769.2e-12, 1.63e-15
#: How its current rises from zero at low rates is not published: exponentially, with this rate, so that at
#: 160 kHz, where the line begins, 2 % are missing (assumed), Hz.
RISE = 40e3
#: Fastest spikes for which the published line is used; the paper's sweep ends at 450 kHz, and beyond it is continued.
FASTEST = 5e6


def neuron_curve(name: str, technology: str = "cmos55") -> FrequencyCurve:
    """f_spike against i_ex.

    Args:
        name: one of `NEURONS`, or a file.
        technology: card of a circuit's transistors.

    Raises:
        BadInput: no such neuron, or a file that `FrequencyCurve.from_csv` refuses.
    """
    if name.endswith(".csv"):
        return FrequencyCurve.from_csv(Path(name))
    if name in CIRCUITS:
        return characterise_neuron(circuit(name), load(technology), CURRENTS).curve
    if name != READ:
        raise BadInput(f"no neuron named {name[:60]!r}", where="neuron", advice=_advice(name, NEURONS))
    path = store.locate(PUBLISHED)
    if path is None:
        raise BadInput("the published curve is not here", where=PUBLISHED, advice=f"Put it below a folder of "
                       f"{store.VARIABLE}; it is on Zenodo, 10.5281/zenodo.12839336.")  # fmt: skip
    return FrequencyCurve.from_csv(path, v_dd=0.2, source="biomimetic eNeuron, post-layout (zenodo.12839336)")


def circuit(name: str) -> Neuron:
    """One of `CIRCUITS` with its ports."""
    return Neuron(getattr(importlib.import_module(f"anamorph.cell.{name}"), name)())


def synapse_curve(name: str, neuron: str = "simplified_ml", technology: str = "cmos55") -> SynapseCurve:
    """Mean current against f_spike.

    Args:
        name: one of `SYNAPSES`, or a file.
        neuron: what drives a circuit: one of `CIRCUITS`, and `DRIVER` in place of anything else.
        technology: card of a circuit's transistors.

    Raises:
        BadInput: no such synapse, or a file that is no curve.
    """
    if name.endswith(".csv"):
        return _from_csv(Path(name))
    if name in LEGS:
        return curve_behind(name, circuit(neuron if neuron in CIRCUITS else DRIVER), load(technology))
    if name not in SYNAPSES:
        raise BadInput(f"no synapse named {name[:60]!r}", where="synapse", advice=_advice(name, SYNAPSES))
    f = np.linspace(0.0, FASTEST, 5001)
    i = (INTERCEPT + SLOPE * f) * -np.expm1(-f / RISE)
    return _curve(f, i, "compact synapse, published line above 160 kHz, assumed below")


def _from_csv(path: Path) -> SynapseCurve:
    """A table whose first column is f_spike in Hz and whose second the mean current in A, under one line of names."""
    if not path.is_file() or path.stat().st_size > 8 * 1024**2:
        raise BadInput("no curve of a usable size", where=str(path), expected="a file of at most 8 MiB")
    try:
        lines = path.read_text("utf-8").replace(",", " ").replace(";", " ").splitlines()
        rows = [[float(word) for word in line.split()[:2]] for line in lines[1:] if line.strip()]
        table = np.array(rows, float).reshape(-1, 2)
    except (UnicodeDecodeError, ValueError):
        raise BadInput("not a table of numbers", where=str(path), expected="two numbers on each line") from None
    if not np.isfinite(table).all():
        raise BadInput("a value that is not finite", where=str(path))
    return _curve(table[:, 0], table[:, 1], path.name)


def _curve(f: np.ndarray, i: np.ndarray, source: str) -> SynapseCurve:
    unknown = np.full((1, len(f)), np.nan)
    return SynapseCurve(f, i[None], unknown, np.ones((1, len(f)), bool), 0.2, float("nan"), source)


def _advice(name: str, known: tuple[str, ...]) -> str:
    return f"{nearest(name, known)} Or a file whose name ends in .csv."
