"""Other simulators of arrays with wires, each in an environment that has it: badcrossbar, and CrossSim.

    PYTHON resistive_arrays.py NAME CASE.npz RESULT.npz

The environment is the peers' own, and nothing of anamorph is in it. Wires: the same resistance between neighbouring
cells, before the first cell of a word line, and behind the last of a bit line.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import sys
import time
import warnings

import numpy as np


def badcrossbar(g: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    warnings.simplefilter("ignore", ImportWarning)  # its plots need a library of their own
    import badcrossbar as peer

    found = peer.compute(v.T, 1 / g, r, node_voltages=False, all_currents=False)
    return np.asarray(found.currents.output)


def crosssim(g: np.ndarray, v: np.ndarray, r: float) -> np.ndarray:
    """Its solver of the array itself, with the residual asked for that makes 0.1 % of the currents."""
    from simulator import CrossSimParameters
    from simulator.backend import ComputeBackend
    from simulator.circuits.array.NonInterleaved_InputSource import NoninterleavedInputSourceArray

    ComputeBackend(use_gpu=False)
    p = CrossSimParameters()
    p.xbar.device.Rmin = 1 / g.max()
    p.xbar.array.parasitics.enable = True
    p.xbar.array.parasitics.Rp_row = p.xbar.array.parasitics.Rp_col = r
    p.simulation.Verr_th_mvm = RESIDUAL
    p.simulation.hide_convergence_msg = True
    p.simulation.Niters_max_parasitics = 1000
    array, v_max = NoninterleavedInputSourceArray(p), np.abs(v).max()
    found = array.iterative_solve(np.ascontiguousarray(g.T) / g.max(), v.T / v_max)
    return np.asarray(found).T * g.max() * v_max


#: Largest voltage that may be left over at a cell, of the largest input.
RESIDUAL = 1e-3
PEERS = {"badcrossbar": badcrossbar, "crosssim": crosssim}


def main() -> None:
    name, given, result = sys.argv[1:]
    case = np.load(given)
    g, v, r = case["conductance"], case["v"], float(case["r"])
    solve = PEERS[name]
    solve(g[:4, :4], v[:2, :4], r)  # imports, and what is done once
    seconds = []
    for _ in range(2):
        began = time.process_time()
        currents = solve(g, v, r)
        seconds.append(time.process_time() - began)
    np.savez(result, currents=currents, seconds=min(seconds))


if __name__ == "__main__":
    main()
