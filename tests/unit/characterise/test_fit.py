from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.bench import Bench
from anamorph.characterise.characterisation import Characterisation
from anamorph.characterise.fit import fit_rectifiers
from anamorph.characterise.source_monitor import source_monitor
from anamorph.characterise.transfer import Transfer
from anamorph.errors import BadInput, NotConverged
from anamorph.substrate.contract import Program, Response

SHAPE = (4, 5, 3)
CURRENTS = tuple(np.linspace(3e-8, 3e-7, 6))


class Rectifying:
    """Two chips whose neurons have known slopes, and whose negative units are `rho` positive ones."""

    shape = SHAPE
    n_dies = 2
    rho = np.array([2.3, 1.7])

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        self.slopes = [draw.uniform(0.6, 1.5, (2, n)) for n in SHAPE]

    def run(self, program: Program, inputs: jax.Array) -> Response:
        x = jnp.broadcast_to(inputs, (2, *inputs.shape[-3:])) * self.slopes[0][:, None, None]
        for setting, slope in zip(program.settings, self.slopes[1:], strict=True):
            weight = 0.25 * setting[None] * np.where(setting < 0, self.rho[:, None, None, None], 1.0)
            x = jax.nn.relu(x @ weight) * slope[:, None, None]
        return Response(x, x.sum(-1), jnp.ones(x.shape[:-1], bool))


CHIP = Rectifying()


def measured(read_noise: float = 0.0, repeats: int = 2, currents: tuple[float, ...] = CURRENTS) -> Characterisation:
    bench = Bench(currents, repeats, read_noise)
    return source_monitor(CHIP, bench, jax.random.key(1), 7, (-1, -2), "any")


def where(data: Characterisation, **wanted: object) -> np.ndarray:
    keep = np.ones(data.data.sizes["reading"], bool)
    for name, value in wanted.items():
        keep &= data.data[name].values == value
    return np.flatnonzero(keep)


def without(data: Characterisation, die: int, readings: np.ndarray) -> Characterisation:
    """The same, with some readings of one die failed."""
    lost = np.zeros(data.data["converged"].shape, bool)
    lost[die, readings] = True
    output = data.data["output_current"].where(~lost)
    return Characterisation(data.data.assign(output_current=output, converged=data.data["converged"] & ~lost))


def check(transfer: Transfer, rtol: float, negative: float | None = None) -> None:
    for activation, slope in zip(transfer.activations, CHIP.slopes, strict=True):
        np.testing.assert_allclose(activation.slope, slope / slope.mean(1, keepdims=True), rtol=rtol)
    np.testing.assert_allclose(transfer.negative_unit, CHIP.rho, rtol=negative or 3 * rtol)


def test_known_slopes_and_the_negative_unit_come_back():
    transfer = fit_rectifiers(measured(), SHAPE)
    check(transfer, 1e-9)  # least squares and interpolation in float64
    assert transfer.source == "measured" and transfer.n_dies == 2
    for activation in transfer.activations:
        assert activation.domain == (0.0, CURRENTS[-1])
        np.testing.assert_allclose(activation.spread, 0, atol=1e-9)
        np.testing.assert_allclose(activation.fit_error, 0, atol=1e-9)


def test_reading_noise_averages_out_over_repeats_and_shows_in_the_spread():
    transfer = fit_rectifiers(measured(read_noise=0.02, repeats=6), SHAPE)
    # 2 % / sqrt(about 4 effective currents x 6 repeats), of slope and mean: 0.6 %; five times that
    check(transfer, 0.03)
    spreads = np.concatenate([np.asarray(a.spread).ravel() for a in transfer.activations])
    # of one path's slope: 2 % / sqrt(about 4)
    assert 0.004 < spreads.mean() < 0.02
    assert all((np.asarray(a.fit_error) > 0.002).all() for a in transfer.activations)


def test_failed_readings_are_left_out_and_the_others_stand():
    data = measured()
    lost = np.concatenate([where(data, layer=1, neuron=2, repeat=0), where(data, layer=2, input_current=CURRENTS[-1])])
    transfer = fit_rectifiers(without(data, 1, lost), SHAPE)
    # the exponents pool all paths: without some readings, what remains of the paths' gains tilts them, by 1 % here,
    # and with them the negative unit; the slopes are as they were
    check(transfer, 1e-9, negative=5e-3)
    np.testing.assert_allclose(fit_rectifiers(data, SHAPE).exponents, 1.0, rtol=1e-9)
    np.testing.assert_allclose(transfer.exponents, 1.0, rtol=0.02)


def test_a_neuron_without_an_answer_is_not_given_one():
    data = measured()
    lost = where(data, kind="slope", layer=1, neuron=2)
    with pytest.raises(NotConverged, match="layer 1, neuron 2"):
        fit_rectifiers(without(data, 1, lost), SHAPE)


def test_a_neuron_without_readings_is_named():
    data = measured()
    kept = np.setdiff1d(np.arange(data.data.sizes["reading"]), where(data, kind="slope", layer=2, neuron=0))
    with pytest.raises(BadInput, match="no readings of a neuron"):
        fit_rectifiers(Characterisation(data.data.isel(reading=kept)), SHAPE)


def test_without_a_negative_weight_nothing_is_known_of_it():
    data = measured()
    only = Characterisation(data.data.isel(reading=where(data, kind="slope")))
    with pytest.raises(BadInput, match="no reading of a negative weight"):
        fit_rectifiers(only, SHAPE)
    off = np.setdiff1d(np.arange(data.data.sizes["reading"]), where(data, kind="negative", setting=0))
    with pytest.raises(BadInput, match="without its comparison"):
        fit_rectifiers(Characterisation(data.data.isel(reading=off)), SHAPE)
    with pytest.raises(NotConverged, match="negative weight"):
        fit_rectifiers(without(data, 0, where(data, kind="negative", setting=0)), SHAPE)
