"""The whole network of a spiking run as a netlist for the user's own simulator and transistor models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anamorph.circuit.foundry import netlist
from anamorph.enn.circuit import circuit_of_run
from anamorph.enn.flow import mnist
from anamorph.enn.in_circuit import FILE, read
from anamorph.errors import BadInput
from anamorph.run_folder import RunFolder
from anamorph.spikes.netlist import SUPPLY, drives, whole_network
from anamorph.stages.user_netlist import Wish, write_out

#: End and longest step of its transient, s.
TRANSIENT = (1e-3, 5e-8)


def write_spiking_netlist(path: Path, wish: Wish, out: Path | None = None) -> Path:
    """Write the network that a run folder holds, with the first test image at its inputs, and a transient.

    The network is the one trained through its circuits, if the folder has that.

    Args:
        path: run folder of a spiking network.
        wish: dialect, models and includes; there are no bits, and no dies.
        out: the file to write instead of one in the run's folder ``netlist``.

    Raises:
        BadInput: a network without a circuit, a die, no such folder.
    """
    if wish.die is not None or wish.bits != "wired":
        raise BadInput("a spiking network has no bits, and its circuit no dies", where="netlist",
                       expected="neither --bits nor --die")  # fmt: skip
    if out is not None and not out.parent.is_dir():
        raise BadInput("no such folder", where=str(out.parent))
    run = circuit_of_run(path)
    if (path / FILE).is_file():
        run = read(path / FILE, run)
    image = np.asarray(mnist(1, 1).x_test[0])
    values = drives(run.circuit, image, run.technology.v_dd, 1e-7)
    constant = {name: float(drive[1][-1]) for name, drive in values.items()}
    text = netlist(
        whole_network(run.circuit), wish.dialect, wish.models, constant, includes=wish.includes, saved=[SUPPLY],
        transient=TRANSIENT, title=f"{run.experiment.name} the first test image",
    ).text  # fmt: skip
    if out is not None:
        return write_out(out, text)
    with RunFolder(path) as folder:
        return folder.write_text(f"netlist/user{wish.dialect.suffix}", text)
