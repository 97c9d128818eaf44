"""Where training starts: random weights, and the order in which batches come.

Drawn with numpy, seeded by the key, since compiling JAX's own generator took longer than all of the training
of a small network. Every chip and restart has its own stream, whatever the number of others.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from anamorph.network.settings import TrainingSettings
from anamorph.network.wiring import Wiring

#: Streams of one key: starting weights are `_WEIGHTS`, die, restart; batches are `_BATCHES`.
_WEIGHTS, _BATCHES = 0, 1


def starting_weights(
    key: PRNGKeyArray, n_dies: int, wirings: Sequence[Wiring], settings: TrainingSettings
) -> tuple[Float[np.ndarray, "dies restarts _ _"], ...]:
    """Uniform parameters scaled by fan-in, one set per chip and restart, float32."""
    sizes = [wiring.shape for wiring in wirings]
    matrices = [np.empty((n_dies, settings.restarts, *size), np.float32) for size in sizes]
    for die, restart in np.ndindex(n_dies, settings.restarts):
        generator = _generator(key, _WEIGHTS, die, restart)
        for matrix, size, wiring in zip(matrices, sizes, wirings, strict=True):
            draw = generator.uniform(settings.init_bias - 1, settings.init_bias + 1, size)
            draw = np.abs(draw) if wiring.positive else draw
            matrix[die, restart] = draw * settings.init / np.sqrt(size[0])
    return tuple(matrices)


def batch_rows(
    key: PRNGKeyArray, n_samples: int, settings: TrainingSettings
) -> Int[np.ndarray, "epochs batches rows"] | None:
    """Which samples each batch holds, for all epochs and one more; None when a batch is the whole set.

    Each epoch has its own order; the samples that fill no whole batch are left out of that epoch.
    """
    size = settings.batch_size
    if size is None or size >= n_samples:
        return None
    used = n_samples // size * size
    generator = _generator(key, _BATCHES)
    epochs = [generator.permutation(n_samples)[:used] for _ in range(settings.epochs + 1)]
    return np.stack(epochs).astype(np.int32).reshape(len(epochs), -1, size)


def _generator(key: PRNGKeyArray, *stream: int) -> np.random.Generator:
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    return np.random.default_rng([*words, *stream])
