"""Per-die training of a spiking network: what weights fitted to one die regain of what its transistors lost.

A die is known by its factors (what every mirror leg passes on, over what it was drawn for) and by every neuron's
own curve. Two ways of using what a bench can find of that:

* **readout**: only the rates of the last hidden layer are read, for images with labels, and classified by a linear
  function of its own outside the chip (27 x 10 multiplications and 10 offsets for MNIST). The chip stays as made.
* **all weights**: every leg is programmable within `RANGE`, every neuron's rate can be read, so every curve and every
  leg is known, the latter with an error of reading. Weights begin with what makes each neuron most like the nominal one
  (`anamorph.network.spiking_match`), and are then trained through the die's own curves. Signs stay.
* **both**: the weights are trained for such a readout, and together with one: what the output neurons do then does not
  matter, of which some cannot reach the others' rates.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.network.forward import decide
from anamorph.network.spiking import Structure, Weights
from anamorph.network.spiking_loss import SHARPNESS, cross_entropy
from anamorph.network.spiking_match import track
from anamorph.network.spiking_train import RISE

#: A programmable weight goes from the one that training begins with over this to that times this.
RANGE = 30.0
#: Least weight that training begins with, as a share of its layer's mean: one of zero would stay there.
FLOOR = 0.01
#: Steps, and their size, of the linear readout; the weight of its squared coefficients.
READOUT_STEPS, READOUT_RATE, READOUT_DECAY = 400, 0.05, 1e-4
#: What is added to the variance of a rate where weights are trained for a readout: of activations up to 1.
LEAST_VARIANCE = 1e-6


class OwnCurves(NamedTuple):
    """Activations of a layer whose neurons differ: tables on evenly spaced x from 0 to `x_max`.

    Attributes:
        values: ``[neurons, knots]``.
        x_max: the last knot.
    """

    values: Float[Array | np.ndarray, "neurons knots"]
    x_max: float = 1.0

    def __call__(self, x: Float[Array, "patterns neurons"]) -> Float[Array, "patterns neurons"]:
        """Each neuron's own value, linear between the knots, constant outside."""
        table = jnp.asarray(self.values, x.dtype)
        last = table.shape[1] - 1
        place = jnp.clip(x, 0.0, self.x_max) * (last / self.x_max)
        knot = jax.lax.stop_gradient(jnp.clip(place.astype(jnp.int32), 0, last - 1))
        neuron = jnp.arange(table.shape[0])
        low = table[neuron, knot]
        return low + (table[neuron, knot + 1] - low) * (place - knot)


class Die(NamedTuple):
    """One die.

    Attributes:
        factors: what each synapse passes on over what it was programmed for.
        curves: of its neurons, layer by layer.
    """

    factors: Weights
    curves: tuple[OwnCurves, ...]


@dataclass(frozen=True)
class TuneSettings:
    """Hyper-parameters of training all weights.

    Attributes:
        epochs: passes over the calibration images.
        learning_rate: of Adam for logarithms of weights; it falls to zero along a half cosine.
        batch_size: images of a step.
    """

    epochs: int = 15
    learning_rate: float = 0.03
    batch_size: int = 100

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not 0 < self.learning_rate < 10:
            raise BadInput("out of range", where="TuneSettings", got=repr(self)[:120])


def on_die(weights: Weights, die: Die) -> Weights:
    """What weights amount to on a die."""
    return jax.tree.map(lambda w, factor: w * factor, weights, die.factors)


def read(die: Die, reading: float, key: PRNGKeyArray) -> Die:
    """A die as the bench knows it: every factor off by `reading`, its logarithm normal; curves as they are."""
    words = np.asarray(jax.random.key_data(key)).ravel().tolist()
    rng = np.random.default_rng(words)
    off = lambda f: np.asarray(f) * np.exp(reading * rng.standard_normal(np.shape(f)))  # noqa: E731
    return die._replace(factors=jax.tree.map(off, die.factors))


