"""`anamorph nir`: a spiking network to the neuromorphic intermediate representation, and whether one can come back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def nir(
    subject: Annotated[Path, typer.Argument(metavar="RUN|FILE", help="A run folder to export, or a file to check.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File; by default RUN/network.nir.", show_default=False)
    ] = None,
) -> None:
    """Export the network of a spiking run to NIR; of a NIR file, say what this substrate makes of it."""
    if subject.is_dir():
        from anamorph.enn.nir_export import export_run

        path, off = export_run(subject, out)
        sys.stdout.write(f"note: each neuron is a straight line there, off by {100 * off:.3g} % of full scale (RMS): "
                         "expect far less accuracy than the network has\n")  # fmt: skip
        sys.stdout.write(f"network: {path.absolute()}\n")
        return
    from anamorph.errors import BadInput
    from anamorph.network.nir_import import from_nir

    if out is not None:
        raise BadInput("a file is checked, not exported", where="--out", expected="a run folder before it")
    found = from_nir(subject)
    structure = found.structure
    sys.stdout.write(f"layers: {'-'.join(str(n) for n in structure.layers)}\n")
    sys.stdout.write(f"neurons: {structure.n_neurons} ({', '.join(one.kind for one in found.neurons)}), each to be the "
                     "substrate's own\n")  # fmt: skip
    sys.stdout.write(f"synapses: {structure.n_synapses}\n")
