"""What the noise of a multiply-accumulate cell does to networks: errors against noise power, plain and trained for it.

For each network and number of bits two sets of weights: trained without noise, and from there on through noise. Both
are judged on test images with fresh noise in both readings (a part of the weights, of every branch), as dies whose
weights deviate for good by so much, and as dies whose transistors deviate by the area law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float

from anamorph.data import cifar, mnist
from anamorph.data.checks import first_of
from anamorph.mixed_signal.dies import Cell, cell_spreads, mismatched
from anamorph.mixed_signal.experiment import MixedSignalExperiment
from anamorph.mixed_signal.monte_carlo import Errors, fresh_noise, frozen_deviations
from anamorph.mixed_signal.network import MacNetwork, Weights, convolutional, fully_connected, rounded
from anamorph.mixed_signal.noise import weight_noise
from anamorph.mixed_signal.train import Training, train
from anamorph.provenance import named_key
from anamorph.technology import load

#: The operating point that the papers quote, V^2: 100 pA through a branch.
QUOTED = 1e-6
#: What the extended paper quotes together with mismatch, V^2; and the tail current that cells are made for, A.
WITH_MISMATCH, TAIL = 1e-7, 200e-12
#: Layers of the networks (assumed: the papers do not give them).
FCN_HIDDEN, MNIST_CHANNELS, CIFAR_CHANNELS, KERNEL = (100,), (6, 12), (8, 16), 5
#: Deviations of dies are cut at so many sigmas.
SIGMAS = 3.0
#: Error (a share) above that without noise at which noise counts as too large.
ALLOWED = 0.01


@dataclass(frozen=True)
class Images:
    """A data set as rows of values from 0 to 1, with what has to be said of it."""

    x_train: Float[np.ndarray, "n features"]
    y_train: np.ndarray
    x_test: Float[np.ndarray, "m features"]
    y_test: np.ndarray
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Errors of one set of weights.

    Attributes:
        clean: without noise.
        fresh: noise as a random part of the weights, new for every multiplication.
        branches: noise of every branch, whatever its input.
        frozen: weights that deviate for good.
        dies: of cells whose every transistor deviates by the area law, with noise of `WITH_MISMATCH` of every branch.
    """

    clean: float
    fresh: Errors
    branches: Errors
    frozen: Errors
    dies: Errors


@dataclass(frozen=True)
class Case:
    """One network with weights of so many bits.

    Attributes:
        network: its name.
        n_bits: of a weight's magnitude.
        plain: trained without noise.
        aware: trained on through noise; None where that was not asked for.
    """

    network: str
    n_bits: int
    plain: Judged
    aware: Judged | None


@dataclass(frozen=True)
class Study:
    """All cases.

    Attributes:
        powers: noise powers of a branch at the output, V^2.
        sigmas: the same as standard deviations of a weight in units of the largest.
        full_scale: of the cell, V.
        cases: networks by numbers of bits.
        macs: multiplications per image of each network.
        tested: test images of each network.
        warnings: of the data.
    """

    powers: Float[np.ndarray, " powers"]
    sigmas: Float[np.ndarray, " powers"]
    full_scale: float
    cases: tuple[Case, ...]
    macs: dict[str, int]
    tested: dict[str, int]
    warnings: tuple[str, ...]


def network_of(name: str) -> MacNetwork:
    """The layers of a built-in network."""
    built = {
        "mnist_fcn": lambda: fully_connected((28, 28, 1), FCN_HIDDEN, 10),
        "mnist_cnn": lambda: convolutional((28, 28, 1), MNIST_CHANNELS, KERNEL, 10),
        "cifar_cnn": lambda: convolutional((32, 32, 3), CIFAR_CHANNELS, KERNEL, 10),
    }
    return built[name]()


def images_of(name: str, train: int | None, test: int | None) -> Images:
    """The data of a built-in network.

    Raises:
        BadInput: files that are not here or cannot be used; more images than there are.
    """
    if name == "cifar_cnn":
        task = cifar.cifar10(None if train is None else min(train, len(cifar.read("train").labels)), test)
        return Images(task.x_train, task.y_train, task.x_test, task.y_test, task.warnings)
    found = mnist.read()
    n, m = first_of(train, len(found.x_train), "train"), first_of(test, len(found.x_test), "test")
    return Images(
        found.x_train[:n].reshape(n, -1) / 255.0, found.y_train[:n].astype(int),
        found.x_test[:m].reshape(m, -1) / 255.0, found.y_test[:m].astype(int),
    )  # fmt: skip


