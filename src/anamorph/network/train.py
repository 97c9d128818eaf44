"""Training through measured neurons: one compiled computation for all chips and all restarts.

Each chip has its own slopes and its own representable weights, so each gets a network of its own. The loss
is the mean squared error on one-hot targets plus an L1 penalty on negative weights; Adam updates a
high-precision copy of the weights, and forward and gradient use the copy rounded to the chip's levels
(Binas et al. 2016, sections 1.1 and 3.4). Of all epochs and restarts, the rounded weights with the lowest
training loss are kept; test samples are not looked at.

A chip's deviations reach this file through `Transfer` alone: nothing here takes a die.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

from anamorph.characterise.transfer import Transfer
from anamorph.data.task import Task
from anamorph.errors import BadInput, DoesNotFit
from anamorph.network.forward import check_finite, check_layers, decide
from anamorph.network.model import Feedforward, Model, check_model, representable, rounded
from anamorph.network.quantise import nearest_index
from anamorph.network.settings import TrainingSettings
from anamorph.network.start import batch_rows, starting_weights
from anamorph.substrate.contract import Shape, Substrate
from anamorph.threads import in_threads

#: Chips trained together: the pieces are shared out to the cores.
PIECE = 25
#: One matrix per pair of layers; each has its own sizes, so the axes have no names.
Weights = tuple[Float[Array, "*restarts _ _"], ...]


@dataclass(frozen=True)
class Trained:
    """One network per chip.

    Attributes:
        weights: representable levels of each chip, one array per weight matrix, ``[dies, n_in, n_out]``.
        stored: the high-precision parameters that round and unroll to them, from which training can go on.
        loss: mean squared error on the training samples, with these weights, ``[dies]``.
        train_accuracy: fraction of the training samples that come out right, ``[dies]``.
        layers: neurons per layer, inputs first.
    """

    weights: tuple[Float[Array, "dies _ _"], ...] = field(repr=False)
    stored: tuple[Float[np.ndarray, "dies _ _"], ...] = field(repr=False)
    loss: Float[np.ndarray, " dies"]
    train_accuracy: Float[np.ndarray, " dies"]
    layers: Shape


def train(
    substrate: Substrate,
    transfer: Transfer,
    task: Task,
    layers: tuple[int, ...],
    settings: TrainingSettings,
    key: PRNGKeyArray,
    start: Trained | None = None,
    model: Model | None = None,
) -> Trained:
    """Train one network per chip, through that chip's measured characteristics.

    Args:
        substrate: kind of circuit: how a layer computes and which weights exist.
        transfer: what was measured of each chip (or is assumed of it).
        task: only its training samples are used.
        layers: neurons per layer, inputs first; at most the chip's shape. The network is placed on the
            first neurons of each layer.
        settings: hyper-parameters.
        key: of the starting weights and the order of the batches. Chip ``i`` depends on `key` and ``i``.
        start: networks to go on from, one per chip or one for all, in place of random weights: fine-tuning.
        model: what is trained, where that is not every neuron to every neuron of the next layer.

    Raises:
        BadInput: a die where a `Transfer` is due, layers that do not chain with the task.
        DoesNotFit: layers that the chip does not have.
    """
    layers, model = _check(substrate, transfer, task, layers, settings, model)
    if transfer.synapses is not None:  # nothing is left to expect: no need to draw it
        settings = replace(settings, mismatch=0.0)
    chosen = transfer.select(layers)
    grids = [grid.cut(*sizes) for grid, sizes in zip(substrate.weight_grids(transfer), _sizes(layers), strict=True)]
    levels = tuple(np.asarray(grid.levels) for grid in grids)
    one_hot = settings.target * np.eye(model.n_classes)[task.y_train]
    begin = (
        starting_weights(key, transfer.n_dies, model.wirings, settings)
        if start is None
        else _taken_up(start, layers, chosen, model)
    )
    chips = (_float32(chosen), _float32(levels), begin, _die_keys(key, transfer.n_dies))
    shared = (batch_rows(key, len(task.x_train), settings), _float32(task.x_train), _float32(one_hot))
    numbers, stored, outputs = _fit_in_pieces(_Same(substrate, model), settings, chips, shared)
    # Training rounds in float32; the chip's levels are handed back at their own precision.
    weights = tuple(jnp.asarray(grid.at(np.asarray(index))) for grid, index in zip(grids, numbers, strict=True))
    loss = np.mean((np.asarray(outputs) - one_hot) ** 2, axis=(1, 2))
    return Trained(weights, stored, loss, np.mean(decide(outputs) == task.y_train, axis=-1), layers)


@dataclass(frozen=True, eq=False)
class _Same:
    """A substrate as a static argument: equal to itself alone, so compiled code is never reused wrongly."""

    substrate: Substrate
    model: Model

    def __hash__(self) -> int:
        return hash((id(self.substrate), self.model))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.substrate is self.substrate and other.model == self.model


def _sizes(layers: Shape) -> list[tuple[int, int]]:
    return list(zip(layers, layers[1:], strict=False))


def _taken_up(start: Trained, layers: Shape, transfer: Transfer, model: Model) -> tuple[np.ndarray, ...]:
    """Stored weights as the one restart of every chip."""
    shapes, due = [w.shape[1:] for w in start.stored], [wiring.shape for wiring in model.wirings]
    if start.layers != layers or len(start.stored[0]) not in (1, transfer.n_dies) or shapes != due:
        raise DoesNotFit(
            "these networks cannot start this training",
            where="train: start",
            expected=f"layers {layers}, 1 or {transfer.n_dies} networks of parameters {due}",
            got=f"layers {start.layers}, {len(start.stored[0])} networks of {shapes}",
        )
    shape = (transfer.n_dies, 1)
    return tuple(np.broadcast_to(w[:, None], (*shape, *w.shape[1:])).astype(np.float32) for w in start.stored)


def _fit_in_pieces(same: _Same, settings: TrainingSettings, chips: Any, shared: Any) -> Any:
    """`_fit_all` for a few chips at a time, on all cores; compiled once."""
    count = chips[0].n_dies
    size = min(PIECE, count)
    rows = [np.minimum(np.arange(low, low + size), count - 1) for low in range(0, count, size)]
    pieces = [jax.tree.map(lambda leaf, row=row: leaf[row], chips) for row in rows]
    compiled = _fit_all.lower(same, settings, *pieces[0], *shared).compile()
    fitted = in_threads(lambda piece: jax.block_until_ready(compiled(*piece, *shared)), pieces, warm=True)
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *fitted)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _fit_all(
    same: _Same,
    settings: TrainingSettings,
    transfer: Transfer,
    levels: tuple[Float[Array, "dies ... n_levels"], ...],
    starts: tuple[Float[Array, "dies restarts _ _"], ...],
    keys: UInt32[Array, "dies _"],
    batches: Int[Array, "epochs batches rows"] | None,
    x: Float[Array, "samples n_in"],
    one_hot: Float[Array, "samples n_out"],
) -> tuple[
    tuple[Int[Array, "dies _ _"], ...], tuple[Float[Array, "dies _ _"], ...], Float[Array, "dies samples n_out"]
]:
    """The best weights of every chip, as indices of its levels and as stored, and what they answer to `x`."""

    def fit_chip(chip: Transfer, grids: tuple[Array, ...], start: Weights, own: Array) -> Any:
        loss = functools.partial(_loss, same, settings, chip, grids)
        inside = functools.partial(representable, same.model, grids)
        descend = functools.partial(_descend, loss, settings, inside, batches, x, one_hot)
        losses, candidates = jax.vmap(descend, in_axes=(0, None))(start, own)
        best = jnp.argmin(jnp.where(jnp.isnan(losses), jnp.inf, losses))
        stored = tuple(matrix[best] for matrix in candidates)
        weights = rounded(same.model, stored, grids)
        index = tuple(nearest_index(matrix, grid) for matrix, grid in zip(weights, grids, strict=True))
        return index, stored, same.model.answer(same.substrate, chip, weights, x)

    return jax.vmap(fit_chip)(transfer, levels, starts, keys)


def _loss(
    same: _Same,
    settings: TrainingSettings,
    chip: Transfer,
    grids: tuple[Array, ...],
    stored: Weights,
    x: Array,
    one_hot: Array,
    key: Array | None = None,
) -> tuple[Array, tuple[Array, Weights]]:
    """Penalised loss with rounded weights; beside it the plain error and the weights before rounding.

    With a key each weight deviates as on some die of the process: what is learned must serve them all.
    """
    weights = rounded(same.model, stored, grids)
    if key is not None and settings.mismatch:
        weights = tuple(
            w + settings.mismatch * jax.lax.stop_gradient(same.substrate.weight_spread(chip, w)) * _normal(key, i, w)
            for i, w in enumerate(weights)
        )
    error = jnp.mean((same.model.answer(same.substrate, chip, weights, x) - one_hot) ** 2)
    negative = sum(jnp.sum(jax.nn.relu(-matrix)) for matrix in weights)
    return error + settings.l1_negative * negative, (error, stored)


def _descend(
    loss: Any,
    settings: TrainingSettings,
    inside: Callable[[Any], Any],
    batches: Array | None,
    x: Array,
    one_hot: Array,
    start: Weights,
    key: Array,
) -> tuple[Array, Weights]:
    """Adam over all epochs: the lowest training error seen, and the stored weights that gave it."""
    steps = settings.epochs * (1 if batches is None else batches.shape[1])
    adam = optax.adam(_schedule(settings, steps))
    gradient = jax.grad(loss, has_aux=True)

    def step(state: Any, batch: Any) -> tuple[Any, Any]:
        weights, memory, number = state
        slope, seen = gradient(weights, *batch, jax.random.fold_in(key, number))
        update, memory = adam.update(slope, memory)
        weights = optax.apply_updates(weights, update)
        # The store stays inside the grid, where the gradient passes, so a weight can always come back.
        weights = inside(weights)
        return (weights, memory, number + 1), seen

    def epoch(carry: Any, rows: Any) -> tuple[Any, None]:
        state, best = carry
        if rows is None:
            after, seen = step(state, (x, one_hot))
        else:
            seen = loss(state[0], x, one_hot)[1]
            after, _ = jax.lax.scan(lambda s, some: step(s, (x[some], one_hot[some])), state, rows)
        return (after, _better(best, seen)), None

    # An epoch judges the weights it starts with. The one extra judges the last; its learning rate is zero.
    begin = ((start, adam.init(start), 0), (jnp.asarray(jnp.inf, jnp.float32), start))
    (_, best), _ = jax.lax.scan(epoch, begin, batches, length=settings.epochs + 1)
    return best


def _normal(key: Array, matrix: int, like: Array) -> Array:
    return jax.random.normal(jax.random.fold_in(key, matrix), like.shape, like.dtype)


def _die_keys(key: PRNGKeyArray, count: int) -> np.ndarray:
    """Raw keys of the disturbances, one per chip, that depend on its number alone."""
    words = np.asarray(jax.random.key_data(key)).astype(np.uint32).ravel()
    return np.stack([np.array([words[0], words[-1] + die], np.uint32) for die in range(count)])


def _schedule(settings: TrainingSettings, steps: int) -> optax.Schedule:
    rise = int(settings.warmup * steps)
    fall = optax.cosine_decay_schedule(settings.learning_rate, steps - rise)
    if not rise:
        return fall
    return optax.join_schedules([optax.linear_schedule(0.0, settings.learning_rate, rise), fall], [rise])


def _better(best: tuple[Array, Weights], seen: tuple[Array, Weights]) -> tuple[Array, Weights]:
    """Whichever has the lower error; a NaN never wins."""
    wins = seen[0] < best[0]
    return jax.tree.map(lambda new, old: jnp.where(wins, new, old), seen, best)


def _float32(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), tree)


def _check(
    substrate: Any, transfer: Any, task: Any, layers: tuple[int, ...], settings: Any, model: Model | None
) -> tuple[Shape, Model]:
    kinds = (
        ("substrate", substrate, Substrate),
        ("transfer", transfer, Transfer),
        ("task", task, Task),
        ("settings", settings, TrainingSettings),
    )
    for name, value, kind in kinds:
        if not isinstance(value, kind):
            raise BadInput(
                f"training takes a {kind.__name__} here",
                where=f"train: {name}",
                expected=kind.__name__,
                got=type(value).__name__,
                advice="A chip is trained through its measurement: measure it, fit, and give the Transfer."
                if kind is Transfer
                else None,
            )
    check_finite(transfer)
    layers = check_layers(layers, substrate.shape)
    model = Feedforward.dense(layers) if model is None else model
    check_model(model, layers, task)
    return layers, model
