"""The synapse's own Newton steps against the general solver on the same netlist."""

from __future__ import annotations

import numpy as np
import pytest

from anamorph.circuit.compile import Circuit, compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.substrate.current_mirror.synapse_space import synapse_bench
from anamorph.substrate.current_mirror.synapses import (
    SMALL_CHUNK,
    Solutions,
    SynapsePoints,
    resting_nodes,
    synapse_solutions,
)
from anamorph.technology import Technology

V_DD = 1.8


@pytest.fixture(scope="module")
def circuit(cmos180: Technology) -> Circuit:
    return compile_cell(synapse_bench(3), cmos180)


def _points(circuit: Circuit) -> SynapsePoints:
    """As many as are compiled for one size: all settings, 1 to 300 nA in the source, fed nodes on and nearly off."""
    rng = np.random.default_rng(3)
    code = np.resize(np.arange(-7, 8), SMALL_CHUNK)
    v_p, v_n, v_out = (rng.uniform(*ends, SMALL_CHUNK) for ends in ((1.38, 1.58), (0.22, 0.42), (0.02, 0.4)))
    deviations = rng.standard_normal((len(circuit.fets), SMALL_CHUNK)) * circuit.threshold_sigma[:, None]
    return SynapsePoints(code, v_p, v_n, v_out, deviations)


@pytest.fixture(scope="module")
def solved(circuit: Circuit) -> tuple[SynapsePoints, Solutions]:
    points = _points(circuit)
    return points, synapse_solutions(circuit, V_DD, points, resting_nodes(circuit, V_DD, points.code))


def test_currents_are_those_of_the_general_solver(circuit: Circuit, solved: tuple[SynapsePoints, Solutions]):
    points, found = solved
    assert found.exact.all()
    wanted = operating_point(circuit, points.held(circuit, V_DD), points.deviations.T)
    current = -np.asarray(wanted.source_current("i_out"))
    # a last step of TABLE_STEP in a rail that floats on a picoampere leaves a hundredth of that
    np.testing.assert_allclose(found.current, current, rtol=2e-6, atol=1e-14)
    branch = [circuit.node(f"synapse.x_{bit}") for bit in range(3)]
    np.testing.assert_allclose(found.nodes[branch], np.asarray(wanted.voltages).T[branch], atol=1e-4)


def test_slopes_are_those_of_the_current_by_the_fed_node(circuit: Circuit, solved: tuple[SynapsePoints, Solutions]):
    points, found = solved
    moved = 1e-4
    up, down = (
        synapse_solutions(
            circuit, V_DD, SynapsePoints(points.code, points.v_p, points.v_n, v_out, points.deviations), found.nodes
        ).current
        for v_out in (points.v_out + moved, points.v_out - moved)
    )
    on = points.code != 0
    difference = (up - down) / (2 * moved)
    # a slope is that before the last step
    np.testing.assert_allclose(found.slope[on], difference[on], rtol=0.02, atol=1e-5 * np.abs(found.current[on]).max())