def study(
    experiment: MixedSignalExperiment,
    full_scale: float,
    keep: Callable[[str, Callable[[], dict[str, np.ndarray]]], dict[str, np.ndarray]],
    tell: Callable[[str], None] = lambda part: None,
) -> Study:
    """Train and judge all networks.

    Args:
        experiment: which networks, bits and noise powers.
        full_scale: of the cell, V.
        keep: ``keep(name, make)`` gives the arrays that were made under this name before, or makes them.
        tell: shows a reader who waits what is being done.
    """
    # rising, and with the quoted one, at which results are told
    powers = np.unique([*experiment.noise_powers, QUOTED])
    sigmas = weight_noise(powers, full_scale)
    cases, macs, tested, warnings = [], {}, {}, []
    for name in experiment.networks:
        data, network = images_of(name, experiment.train, _at_most(name, experiment.test)), network_of(name)
        macs[name], tested[name] = network.macs, len(data.y_test)
        warnings += [text for text in data.warnings if text not in warnings]
        for n_bits in experiment.n_bits:
            cases.append(_case(experiment, name, network, data, n_bits, sigmas, full_scale, keep, tell))
    return Study(powers, sigmas, full_scale, tuple(cases), macs, tested, tuple(warnings))


def _at_most(name: str, test: int | None) -> int | None:
    """Of CIFAR-10 there may be fewer test images than asked for: all that are here, then, which the result says."""
    if name != "cifar_cnn" or test is None:
        return test
    return min(test, len(cifar.read("test").labels))


def _case(
    experiment: MixedSignalExperiment, name: str, network: MacNetwork, data: Images, n_bits: int,
    sigmas: np.ndarray, full_scale: float, keep: Callable, tell: Callable[[str], None],
) -> Case:  # fmt: skip
    key = named_key(experiment.seed, f"{name} {n_bits}")
    cell = cell_spreads(load(experiment.technology), n_bits, TAIL)
    settings = Training(experiment.epochs, experiment.batch_size, experiment.learning_rate, n_bits)

    def fitted(begin: tuple[Weights, ...] | None, settings: Training, part: str) -> dict[str, np.ndarray]:
        def say(epoch: int, loss: float) -> None:
            tell(f"{name}, {n_bits} bits, {part}: epoch {epoch + 1} of {settings.epochs}")

        return _flat(train(network, data.x_train, data.y_train, settings, key, say, begin).stored)

    def judged(stored: tuple[Weights, ...], part: str) -> Judged:
        tell(f"{name}, {n_bits} bits, {part}: noise")
        return _judge(experiment, network, rounded(stored, n_bits), data, sigmas, key, cell, full_scale)

    plain = _weights(keep(f"{name}-{n_bits}", lambda: fitted(None, settings, "plain")))
    aware = None
    if experiment.noise_epochs:
        sigma = float(weight_noise(experiment.training_noise, full_scale))
        through = replace(settings, epochs=experiment.noise_epochs, learning_rate=settings.learning_rate / 3,
                          noise=sigma)  # fmt: skip
        noisy = _weights(keep(f"{name}-{n_bits}-noise", lambda: fitted(plain, through, "through noise")))
        aware = judged(noisy, "through noise")
    return Case(name, n_bits, judged(plain, "plain"), aware)


def _judge(
    experiment: MixedSignalExperiment, network: MacNetwork, weights: tuple[Weights, ...], data: Images,
    sigmas: np.ndarray, key: jax.Array, cell: Cell, full_scale: float,
) -> Judged:  # fmt: skip
    given = (network, weights, data.x_test, data.y_test)
    clean = fresh_noise(*given, np.zeros(1), 1, key).error[0, 0]
    draws = experiment.draws
    return Judged(
        float(clean),
        fresh_noise(*given, sigmas, draws, key),
        fresh_noise(*given, sigmas, draws, key, of_branches=True),
        frozen_deviations(*given, sigmas, draws, key, limit=SIGMAS),
        mismatched(*given, cell, draws, key, sigma=float(weight_noise(WITH_MISMATCH, full_scale)), limit=SIGMAS),
    )


def allowed_power(reading: Errors, powers: np.ndarray, base: float) -> float | None:
    """The noise power at which the mean error is `ALLOWED` above `base`, V^2; None where it stays below throughout.

    Between two powers the error is taken as linear in the logarithm of the power.
    """
    above = reading.mean - base - ALLOWED
    over = np.flatnonzero(above > 0)
    if not len(over):
        return None
    i = int(over[0])
    if i == 0:
        return float(powers[0])
    share = -above[i - 1] / (above[i] - above[i - 1])
    return float(np.exp(np.interp(share, [0, 1], np.log(powers[i - 1 : i + 1]))))


def _flat(weights: tuple[Weights, ...]) -> dict[str, np.ndarray]:
    return {f"{part}_{i}": np.asarray(getattr(w, part)) for i, w in enumerate(weights) for part in Weights._fields}


def _weights(arrays: dict[str, np.ndarray]) -> tuple[Weights, ...]:
    count = len(arrays) // len(Weights._fields)
    as_trained = jax.numpy.float32
    return tuple(
        Weights(*(jax.numpy.asarray(arrays[f"{part}_{i}"], as_trained) for part in Weights._fields))
        for i in range(count)
    )
