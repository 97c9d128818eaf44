from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.transfer import Rectifier, Transfer
from anamorph.data.task import Task
from anamorph.errors import BadInput
from anamorph.network.model import answers
from anamorph.network.recurrent import GatedRecurrent
from anamorph.network.settings import TrainingSettings
from anamorph.network.train import train
from anamorph.substrate.ideal import Ideal

SMALL = GatedRecurrent(n_steps=5, n_frame=3, n_state=4, n_classes=2, limit=0.7)


def _transfer(model: GatedRecurrent, rng: np.random.Generator) -> Transfer:
    slopes = [jnp.asarray(np.exp(0.2 * rng.normal(size=(1, n)))) for n in model.layers]
    layers = tuple(Rectifier(a, 0 * a, 0 * a, (0.0, 1e-7)) for a in slopes)
    return Transfer(layers, jnp.ones(1), jnp.ones((1, 2)), "measured")


def test_a_sequence_is_answered_as_the_equations_say():
    rng = np.random.default_rng(0)
    transfer, n, limit = _transfer(SMALL, rng), SMALL.n_state, SMALL.limit
    matrix = rng.normal(0, 0.6, SMALL.layers) * SMALL.wiring.exists
    x = rng.uniform(0, 1, (6, 15))
    into, out = (np.asarray(a.slope)[0] for a in transfer.activations)

    def fired(values: np.ndarray) -> np.ndarray:
        return out * np.maximum((into * np.maximum(values, 0)) @ matrix, 0)

    wanted = []
    for sequence in x.reshape(6, 5, 3):
        h = np.zeros(n)
        for frame in sequence:
            seen = np.concatenate([frame, [1.0]])
            both = np.minimum(fired(np.concatenate([seen, h, 0 * h])) / limit, 1)
            z, r = both[:n], both[n : 2 * n]
            candidate = np.minimum(fired(np.concatenate([seen, 0 * h, r * h])) / limit, 1)[2 * n : 3 * n]
            h = z * h + (1 - z) * candidate
        wanted.append(fired(np.concatenate([np.zeros(3), [1.0], h, 0 * h]))[3 * n :])
    got = answers(SMALL, Ideal(SMALL.layers), transfer, [jnp.asarray(matrix)[None]], jnp.asarray(x))
    np.testing.assert_allclose(got[0], wanted, rtol=1e-9, atol=1e-12)


def test_synapses_are_those_of_three_gates_and_the_answers():
    joined = SMALL.wiring.exists
    assert joined.shape == SMALL.layers == (12, 14)
    assert SMALL.wiring.n_synapses == 3 * 4 * (3 + 1 + 4) + 2 * (1 + 4)
    # gates do not see the gated state, the candidate does not see the plain one, answers see no frame
    assert not joined[8:, :8].any() and not joined[4:8, 8:12].any() and not joined[:3, 12:].any()


def test_it_learns_what_only_a_memory_can_tell():
    """Which of two pulses came first, with three frames of noise after them."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 300)
    x = rng.uniform(0, 0.1, (300, 5, 2))
    which = np.arange(300)
    x[which, 0, y] += 0.8
    x[which, 1, 1 - y] += 0.8
    task = Task("order", x[:250].reshape(250, 10), y[:250], x[250:].reshape(50, 10), y[250:], ("a", "b"), "drawn here")
    model = GatedRecurrent(n_steps=5, n_frame=2, n_state=6, n_classes=2)
    chip = Ideal(model.layers)
    settings = TrainingSettings(
        epochs=60, learning_rate=0.02, target=1.0, init=2.0, init_bias=0.0, restarts=4, batch_size=25
    )
    transfer = Transfer.uniform(model.layers, 1.0, (0.0, 1.0))
    trained = train(chip, transfer, task, model.layers, settings, jax.random.key(0), model=model)
    assert not np.asarray(trained.weights[0][0])[~model.wiring.exists].any()
    found = answers(model, chip, transfer, trained.weights, jnp.asarray(task.x_test))
    assert np.mean(np.argmax(found[0], -1) == task.y_test) > 0.9
    chip.program(trained.weights, transfer)  # its weights are levels


def test_what_is_no_network_is_refused():
    for sizes, limit in (((0, 3, 4, 2), 1.0), ((5, 3, 4, 2), 0.0)):
        with pytest.raises(BadInput, match="not a recurrent network"):
            GatedRecurrent(*sizes, limit)