def matched(structure: Structure, weights: Weights, known: Die, nominal: Float[np.ndarray, " knots"]) -> Weights:
    """Weights to program so that each neuron is most like the nominal one, without an image being shown.

    A neuron is given s times as much, and what it passes on is taken over a, for the s and a of its own curve; one that
    never spikes is left as it is.

    Args:
        structure: neurons and synapses.
        weights: of the nominal network.
        known: the die as the bench knows it.
        nominal: table of the nominal neuron, x from 0 to 1.
    """
    synapses, biases, before, last = [], [], None, len(known.curves) - 1
    for layer, curves in enumerate(known.curves):
        fits = np.array([track(nominal, np.asarray(own), curves.x_max, layer < last) for own in curves.values])
        s, a = np.where(np.isfinite(fits), fits, 1.0).T
        sources = structure.sources[layer]
        w = np.asarray(weights.synapses[layer]) * s
        if before is not None:
            w = w / (before[:, None] if sources is None else before[sources])
        synapses.append(w / np.asarray(known.factors.synapses[layer]))
        biases.append(np.asarray(weights.biases[layer]) * s / np.asarray(known.factors.biases[layer]))
        before = a
    return Weights(tuple(synapses), tuple(biases))


def tune(
    structure: Structure,
    begin: Weights,
    known: Die,
    x: Float[np.ndarray, "images inputs"],
    labels: Int[np.ndarray, " images"],
    settings: TuneSettings,
    key: PRNGKeyArray,
    *,
    outside: bool = False,
) -> Weights:
    """Weights to program into a die, trained through its own curves.

    Args:
        structure: neurons and synapses.
        begin: programmed weights that training begins with, such as `matched` ones.
        known: the die as the bench knows it.
        x: calibration images, values from 0 to 1.
        labels: their classes.
        settings: hyper-parameters.
        key: of the order of the images.
        outside: for a linear readout of the last hidden rates, in place of the output neurons.
    """
    taps, size = jnp.asarray(structure.taps(x), jnp.float32), min(settings.batch_size, len(x))
    start = Weights(tuple(_raised(w) for w in begin.synapses), tuple(_raised(b) for b in begin.biases))
    run = _tuned(structure, settings, size, tuple(c.x_max for c in known.curves), outside)
    as_float = functools.partial(jax.tree.map, lambda a: jnp.asarray(a, jnp.float32))
    tables = tuple(c.values for c in known.curves)
    found = run(as_float(start), as_float(known.factors), as_float(tables), taps, jnp.asarray(labels, jnp.int32), key)
    return jax.tree.map(lambda w: np.asarray(w, np.float64), found)


@functools.lru_cache(maxsize=8)
def _tuned(structure: Structure, settings: TuneSettings, size: int, ends: tuple[float, ...], outside: bool):
    """The whole training as one compiled function."""
    limit = float(np.log(RANGE))

    def weights_of(log: Any, start: Any) -> Any:
        return jax.tree.map(lambda u, w: w * jnp.exp(jnp.clip(u, -limit, limit)), log, start)

    def loss(parts: Any, start: Any, factors: Any, tables: Any, taps: Array, labels: Array, rise: Array) -> Array:
        log, sharpness, linear = parts
        die = Die(factors, tuple(OwnCurves(t, end) for t, end in zip(tables, ends, strict=True)))
        excitations, y = structure.forward(on_die(weights_of(log, start), die), die.curves, taps)
        used = excitations[:-1] if outside else excitations
        above = sum(jnp.mean(jax.nn.relu(x - end) ** 2) for x, end in zip(used, ends, strict=False))
        if not outside:
            return cross_entropy(y, labels, sharpness, rise) + above
        rates = die.curves[-2](excitations[-2])
        # a neuron that does not spike has no spread
        rates = (rates - rates.mean(axis=0)) / jnp.sqrt(rates.var(axis=0) + LEAST_VARIANCE)
        return _regression(linear, rates, labels) + above

    @jax.jit
    def run(start: Weights, factors: Weights, tables: Any, taps: Array, labels: Array, key: Array) -> Any:
        batches = len(taps) // size
        steps = settings.epochs * batches
        adam = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, steps))
        hidden, classes = structure.layers[-2:]
        linear = jnp.zeros((hidden, classes), jnp.float32), jnp.zeros(classes, jnp.float32)
        state = (jax.tree.map(jnp.zeros_like, start), jnp.asarray(SHARPNESS, jnp.float32), linear)
        orders = jax.vmap(lambda k: jax.random.permutation(k, len(taps))[: batches * size])(
            jax.random.split(key, settings.epochs)
        )

        def step(carry: Any, at: tuple[Array, Array]) -> tuple[Any, None]:
            (state, memory), (number, rows) = carry, at
            rise = jnp.minimum(1.0, (number + 0.5) / (RISE * steps))
            slope = jax.grad(loss)(state, start, factors, tables, taps[rows], labels[rows], rise)
            update, memory = adam.update(slope, memory)
            return (optax.apply_updates(state, update), memory), None

        numbers = jnp.arange(steps, dtype=jnp.float32)
        carry: Any = jax.lax.scan(step, (state, adam.init(state)), (numbers, orders.reshape(steps, size)))[0]
        return weights_of(carry[0][0], start)

    return run


