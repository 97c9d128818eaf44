"""A 128 x 128 array with wires and 100 inputs, beside badcrossbar and CrossSim, and beside ngspice for one input.

Every peer solves the same case in the same run, and its currents are compared with ours: a row of the table says how
far apart they are at most. Times are those of the processor, which what else the machine does hardly changes; peers
in Python get one thread of the linear algebra library, whose others would only wait.

Peers are optional: `make bench-peers` makes an environment for the two in Python, which `ANAMORPH_PEERS` (its
interpreter) may replace.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from anamorph.cell.vmm_array import PassiveCells, Wires
from anamorph.cell.vmm_ins import ins_bench
from anamorph.circuit import ngspice
from anamorph.circuit.resistive_array import ResistiveArray
from anamorph.technology import load

SIZE, INPUTS = 128, 100
#: Cells from 20 to 200 kohm, 1 ohm of wire from one to the next: a fifth of the current is lost.
CONDUCTANCE, WIRE, V_MAX = (5e-6, 5e-5), 1.0, 0.3
#: What every peer has to agree within.
PROMISE = 1e-3
HERE = Path(__file__).parent
PEERS = ("badcrossbar", "crosssim")


def measure(size: int = SIZE, inputs: int = INPUTS, *, with_ngspice: bool = True) -> dict[str, tuple[float, float]]:
    """Processor seconds, and largest relative difference from our currents, of each that is there.

    "first" is our first call. ngspice's seconds are of one input.

    Raises:
        RuntimeError: a peer that disagrees.
    """
    rng = np.random.default_rng(0)
    g, v = rng.uniform(*CONDUCTANCE, (size, size)), rng.uniform(0, V_MAX, (inputs, size))

    def ours(conductance: np.ndarray) -> tuple[np.ndarray, float]:
        began = time.process_time()
        found = np.asarray(ResistiveArray(conductance, WIRE, WIRE, WIRE, WIRE).solve(v))
        return found, time.process_time() - began

    _, first = ours(1.1 * g)
    currents, seconds = min((ours(g) for _ in range(3)), key=lambda found: found[1])
    results = {"first": (first, 0.0), "ours": (seconds, 0.0)}
    for name in PEERS:
        found = _peer(name, g, v)
        if found is not None:
            results[name] = found[1], _difference(found[0], currents)
    if with_ngspice and ngspice.available():
        theirs, seconds = _ngspice(g, v[0])
        results["ngspice"] = seconds, _difference(theirs, currents[0])
    far = [f"{name} {off:.1e}" for name, (_, off) in results.items() if off > PROMISE]
    if far:
        raise RuntimeError(f"currents more than {PROMISE:g} apart from ours: {', '.join(far)}")
    return results


def _difference(theirs: np.ndarray, ours: np.ndarray) -> float:
    return float(np.abs(theirs / ours - 1).max())


def _peer(name: str, g: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Currents and seconds of a peer in its own environment; None where it is not installed."""
    python = os.environ.get("ANAMORPH_PEERS") or str(HERE.parent / ".venv-peers" / "bin" / "python")
    if not Path(python).is_file():
        return None
    with tempfile.TemporaryDirectory(prefix="anamorph-") as folder:
        case, result = Path(folder, "case.npz"), Path(folder, "result.npz")
        np.savez(case, conductance=g, v=v, r=WIRE)
        command = [python, str(HERE / "peers" / "resistive_arrays.py"), name, str(case), str(result)]
        alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=alone)
        if not result.is_file():
            if "No module named" in done.stderr:
                return None
            raise RuntimeError(f"{name} failed: {done.stderr[-500:]}")
        with np.load(result) as found:
            return found["currents"], float(found["seconds"])


def _ngspice(g: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, float]:
    size = len(g)
    bench = ins_bench(PassiveCells(g), Wires(WIRE, WIRE, WIRE, WIRE))
    drives = {f"in_{i}": float(v[i]) for i in range(size)} | {f"sense_{j}": 0.0 for j in range(size)}
    card = load("cmos180")  # there is no transistor in it
    began = _of_children()
    found = ngspice.operating_points(bench, card, drives, timeout=3600)
    seconds = _of_children() - began
    return np.array([-float(found.source_current(f"sense_{j}")) for j in range(size)]), seconds


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for name, (seconds, off) in measure().items():
        print(f"{name:12s} {seconds:9.3f} s   {off:.1e} from ours")
