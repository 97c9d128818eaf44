"""The spiking substrate: the contract, the formula, and what a measurement can and cannot tell."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph import substrate, technology
from anamorph.characterise.bench import Bench
from anamorph.errors import BadInput
from anamorph.network.forward import forward
from anamorph.substrate.contract import Program
from anamorph.substrate.spiking.neurons import SpikingNeurons
from anamorph.substrate.spiking.spiking import Spiking
from anamorph.testing import Check, substrate_checks

SHAPE, UNIT = (3, 4, 2), 1e-9
CARD = technology.load("cmos55")


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Spiking:
    """Neurons of a curve like that of `simplified_ml`: a threshold at 10 pA, 240 kHz at 1 nA."""
    i = np.concatenate([np.geomspace(1e-12, 1e-10, 20)[:-1], np.linspace(1e-10, 1e-9, 20)])
    f = 250e3 * -np.expm1(-np.maximum(i - 1e-11, 0) / 0.25e-9)
    path: Path = tmp_path_factory.mktemp("curve") / "neuron.csv"
    np.savetxt(path, np.stack([i, f], axis=1), header="i_ex f_spike", comments="")
    made = substrate.create("spiking", CARD, SHAPE, neuron=str(path))
    assert isinstance(made, Spiking)
    return made


@pytest.mark.parametrize("check", list(substrate_checks()), ids=str)
def test_contract(check: Check, chip: Spiking):
    check(chip, UNIT)


def _program() -> Program:
    draw = np.random.default_rng(0)
    return Program("spiking", tuple(draw.integers(-4, 12, size) for size in ((3, 4), (4, 2))))


def test_the_trained_forward_pass_is_what_the_nominal_chip_does(chip: Spiking):
    x = np.random.default_rng(1).uniform(0, 1, (6, 3))
    transfer, program = chip.assumed_transfer(), _program()
    weights = tuple(jnp.asarray(w).reshape(1, *w.shape[-2:]) for w in chip.decode(program, transfer))
    found = chip.nominal().run(program, jnp.asarray(UNIT * x)).outputs[0, 0] / UNIT
    np.testing.assert_allclose(found, forward(chip, transfer, weights, jnp.asarray(x))[0], rtol=1e-9)
    # the same by the curve itself, without jax
    y = x
    for w in weights:
        y = chip.curve.activation(y @ np.asarray(w[0]))
    np.testing.assert_allclose(found, y, rtol=1e-9, atol=1e-12)


def test_training_in_single_precision_stays_in_it(chip: Spiking):
    single = jax.tree.map(lambda leaf: leaf[0].astype(jnp.float32), chip.assumed_transfer())
    y = jnp.ones((5, 3), jnp.float32)
    for index, size in enumerate((None, (3, 4), (4, 2))):
        y = chip.layer(single, index, None if size is None else jnp.full(size, 0.2, jnp.float32), y)
        assert y.dtype == jnp.float32


def test_a_measurement_without_noise_brings_the_model_nearer_to_the_chip(chip: Spiking):
    dies, x = chip.fabricate(jax.random.key(3), 8), np.random.default_rng(2).uniform(0.1, 1, (20, 3))
    bench = Bench(tuple(UNIT * np.array([0.1, 0.3, 0.6, 1.0])), repeats=3, read_noise=0.0)
    fitted, program = chip.fit(chip.measure(dies, bench, jax.random.key(4))), _program()
    real = np.asarray(dies.run(program, jnp.asarray(UNIT * x)).outputs[:, 0]) / UNIT

    def error(transfer) -> float:  # noqa: ANN001
        weights = tuple(jnp.asarray(w).reshape(-1, *w.shape[-2:]) for w in chip.decode(program, transfer))
        return float(np.sqrt(np.mean((np.asarray(forward(chip, transfer, weights, jnp.asarray(x))) - real) ** 2)))

    assert error(fitted) < 0.8 * error(chip.assumed_transfer())
    for layer in fitted.activations:
        assert isinstance(layer, SpikingNeurons)
        assert (np.asarray(layer.spread) >= 0).all()


def test_weights_of_many_legs_deviate_by_the_area_law(chip: Spiking):
    dies = chip.fabricate(jax.random.key(5), 1000)
    legs = np.asarray(dies.deviations.legs[0])[..., 0, :]
    sizes = 2.0 ** np.arange(chip.n_bits)
    weight = (chip.step * sizes * np.exp(legs)).sum(-1)
    expected = float(chip.weight_spread(chip.assumed_transfer(), jnp.asarray(chip.step * sizes.sum())))
    # 12,000 draws of either sign: 0.5 % of a standard deviation, and the exponential bends by its square
    np.testing.assert_allclose(weight.std(), expected, rtol=0.03)


def test_a_silent_output_is_called_by_what_would_raise_it(chip: Spiking):
    x = jnp.asarray([-0.2, 0.001, 0.5])
    raising, lowering = (jax.grad(lambda v, s=s: s * chip.curve.output(v).sum())(x) for s in (-1.0, 1.0))
    assert (np.asarray(raising)[:2] == -1).all()
    assert (np.asarray(lowering)[:2] == 0).all()
    assert float(raising[2]) == -float(lowering[2]) != 0


def test_cost_is_area_and_power(chip: Spiking):
    sheet = chip.cost(_program(), chip.nominal().run(_program(), jnp.full((1, 3), UNIT)))
    power = sheet.line("power")
    assert "alone" in power.source  # this neuron's curve has no power
    assert power.value > 0
    assert sheet.line("legs_area").value > 2 * 20 * chip.max_setting * float(chip.unit_leg.w[0] * chip.unit_leg.l[0])


def test_what_cannot_be_is_refused(chip: Spiking):
    with pytest.raises(BadInput, match="protocol"):
        chip.measure(chip.nominal(), Bench((UNIT,), protocol="permutations"), jax.random.key(0))
    with pytest.raises(BadInput, match="shape"):
        Spiking(CARD, (3,))
    with pytest.raises(BadInput, match="weights"):
        Spiking(CARD, SHAPE, 1)
    with pytest.raises(BadInput, match="weight"):
        Spiking(CARD, SHAPE, weight_max=0.0)
    with pytest.raises(BadInput, match="no neuron named"):
        Spiking(CARD, SHAPE, neuron="simplified")
