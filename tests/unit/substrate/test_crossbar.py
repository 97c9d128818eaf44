"""The substrate of memory-cell multipliers: the contract, and what is its own."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import anamorph
from anamorph import substrate, technology
from anamorph.characterise.bench import Bench
from anamorph.circuit.memory_elements import FloatingGate, Memristor
from anamorph.circuit.netlist import Instance
from anamorph.device.memory_cell import memristor_current, subthreshold_current
from anamorph.errors import BadInput
from anamorph.network.forward import forward
from anamorph.substrate.contract import Program
from anamorph.substrate.crossbar import Crossbar
from anamorph.substrate.crossbar.multipliers import reference_spread
from anamorph.substrate.crossbar.netlist import bench
from anamorph.technology.memory import load_memory
from anamorph.testing import Check, substrate_checks

SHAPE, UNIT = (3, 4, 2), 325e-9
CARD = technology.load("cmos180")


@pytest.fixture(scope="module")
def chip() -> Crossbar:
    made = substrate.create("crossbar", CARD, SHAPE)
    assert isinstance(made, Crossbar)
    return made


@pytest.mark.parametrize("check", list(substrate_checks()), ids=str)
def test_contract(check: Check, chip: Crossbar) -> None:
    check(chip, UNIT)


def test_the_trained_forward_pass_is_what_the_nominal_chip_does_but_for_rounding(chip: Crossbar) -> None:
    draw = np.random.default_rng(0)
    program = Program(chip.name, tuple(draw.integers(-7, 8, size) for size in ((3, 4), (4, 2))))
    x, transfer = draw.uniform(0, 1, (3, 3)), chip.assumed_transfer()
    weights = tuple(jnp.asarray(w).reshape(1, *w.shape[-2:]) for w in chip.decode(program, transfer))
    found = chip.nominal().run(program, jnp.asarray(UNIT * x)).outputs[0, 0] / UNIT
    trained = np.asarray(forward(chip, transfer, weights, jnp.asarray(x))[0])
    # half a step of 4/63 and twice as much from those of the layer before; 10 K make small weights 2 % larger
    np.testing.assert_allclose(found, trained, atol=1.5 * 4 / 63 + 0.02 * trained.max())
    assert trained.max() > 0.5


def test_a_path_of_weights_of_one_passes_an_input_and_ends_where_the_chip_does(chip: Crossbar) -> None:
    settings = tuple(np.zeros(size, int) for size in ((3, 4), (4, 2)))
    for matrix in settings:
        matrix[0, 0] = chip.on_path
    assert chip.on_path == 4
    inputs = UNIT * np.array([[0.5, 0, 0], [1.0, 0, 0], [5.0, 0, 0]])
    out = chip.nominal().run(Program(chip.name, settings), jnp.asarray(inputs)).outputs[0, 0, :, 0] / UNIT
    # half a step of 1.5/63 and two of 4/63
    np.testing.assert_allclose(out, [0.5, 1.0, 1.5], atol=0.5 * 1.5 / 63 + 4 / 63)
    for matrix in settings:
        matrix[0, 0] = 7
    full = chip.nominal().run(Program(chip.name, settings), jnp.asarray(inputs)).outputs[0, 0, :, 0] / UNIT
    np.testing.assert_allclose(full[2], 4.0)


def test_measured_slopes_are_those_of_the_columns(chip: Crossbar) -> None:
    die = chip.fabricate(jax.random.key(3), 2)
    found = chip.fit(chip.measure(die, Bench((0.6 * UNIT, 0.8 * UNIT, UNIT), repeats=1), jax.random.key(2)))
    columns = np.exp(chip.spread * np.asarray(die.deviations.matrices[0].gain))
    columns = columns / columns.mean(1, keepdims=True)
    measured = np.asarray(found.activations[1].slope)
    # half a step of 4/63 on readings of about 1, twice on the way; 1 % of a cell
    assert np.abs(measured - columns).max() < 0.06
    assert columns.std() > 0.1


def test_larger_references_deviate_less() -> None:
    spread = reference_spread(CARD, 0.25e-12)
    assert reference_spread(CARD, 1e-12) == pytest.approx(spread / 2)
    assert spread == pytest.approx(3.3e-3 / 0.5 / (CARD.value("nfet", "slope_factor") * 0.025865), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "encoding"), [("1t1r_passive", "ins"), ("3d_nand", "lin")])
def test_other_cells_and_encodings_answer_nearly_alike(cell: str, encoding: str, chip: Crossbar) -> None:
    other = Crossbar(CARD, SHAPE, cell=cell, encoding=encoding)
    draw = np.random.default_rng(0)
    program = Program(chip.name, tuple(draw.integers(-7, 8, size) for size in ((3, 4), (4, 2))))
    x = jnp.asarray(UNIT * draw.uniform(0, 1, (2, 3)))
    outputs = [np.asarray(made.nominal().run(program, x).outputs) for made in (chip, other)]
    # two steps: what bends is not the same in all of them
    np.testing.assert_allclose(outputs[0], outputs[1], atol=2.01 * 4 / 63 * UNIT)


@pytest.mark.parametrize(("cell", "encoding"), [("0t1r", "ins"), ("2d_nor", "exp")])
def test_the_netlists_cells_carry_what_was_written(cell: str, encoding: str) -> None:
    small = Crossbar(CARD, (2, 1), cell=cell, encoding=encoding)
    made, weights = small.multipliers[0], np.array([[1.0], [-3 / 7]])
    circuit = bench(made, weights)
    array = next(e.cell for e in circuit.elements if isinstance(e, Instance))
    currents = []
    for name in ("M0_0", "M0_1", "M1_0", "M1_1"):
        element = next(e for e in array.elements if e.name == name)
        if cell == "0t1r":
            assert isinstance(element, Memristor)
            currents.append(memristor_current(element.conductance, made.physics.read, element.beta))
        else:
            assert isinstance(element, FloatingGate)
            gate = load_memory("2d_nor").value("lines", "v_input")
            currents.append(subthreshold_current(element.cell, element.v_t, gate, made.physics.drain))
    base = made.physics.base
    wanted = np.array([1.0, base, base, base + (1 - base) * 3 / 7]) * made.physics.current
    np.testing.assert_allclose(np.array(currents), wanted, rtol=1e-6)


def test_plans_of_what_is_written(chip: Crossbar) -> None:
    settings = (np.full((3, 4), 7), np.full((4, 2), -3))
    plans = chip.write_plans(Program(chip.name, settings), jax.random.key(0), 0.01)
    assert [plan.currents.shape for plan in plans] == [(2, 3, 4), (2, 4, 2)]
    physics = chip.multipliers[0].physics
    np.testing.assert_allclose(plans[0].currents[0], physics.current)
    with pytest.raises(BadInput, match="one program"):
        chip.write_plans(Program(chip.name, tuple(s[None] for s in settings)), jax.random.key(0))


@pytest.mark.parametrize(
    ("options", "what"),
    [({"n_bits": 1}, "weights"), ({"n_bits": 8}, "weights"), ({"unit": 0.0}, "range"), ({"cell": "2d_nand"}, "cell"),
     ({"headroom": (0.0, 4.0)}, "range"), ({"reference_area": -1.0}, "range"), ({"encoding": "log"}, "encoding"),
     ({"cell": "3d_nand", "encoding": "ins"}, "mirror"), ({"signal_bits": 17}, "input_bits")],
)  # fmt: skip
def test_chips_that_cannot_be_are_refused(options: dict, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        Crossbar(CARD, SHAPE, **options)
    with pytest.raises(BadInput, match="shape"):
        Crossbar(CARD, (3,))


@pytest.mark.slow
def test_iris_works_on_dies_that_were_measured_and_less_on_others(tmp_path) -> None:
    found = anamorph.run("iris_crossbar", tmp_path / "out", replace={"chip.dies": "10"}).metrics
    # of ten dies; 100 of 100 and 47 of 100 when it was written
    assert found["yield"]["value"] >= 0.9 and found["accuracy_mean"]["value"] > 0.93
    assert found["yield"]["value"] > found["yield_uncompensated"]["value"] + 0.1
