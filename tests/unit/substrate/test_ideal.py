from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.forward import forward
from anamorph.substrate.contract import Program, Substrate
from anamorph.substrate.ideal import Ideal

SHAPE = (3, 4, 2)
CHIP = Ideal(SHAPE)


def _program(*batch: int, seed: int = 0) -> Program:
    generator = np.random.default_rng(seed)
    return Program("ideal", tuple(generator.integers(-7, 8, (*batch, *size)) for size in ((3, 4), (4, 2))))


def _expected(settings: tuple[np.ndarray, ...], x: np.ndarray) -> np.ndarray:
    y = np.maximum(x, 0)
    for setting in settings:
        y = np.maximum(y @ (0.25 * setting), 0)
    return y


@pytest.mark.parametrize("batch", [(), (5,), (2, 5)])
@pytest.mark.parametrize("input_axes", [2, 3, 4])
def test_run_is_the_formula_on_every_axis(batch: tuple[int, ...], input_axes: int):
    die = CHIP.fabricate(jax.random.key(0), 2)
    program = _program(*batch)
    n_programs = batch[-1] if batch else 1
    leading = (2, n_programs)[4 - input_axes :] if input_axes > 2 else ()
    x = np.random.default_rng(1).uniform(0, 3e-7, (*leading, 6, 3))
    response = die.run(program, jnp.asarray(x))
    assert response.outputs.shape == (2, n_programs, 6, 2)
    assert response.supply_current.shape == response.converged.shape == (2, n_programs, 6)
    assert bool(response.converged.all())
    full = np.broadcast_to(x, (2, n_programs, 6, 3))
    settings = [np.broadcast_to(s, (2, n_programs, *s.shape[-2:])) for s in program.settings]
    for d in range(2):
        for p in range(n_programs):
            expected = _expected(tuple(s[d, p] for s in settings), full[d, p])
            # sums of four products in float64, in any order
            np.testing.assert_allclose(response.outputs[d, p], expected, rtol=1e-12, atol=1e-22)


def test_inner_currents_are_those_into_the_neurons():
    response = CHIP.nominal().run(_program(), jnp.full((1, 3), 1e-9))
    assert response.neuron_currents is not None
    assert [c.shape[-1] for c in response.neuron_currents] == [3, 4, 2]
    np.testing.assert_array_equal(jax.nn.relu(response.neuron_currents[-1]), response.outputs)


def test_the_trained_forward_pass_is_what_the_chip_does():
    transfer = CHIP.assumed_transfer()
    program = _program()
    weights = tuple(map(jnp.asarray, CHIP.decode(program, transfer)))
    x = jnp.asarray(np.random.default_rng(2).uniform(0, 1, (5, 3)))
    np.testing.assert_allclose(
        forward(CHIP, transfer, weights, x)[0], CHIP.nominal().run(program, x).outputs[0, 0], rtol=1e-12
    )


@pytest.mark.parametrize("n_bits", [2, 3, 8])
def test_every_level_survives_programming(n_bits: int):
    chip = Ideal((2 ** (n_bits + 1) - 1, 1), n_bits)
    transfer = chip.assumed_transfer()
    levels = chip.weight_grid(transfer).levels
    assert float(levels[0, -1]) == 1.75 and float(levels[0, 0]) == -1.75
    weights = levels[0][:, None]
    program = chip.program((weights,), transfer)
    assert program.settings[0].ravel().tolist() == chip.allowed_settings().tolist()
    np.testing.assert_array_equal(chip.decode(program, transfer)[0][0], weights)


def test_dies_are_counted_chosen_and_alike():
    die = CHIP.fabricate(jax.random.key(0), 5)
    assert len(die) == 5 and len(die[1:3]) == 2 and len(die[4]) == 1 and len(CHIP.nominal()) == 1
    assert die.shape == SHAPE
    outputs = die.run(_program(), jnp.full((2, 3), 1e-8)).outputs
    np.testing.assert_array_equal(outputs, jnp.broadcast_to(outputs[:1], outputs.shape))


def test_it_has_no_netlist_and_says_so():
    assert isinstance(CHIP, Substrate) and CHIP.has_netlist is False
    with pytest.raises(BadInput, match="no circuit.*current_mirror"):
        CHIP.netlist(_program())


@pytest.mark.parametrize("shape", [(3,), (3, 0), (3, -1, 2), ()])
def test_a_shape_that_is_none_is_refused(shape: tuple[int, ...]):
    with pytest.raises(BadInput, match="ideal: shape"):
        Ideal(shape)


@pytest.mark.parametrize("n_bits", [1, 9])
def test_bits_out_of_range_are_refused(n_bits: int):
    with pytest.raises(BadInput, match=f"2 to 8; got {n_bits}"):
        Ideal(SHAPE, n_bits)


def test_what_does_not_fit_the_chip_is_refused():
    die = CHIP.fabricate(jax.random.key(0), 2)
    x: Any = jnp.zeros((4, 3))
    with pytest.raises(BadInput, match="another substrate"):
        die.run(Program("other", _program().settings), x)
    with pytest.raises(BadInput, match="-7 to 7; got 8"):
        die.run(Program("ideal", (np.full((3, 4), 8), np.zeros((4, 2), int))), x)
    with pytest.raises(BadInput, match=r"shape \(4, 5\)"):
        die.run(_program(), jnp.zeros((4, 5)))
    with pytest.raises(DoesNotFit, match="2 dies x 1 programs .or 1.; got 3 x 1"):
        die.run(_program(3, 1), x)
    with pytest.raises(DoesNotFit, match="inputs"):
        die.run(_program(5), jnp.zeros((4, 1, 2, 3)))
    with pytest.raises(BadInput, match="n_dies"):
        CHIP.fabricate(jax.random.key(0), 0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1e-9])
def test_an_input_that_is_no_current_is_refused(wrong: float):
    with pytest.raises(BadInput, match="none negative"):
        CHIP.nominal().run(_program(), jnp.array([[1e-9, wrong, 0.0]]))


@pytest.mark.parametrize("n_bits", [2, 3, 8])
def test_a_bench_without_noise_finds_what_is_assumed(n_bits: int):
    chip = Ideal(SHAPE, n_bits)
    bench = Bench(currents=(1e-8, 1e-7), repeats=2, read_noise=0.0)
    transfer = chip.fit(chip.measure(chip.fabricate(jax.random.key(0), 2), bench, jax.random.key(1)))
    assert transfer.source == "measured" and transfer.n_dies == 2
    for activation in transfer.activations:
        # a least-squares fit in float64
        np.testing.assert_allclose(activation.slope, 1.0, rtol=1e-12)
    np.testing.assert_allclose(transfer.negative_unit, 1.0, rtol=1e-12)


def test_it_costs_nothing_and_says_why():
    program = _program()
    sheet = CHIP.cost(program, CHIP.nominal().run(program, jnp.full((1, 3), 1e-9)))
    assert {line.quantity for line in sheet.lines} >= {"energy_per_inference", "latency", "area", "power"}
    assert all(line.value == line.low == line.high == 0 for line in sheet.lines)
    assert all(line.basis == "assumed" and "ideal" in line.source for line in sheet.lines)
