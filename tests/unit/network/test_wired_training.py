"""Bars across or down, anywhere in a 7 x 7 image: what a shared kernel is for."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from anamorph.characterise.transfer import Transfer
from anamorph.data.task import Task
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.convolution import Convolution, Pooling
from anamorph.network.model import Feedforward
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import Trained, train
from anamorph.network.wiring import Dense
from anamorph.substrate.ideal import Ideal

LAYERS = (49, 72, 18, 2)
CHIP = Ideal(LAYERS)
SHORT = TrainingSettings(epochs=30, restarts=2, batch_size=20, init=2.0, init_bias=0.3, learning_rate=0.02)


def _bars() -> Task:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 0.15, (240, 7, 7)), rng.integers(0, 2, 240)
    for image, down in zip(x, y, strict=True):
        a, b = rng.integers(0, 7), rng.integers(0, 5)
        image[(slice(b, b + 3), a) if down else (a, slice(b, b + 3))] = 1.0
    x = x.reshape(240, 49)
    return Task("bars", x[:200], y[:200], x[200:], y[200:], ("across", "down"), "drawn here")


def _model(shared: bool) -> Feedforward:
    first = Convolution((1, 7, 7), (2, 2), (1, 1), 2, shared)
    return Feedforward((first, Pooling(first.image_out, (2, 2), (2, 2)), Dense(18, 2)))


def _train(model: Feedforward, start: Trained | None = None, settings: TrainingSettings = SHORT) -> Trained:
    transfer = Transfer.uniform(LAYERS, 1.0, (0.0, 1.0))
    return train(CHIP, transfer, _bars(), LAYERS, settings, jax.random.key(0), start, model)


@pytest.mark.parametrize("shared", [True, False])
def test_unrolled_synapses_are_levels_where_they_exist_and_follow_their_kernel(shared: bool):
    model = _model(shared)
    trained = _train(model)
    levels = np.asarray(CHIP.weight_grid(Transfer.uniform(LAYERS, 1.0, (0.0, 1.0))).levels[0])
    for wiring, weights in zip(model.wirings, trained.weights, strict=True):
        assert weights.shape == (1, wiring.n_in, wiring.n_out)
        assert np.isin(weights, levels).all()
        assert not np.asarray(weights[0])[~wiring.exists].any()
    first = np.asarray(trained.weights[0][0])
    convolution = model.wirings[0]
    assert isinstance(convolution, Convolution)
    taps = first[convolution.sources, np.arange(72)].reshape(4, 2, 36)
    alike = np.ptp(taps, axis=2) == 0
    assert alike.all() if shared else not alike.all()
    pooled = np.asarray(trained.weights[1][0])[model.wirings[1].exists]
    assert np.ptp(pooled) == 0 and pooled[0] > 0
    assert trained.train_accuracy[0] > 0.9
    assert CHIP.program(trained.weights, Transfer.uniform(LAYERS, 1.0, (0.0, 1.0))).shape == LAYERS


def test_a_wiring_without_negative_weights_trains_without_them():
    image = (1, 7, 7)
    model = Feedforward(
        (Convolution(image, (2, 2), (1, 1), 2, positive=True), Pooling((2, 6, 6), (2, 2), (2, 2)), Dense(18, 2))
    )
    first = np.asarray(_train(model).weights[0])
    assert first.min() == 0 and first.max() > 0


def test_training_goes_on_from_stored_kernels():
    model = _model(shared=True)
    begun = _train(model, settings=replace(SHORT, epochs=5))
    after = _train(model, begun, replace(SHORT, epochs=20, restarts=1))
    assert after.stored[0].shape == (1, 4, 2)
    # the weights that training starts with are themselves judged
    assert after.loss[0] <= begun.loss[0] * (1 + 1e-5)
    with pytest.raises(DoesNotFit, match="cannot start this training"):
        _train(Feedforward.dense(LAYERS), begun)


def test_a_model_of_other_sizes_is_refused():
    with pytest.raises(BadInput, match="other sizes than the layers"):
        _train(Feedforward.dense((49, 72, 9, 2)))
