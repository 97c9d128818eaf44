"""The substrate of differential pairs: the contract, and shares and loads against formulas and the simulated cell."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph import substrate, technology
from anamorph.characterise.bench import Bench
from anamorph.characterise.differential_pair import large_signal
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput
from anamorph.network.forward import forward
from anamorph.substrate.contract import Program
from anamorph.substrate.differential_pair.neurons import resting, signal
from anamorph.substrate.differential_pair.pairs import Load, mirrored, shares, transferred
from anamorph.substrate.differential_pair.substrate import DifferentialPairs
from anamorph.testing import Check, substrate_checks

SHAPE, UNIT = (3, 4, 2), 200e-12
CARD = technology.load("cmos65")


@pytest.fixture(scope="module")
def chip() -> DifferentialPairs:
    made = substrate.create("differential_pair", CARD, SHAPE)
    assert isinstance(made, DifferentialPairs)
    return made


@pytest.mark.parametrize("check", list(substrate_checks()), ids=str)
def test_contract(check: Check, chip: DifferentialPairs) -> None:
    check(chip, 0.8 * UNIT)


def test_the_trained_forward_pass_is_what_the_nominal_chip_does(chip: DifferentialPairs) -> None:
    draw = np.random.default_rng(0)
    program = Program(chip.name, tuple(draw.integers(-7, 8, size) for size in ((3, 4), (4, 2))))
    x, transfer = draw.uniform(0, 1, (6, 3)), chip.assumed_transfer()
    weights = tuple(jnp.asarray(w).reshape(1, *w.shape[-2:]) for w in chip.decode(program, transfer))
    found = chip.nominal().run(program, jnp.asarray(UNIT * x)).outputs[0, 0] / UNIT
    # jax works in single precision in the trained pass where it is not told otherwise
    np.testing.assert_allclose(found, forward(chip, transfer, weights, jnp.asarray(x))[0], rtol=1e-5, atol=1e-7)


def test_a_path_of_largest_weights_passes_a_small_current_as_it_is(chip: DifferentialPairs) -> None:
    """Three quarters of it once through the inputs' load and twice through a neuron's: the cell's gain each time."""
    settings = tuple(np.zeros(size, int) for size in ((3, 4), (4, 2)))
    for matrix in settings:
        matrix[0, 0] = 7
    out = chip.nominal().run(Program(chip.name, settings), jnp.array([[0.01 * UNIT, 0.0, 0.0]])).outputs[0, 0, 0, 0]
    # 0.01 of full scale is 1e-4 off a straight line
    assert float(out) == pytest.approx(mirrored(0.01 * UNIT) * chip.load.gain**3, rel=1e-3)
    assert 0.9 < chip.load.gain < 1.1


def test_a_neuron_of_one_synapse_is_the_simulated_cell(chip: DifferentialPairs) -> None:
    v_in = np.linspace(0.0, 0.2, 9)
    scale = 2 * CARD.value("nfet", "slope_factor") * 0.025865
    for code in (7, 3):
        found = large_signal(chip.design, CARD, UNIT, v_in, code, size_for_bias=False)
        s = transferred(jnp.array([[code / 7]]), jnp.asarray(v_in / scale)[:, None])
        ours = scale * np.asarray(chip.load.signal(1 + s, 1 - s))[:, 0]
        # of what it saturates at; in between, weak inversion with one slope factor for both polarities
        np.testing.assert_allclose(ours, found, atol=0.06 * found.max())


def test_a_sign_swaps_the_inputs() -> None:
    setting, u = np.array([[[5], [-5]]]), np.array([[[0.3], [-0.3]]])
    groups = np.random.default_rng(0).normal(0, 0.3, (1, 1, 2, 3))
    found = shares(setting, u, groups)
    assert found[0, 0] == pytest.approx(found[0, 1])


def test_larger_transistors_deviate_less(chip: DifferentialPairs) -> None:
    larger = DifferentialPairs(CARD, SHAPE, scale=16.0)  # four times the chip's
    np.testing.assert_allclose(larger.spreads, np.array(chip.spreads) / 4)
    weights, transfer = jnp.array([0.0, 3 / 7, 1.0]), chip.assumed_transfer()
    wide, narrow = (np.asarray(made.weight_spread(transfer, weights)) for made in (chip, larger))
    np.testing.assert_allclose(narrow, wide / 4, rtol=1e-5)
    assert wide[0] == 0 and wide[2] == pytest.approx(chip.spreads.tail)


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadInput, match="weights"):
        DifferentialPairs(CARD, SHAPE, n_bits=8)
    with pytest.raises(BadInput, match="scale"):
        DifferentialPairs(CARD, SHAPE, scale=0.0)
    with pytest.raises(BadInput, match="shape"):
        DifferentialPairs(CARD, (3,))


def test_synapses_and_loads_are_found_by_measuring(chip: DifferentialPairs) -> None:
    """On dies, without noise of the readings: what is trained through is what the dies do."""
    dies, draw = chip.fabricate(jax.random.key(4), 2), np.random.default_rng(1)
    bench = Bench(currents=(0.5 * UNIT, UNIT), protocol="synapses", read_noise=0.0, repeats=1)
    measured = chip.fit(chip.measure(dies, bench, jax.random.key(5)))
    program = Program(chip.name, tuple(draw.integers(-7, 8, size) for size in ((3, 4), (4, 2))))
    x = draw.uniform(0, 1, (40, 3))
    due = np.asarray(dies.run(program, jnp.asarray(UNIT * x)).outputs)[:, 0] / UNIT

    def off(transfer: Transfer) -> float:
        weights = tuple(jnp.asarray(w).reshape(-1, *w.shape[-2:]) for w in chip.decode(program, transfer))
        found = np.asarray(forward(chip, transfer, weights, jnp.asarray(x)))
        return float(np.sqrt(np.mean((found - due) ** 2)))

    assumed = jax.tree.map(lambda a: jnp.repeat(a, 2, axis=0), chip.assumed_transfer())
    # of this chip's few synapses the mean weight is one within some per cent alone, on which the fit of loads stands
    assert off(measured) < 0.03 and off(measured) < 0.6 * off(assumed)


def test_currents_at_rest_are_found_from_signals() -> None:
    load = Load(1.0, 0.01)
    plus, minus = np.array([[1.3, 0.8]]), np.array([[0.9, 1.1]])
    s = np.array([[-0.5, -0.5], [-0.2, -0.2], [0.2, 0.2], [0.5, 0.5]])[None]
    u = np.asarray(signal(load, plus[:, None], minus[:, None], s))
    u[0, 0, 1] = np.nan  # a point that was not seen
    found = resting(load, s, u)
    np.testing.assert_allclose(found[0], plus, rtol=0.02)  # the fit is damped
    np.testing.assert_allclose(found[1], minus, rtol=0.02)
    assert found[2].max() < 1e-3