def readout_accuracy(
    structure: Structure,
    weights: Weights,
    die: Die,
    calibration: tuple[Float[np.ndarray, "images inputs"], Int[np.ndarray, " images"]],
    test: tuple[Float[np.ndarray, "tests inputs"], Int[np.ndarray, " tests"]],
) -> float:
    """Share of the test images that a linear function of the last hidden rates, fitted to this die, gets right."""
    seen = [_hidden(structure, weights, die, images) for images, _ in (calibration, test)]
    centre, spread = seen[0].mean(axis=0), seen[0].std(axis=0) + 1e-9
    known, asked = ((rates - centre) / spread for rates in seen)
    slopes, offsets = _fitted(jnp.asarray(known), jnp.asarray(calibration[1], jnp.int32), structure.layers[-1])
    return float(np.mean(np.argmax(asked @ np.asarray(slopes) + np.asarray(offsets), axis=1) == test[1]))


def accuracy(
    structure: Structure, weights: Weights, die: Die, x: Float[np.ndarray, "images inputs"],
    labels: Int[np.ndarray, " images"],
) -> float:  # fmt: skip
    """Share of the images that a die gets right; an answer that two outputs share is none."""
    return float(np.mean(decide(_answers(structure, weights, die, x)[1]) == labels))


def _hidden(structure: Structure, weights: Weights, die: Die, x: np.ndarray) -> np.ndarray:
    excitation = _answers(structure, weights, die, x)[0]
    return np.asarray(die.curves[-2](jnp.asarray(excitation)))


def _answers(structure: Structure, weights: Weights, die: Die, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Excitations of the last hidden layer, and outputs."""
    made = jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), on_die(weights, die))
    tables = tuple(jnp.asarray(c.values, jnp.float32) for c in die.curves)
    taps = jnp.asarray(structure.taps(x), jnp.float32)
    excitations, y = _forward(structure, tuple(c.x_max for c in die.curves))(made, tables, taps)
    return np.asarray(excitations[-2]), np.asarray(y)


@functools.lru_cache(maxsize=8)
def _forward(structure: Structure, ends: tuple[float, ...]):
    return jax.jit(
        lambda w, tables, taps: structure.forward(
            w, tuple(OwnCurves(t, end) for t, end in zip(tables, ends, strict=True)), taps
        )
    )


@functools.partial(jax.jit, static_argnums=2)
def _fitted(rates: Array, labels: Array, classes: int) -> tuple[Array, Array]:
    """Slopes and offsets of a softmax regression."""
    begin = (jnp.zeros((rates.shape[1], classes), rates.dtype), jnp.zeros(classes, rates.dtype))
    adam = optax.adam(optax.cosine_decay_schedule(READOUT_RATE, READOUT_STEPS))

    def step(carry: Any, _: None) -> tuple[Any, None]:
        parts, memory = carry
        update, memory = adam.update(jax.grad(_regression)(parts, rates, labels), memory)
        return (optax.apply_updates(parts, update), memory), None

    carry: Any = jax.lax.scan(step, (begin, adam.init(begin)), None, length=READOUT_STEPS)[0]
    return carry[0]


def _regression(parts: tuple[Array, Array], rates: Array, labels: Array) -> Array:
    """Cross-entropy of a linear function of rates, and a penalty on its slopes."""
    entropy = optax.softmax_cross_entropy_with_integer_labels(rates @ parts[0] + parts[1], labels).mean()
    return entropy + READOUT_DECAY * jnp.sum(parts[0] ** 2)


def _raised(w: Array | np.ndarray) -> np.ndarray:
    """Weights with none nearer to zero than `FLOOR` of the layer's mean; a layer without any stays without."""
    found = np.asarray(w, float)
    least = FLOOR * np.abs(found).mean()
    return np.where(np.abs(found) < least, np.where(found < 0, -least, least), found)
