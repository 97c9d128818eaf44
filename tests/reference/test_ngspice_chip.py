"""ngspice as judge of a whole chip: every neuron of a 7-7-7 die with mismatch on each of its 1,260 transistors.

ngspice gets the same netlist with the same equations, and starts from our operating point: it iterates until its own
equations hold. Both stop far below the promise (see test_ngspice_cells.py).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.circuit import ngspice
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.technology import Technology

pytestmark = pytest.mark.ngspice

SHAPE = (7, 7, 7)
#: The promise: within 0.1 % above 10 pA.
PROMISE, FAINTEST = 1e-3, 10e-12


def test_every_neuron_of_a_die(cmos180: Technology):
    chip = CurrentMirror(cmos180, SHAPE, refine=2)
    die = chip.fabricate(jax.random.key(11), 1)
    draw = np.random.default_rng(11)
    program = Program(chip.name, tuple(draw.integers(-4, 8, (7, 7)) for _ in range(2)))
    inputs = draw.uniform(0, 325e-9, (2, 7))
    cell, shifts = chip.netlist(program), chip.netlist_deviations(die)[0]
    drives = chip.netlist_drives(inputs)
    general = operating_point(compile_cell(cell, cmos180), drives, shifts).require_converged()
    theirs = ngspice.operating_points(cell, cmos180, drives, shifts, start=general.voltages, processes=2)

    def outputs(source_current) -> np.ndarray:
        return np.stack([-np.asarray(source_current(f"out_{k}")) for k in range(7)], axis=-1)

    expected = [*chip.netlist_currents(theirs.voltage, die), outputs(theirs.source_current)]
    response = chip.run(die, program, jnp.asarray(inputs))
    assert response.neuron_currents is not None and np.asarray(response.converged).all()
    fast = [np.asarray(c)[0, 0] for c in (*response.neuron_currents, response.outputs)]
    ours = [*chip.netlist_currents(general.voltage, die), outputs(general.source_current)]
    compared = 0
    for layer, reference in enumerate(expected):
        heard = np.abs(reference) > FAINTEST
        compared += heard.sum()
        for name, found in (("general", ours[layer]), ("feedforward", fast[layer])):
            message = f"{name} solver, layer {layer}"
            np.testing.assert_allclose(found[heard], reference[heard], rtol=PROMISE, err_msg=message)
            # below it both are silent
            assert (np.abs(found[~heard]) < 2 * FAINTEST).all()
    # of 2 x 28 currents; some neurons are shut off by their negative weights
    assert compared > 30
    np.testing.assert_allclose(general.source_current("vdd"), theirs.source_current("vdd"), rtol=PROMISE)
