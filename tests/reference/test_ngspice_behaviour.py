"""ngspice as judge of the multiplier's behaviour: lines of written arrays, from the cells' own equations."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.cell.vmm_exp import exp_waves
from anamorph.cell.vmm_lin import LinTiming
from anamorph.circuit import ngspice
from anamorph.substrate.crossbar.netlist import bench
from anamorph.technology import Technology
from anamorph.technology.memory import load_memory
from anamorph.vmm.behaviour import Vmm, line_signals
from anamorph.vmm.design import CELLS, EXP, INS, Design
from anamorph.vmm.sources import Errors

pytestmark = pytest.mark.ngspice
ROWS, COLUMNS, BITS = 6, 2, 4


def drawn(cell: str, encoding, *errors: str) -> tuple[Vmm, np.ndarray, np.ndarray]:
    """A multiplier at the temperature at which it was written, weights and codes of inputs."""
    design = Design(CELLS[cell], encoding, BITS, 4, BITS, ROWS, COLUMNS)
    made = Vmm(design, errors=Errors.only(*errors))
    made = replace(made, physics=replace(made.physics, temperature=300.15))
    draw = np.random.default_rng(4)
    return made, draw.integers(-7, 8, (ROWS, COLUMNS)) / 7, draw.integers(0, 2**BITS, ROWS)


def falls(made: Vmm, weights: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """What lines move by, V; plus and minus line of each output side by side, as the bench has them."""
    x, w = jnp.asarray(codes / (2**BITS - 1))[None], jnp.asarray(weights)
    die = jax.tree.map(lambda part: part[0], made.nominal())
    lines = line_signals(made.structure, made.magnitudes, die, w, x, None, exact=True)[:, 0]
    return np.asarray(lines).T.ravel() * made.physics.swing / ROWS


def test_lines_of_floating_gates_after_pulses(cmos180: Technology) -> None:
    made, weights, codes = drawn("2d_nor", EXP, "drain")
    p = made.physics
    slot = p.duration / (2**BITS - 1)
    timing = LinTiming(pause=slot, edge=slot * 1e-3, high=load_memory("2d_nor").value("lines", "v_input"),
                       v_reset=p.drain)  # fmt: skip
    waves = exp_waves(codes * slot, p.duration, np.zeros(2 * COLUMNS), timing, active=True)
    end = slot + p.duration + slot
    found = ngspice.transient(bench(made, weights), cmos180, waves, end, tolerance=1e-5)
    theirs = p.drain - np.array([np.interp(end, found.time, found.voltage(f"col{j}")) for j in range(2 * COLUMNS)])
    ours = falls(made, weights, codes)
    straight = falls(replace(made, errors=Errors.none()), weights, codes)
    # cells are not deep in weak inversion, where the drain counts less; the design's half step is 3 % of the swing
    np.testing.assert_allclose(theirs, ours, atol=0.005 * p.swing)
    assert np.abs(theirs - straight).max() > 2 * np.abs(theirs - ours).max()


def test_currents_of_bent_cells_behind_wires(cmos180: Technology) -> None:
    made, weights, codes = drawn("1t1r_passive", INS, "nonlinearity", "sense", "wires")
    # wires and amplifiers worse than any, so that they count
    made = replace(made, physics=replace(made.physics, wire_word=100.0, wire_bit=100.0, sense=2000.0))
    p = made.physics
    drives = {f"in_{i}": p.read * code / (2**BITS - 1) for i, code in enumerate(codes)}
    drives |= {f"sense_{j}": 0.0 for j in range(2 * COLUMNS)}
    found = ngspice.operating_points(bench(made, weights), cmos180, drives)
    theirs = np.array([-float(found.source_current(f"sense_{j}")) for j in range(2 * COLUMNS)]) / p.current
    ours = falls(made, weights, codes) * ROWS / p.swing
    straight = falls(replace(made, errors=Errors.none()), weights, codes) * ROWS / p.swing
    # losses are of a linear network, and bending comes on top of them: the product of both is left out
    np.testing.assert_allclose(theirs, ours, rtol=0.01)
    assert np.abs(theirs / straight - 1).max() > 0.03
