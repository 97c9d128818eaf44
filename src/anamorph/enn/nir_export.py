"""The network of a run folder as a file of NIR."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from anamorph.enn.experiment import load
from anamorph.enn.flow import characterised
from anamorph.enn.run import WEIGHTS
from anamorph.errors import BadInput
from anamorph.network.nir_file import write_nir
from anamorph.network.nir_graph import line, package, to_nir
from anamorph.network.spiking import Structure, Weights, mnist_structure
from anamorph.run_folder import EXPERIMENT

#: Its file in the run folder, unless told otherwise.
FILE = "network.nir"
#: The 1238 weights are 10 kB; what is larger by far is not ours, bytes.
LARGEST = 16 * 1024**2


def export_run(run: Path, out: Path | None = None) -> tuple[Path, float]:
    """Write the network of a run, with its weights as geometries make them.

    Returns:
        The file, and by how much the straight line of its neurons is off, RMS over the range, as a share of full scale.

    Raises:
        BadInput: no run folder of a spiking network, weights that are not its own, no package `nir`.
    """
    package()  # refuse before the neuron is characterised, which may take a minute
    experiment = load(str(run / EXPERIMENT))
    structure = mnist_structure(experiment.inhibitory)
    weights = kept_weights(run / WEIGHTS, structure)
    curves = characterised(experiment)
    path = out or run / FILE
    write_nir(path, to_nir(structure, weights, curves.neuron, curves.activation))
    return path, line(curves.activation)[1]


def kept_weights(path: Path, structure: Structure) -> Weights:
    """What `anamorph.enn.flow.keep_weights` wrote.

    Raises:
        BadInput: absent, not such a file, or of another network.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise BadInput("no weights of a usable size", where=str(path), expected="the file of a finished run")
    layers = range(len(structure.wirings))
    try:
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST:
                raise BadInput("too large", where=str(path))
        with np.load(path, allow_pickle=False) as file:
            found = Weights(tuple(file[f"synapses_{i}"] for i in layers), tuple(file[f"biases_{i}"] for i in layers))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"not the weights of a run ({str(error)[:80]})", where=str(path)) from None
    if any(w.dtype.kind != "f" for w in (*found.synapses, *found.biases)):
        raise BadInput("weights that are not numbers", where=str(path))
    return found
