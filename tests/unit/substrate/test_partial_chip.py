"""A chip that has only the synapses of a convolution: what is absent is not there, in any solver."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.circuit.compile import compile_cell
from anamorph.circuit.operating_point import operating_point
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.convolution import Convolution
from anamorph.substrate.contract import Program
from anamorph.substrate.current_mirror import CurrentMirror
from anamorph.substrate.current_mirror.charges import cell_charges, layer_charges
from anamorph.technology import Technology

#: Six pixels in a row, windows of two that move by two, then all to all; of seven, the last is seen by nobody.
WIRING = Convolution((1, 1, 7), (1, 2), (1, 2), 1)
EXISTS = (WIRING.exists, np.ones((3, 2), bool))
SHAPE = (7, 3, 2)


@pytest.fixture(scope="module")
def chip(cmos180: Technology) -> CurrentMirror:
    return CurrentMirror(cmos180, SHAPE, exists=EXISTS)


def _program() -> Program:
    draw = np.random.default_rng(0)
    return Program("current_mirror", tuple(draw.integers(1, 8, w.shape) * w for w in EXISTS))


def test_the_netlist_and_its_cost_are_those_of_the_synapses_that_exist(cmos180: Technology, chip: CurrentMirror):
    netlist, die = chip.netlist(_program()), chip.fabricate(jax.random.key(0))
    names = [instance.name for instance in netlist.elements if instance.name.startswith("synapse_0")]
    assert sorted(names) == sorted(f"synapse_0_{j}_{j // 2}" for j in range(6))
    transistors = 5 * sum(SHAPE) + 11 * (6 + 6 + 2)
    assert chip.netlist_deviations(die).shape == (1, transistors) == (1, len(list(netlist.fets())))
    response = chip.run(die, _program(), jnp.full((1, 7), 5e-8))
    found = {line.quantity: line.value for line in chip.cost(_program(), response).lines}
    full = CurrentMirror(cmos180, SHAPE)
    whole = {
        line.quantity: line.value
        for line in full.cost(_program(), full.run(die, _program(), jnp.full((1, 7), 5e-8))).lines
    }
    assert found["transistors"] == transistors == whole["transistors"] - 11 * 15
    assert found["area"] < whole["area"]


def test_the_general_solver_agrees_on_every_neuron(cmos180: Technology, chip: CurrentMirror):
    die, inputs = chip.fabricate(jax.random.key(1)), np.random.default_rng(1).uniform(2e-8, 2e-7, (3, 7))
    circuit = compile_cell(chip.netlist(_program()), cmos180)
    solved = operating_point(circuit, chip.netlist_drives(inputs), chip.netlist_deviations(die)[0])
    expected = chip.netlist_currents(solved.voltage, die)
    fast = CurrentMirror(cmos180, SHAPE, exists=EXISTS, refine=2).run(die, _program(), jnp.asarray(inputs))
    assert np.asarray(fast.converged).all() and fast.neuron_currents is not None
    for got, wanted in zip(fast.neuron_currents, expected, strict=True):
        # the promise for refined solutions, docs/validity.md
        np.testing.assert_allclose(np.asarray(got)[0, 0], wanted, rtol=1e-4)


def test_an_absent_synapse_is_not_a_switched_off_one(cmos180: Technology, chip: CurrentMirror):
    die, dark = chip.fabricate(jax.random.key(2)), np.zeros((1, 7))
    dark[0, 5] = 3e-7  # feeds the last neuron alone; to the others it can only leak
    program = Program("current_mirror", tuple(np.where(w, 0, 0) for w in EXISTS))
    own = chip.run(die, program, jnp.asarray(dark)).neuron_currents
    leaking = CurrentMirror(cmos180, SHAPE).run(die, program, jnp.asarray(dark)).neuron_currents
    assert own is not None and leaking is not None
    assert (np.abs(np.asarray(own[1])) < np.abs(np.asarray(leaking[1]))).all()


def test_a_weight_where_no_synapse_is_does_not_fit(chip: CurrentMirror):
    settings = [s.copy() for s in _program().settings]
    settings[0][6, 2] = 1
    with pytest.raises(DoesNotFit, match="from neuron 6 to 2"):
        chip.run(chip.nominal(), Program("current_mirror", tuple(settings)), jnp.ones((1, 7)) * 1e-8)


@pytest.mark.parametrize(
    ("exists", "message"),
    [((WIRING.exists,), "another shape"), ((np.zeros((7, 3), bool), EXISTS[1]), r"exists\[0\]: neuron 0")],
)
def test_synapses_that_make_no_chip_are_refused(cmos180: Technology, exists: tuple[np.ndarray, ...], message: str):
    with pytest.raises(BadInput, match=message):
        CurrentMirror(cmos180, SHAPE, exists=exists)


def test_measurement_uses_the_synapses_there_are(chip: CurrentMirror):
    die, bench = chip.fabricate(jax.random.key(3), 2), Bench((3e-8, 1e-7), 4, protocol="permutations")
    measured = chip.measure(die, bench, jax.random.key(4))
    assert measured.data["converged"].values.all()
    slopes = np.asarray(chip.fit(measured).activations[0].slope)
    assert slopes.shape == (2, 7)
    np.testing.assert_allclose(slopes[:, :6].mean(1), 1.0)
    # nobody listens to the last input, so nothing is known of it
    np.testing.assert_array_equal(slopes[:, 6], 1.0)
    with pytest.raises(BadInput, match="permutations"):
        chip.measure(die, Bench((3e-8,)), jax.random.key(4))


def test_an_absent_synapse_loads_no_node(chip: CurrentMirror):
    cells = cell_charges(chip.stage)
    built = layer_charges(cells, chip.as_built(_program()).settings, 3)
    alone = layer_charges(cells, (_program().settings[0][:2, :1], np.ones((1, 2), int)), 3)
    np.testing.assert_allclose(built[1].own[0, 0, 0, 0], alone[1].own[0, 0, 0, 0], rtol=1e-12)
    assert built[1].from_p is not None
    np.testing.assert_array_equal(np.asarray(built[1].from_p) != 0, WIRING.exists)
