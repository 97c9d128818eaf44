"""What the noise of a multiply-accumulate cell does to networks: errors against noise power, plain and trained for it.

A network is trained once, with the most bits. From there two sets of weights follow for each number of bits, by equally
many further epochs: without noise, and through noise of every branch. So what they differ in is bits and noise alone,
and not the start or the time that training was given. Both are judged on test images with fresh noise of every branch,
the first also as dies whose transistors deviate by the area law; of the fewest bits also with the other readings of the
same power: a part of the weights, and frozen for good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float

from anamorph.data import cifar, mnist
from anamorph.data.checks import first_of
from anamorph.mixed_signal.dies import cell_spreads, mismatched
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
#: Layers of the networks (assumed: the papers do not give them): neurons, channels, sides of kernels.
FCN_HIDDEN, MNIST_CHANNELS, MNIST_KERNELS = (100,), (6, 12), (5, 5)
CIFAR_CHANNELS, CIFAR_KERNELS = (24, 48, 64), (5, 3, 3)
#: Deviations of dies are cut at so many sigmas.
SIGMAS = 3.0
#: Error (a share) above that without noise at which noise counts as too large.
ALLOWED = 0.01


@dataclass(frozen=True)
class Images:
    """A data set as rows of values from 0 (photographs: -1) to 1, full scale, with what has to be said of it."""

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
        branches: noise of every branch, whatever its input.
        dies: of cells whose every transistor deviates by the area law, with noise of `WITH_MISMATCH` of every branch;
            None where that was not asked for, as below.
        fresh: noise as a random part of the weights, new for every multiplication.
        frozen: weights that deviate for good.
    """

    clean: float
    branches: Errors
    dies: Errors | None = None
    fresh: Errors | None = None
    frozen: Errors | None = None


@dataclass(frozen=True)
class Case:
    """One network with weights of so many bits.

    Attributes:
        network: its name.
        n_bits: of a weight's magnitude.
        plain: trained without noise.
        aware: trained for as long, the last epochs through noise; None where that was not asked for.
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
        "mnist_cnn": lambda: convolutional((28, 28, 1), MNIST_CHANNELS, MNIST_KERNELS, 10),
        "cifar_cnn": lambda: convolutional((32, 32, 3), CIFAR_CHANNELS, CIFAR_KERNELS, 10),
    }
    return built[name]()


def images_of(name: str, train: int | None, test: int | None) -> Images:
    """The data of a built-in network.

    Raises:
        BadInput: files that are not here or cannot be used; more images than there are.
    """
    if name == "cifar_cnn":
        task = cifar.cifar10(None if train is None else min(train, len(cifar.read("train").labels)), test)
        # signals are differential: grey is no signal, black and white are full scale
        x_train, x_test = ((2 * x - 1).astype(np.float32) for x in (task.x_train, task.x_test))
        return Images(x_train, task.y_train, x_test, task.y_test, task.warnings)
    found = mnist.read()
    n, m = first_of(train, len(found.x_train), "train"), first_of(test, len(found.x_test), "test")
    return Images(
        found.x_train[:n].reshape(n, -1) / np.float32(255), found.y_train[:n].astype(int),
        found.x_test[:m].reshape(m, -1) / np.float32(255), found.y_test[:m].astype(int),
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
        cases += _cases(experiment, name, network, data, sigmas, full_scale, keep, tell)
    return Study(powers, sigmas, full_scale, tuple(cases), macs, tested, tuple(warnings))


def _at_most(name: str, test: int | None) -> int | None:
    """Of CIFAR-10 there may be fewer test images than asked for: all that are here, then, which the result says."""
    if name != "cifar_cnn" or test is None:
        return test
    return min(test, len(cifar.read("test").labels))


def _cases(
    experiment: MixedSignalExperiment, name: str, network: MacNetwork, data: Images,
    sigmas: np.ndarray, full_scale: float, keep: Callable, tell: Callable[[str], None],
) -> Iterator[Case]:  # fmt: skip
    """One network with all numbers of bits."""
    key, most = named_key(experiment.seed, name), max(experiment.n_bits)
    epochs = experiment.cifar_epochs if name == "cifar_cnn" else experiment.epochs
    common = Training(epochs, experiment.batch_size, experiment.learning_rate, most, distort=name == "cifar_cnn")

    def kept(stage: str, said: str, settings: Training, begin: tuple[Weights, ...] | None) -> tuple[Weights, ...]:
        def say(epoch: int, loss: float) -> None:
            tell(f"{name}, {said}: epoch {epoch + 1} of {settings.epochs}")

        def make() -> dict[str, np.ndarray]:
            return _flat(train(network, data.x_train, data.y_train, settings, key, say, begin).stored)

        return _weights(keep(f"{name}-{stage}", make))

    begin = kept("common", f"{most} bits", common, None)
    rate, noise = experiment.learning_rate / 3, float(weight_noise(experiment.training_noise, full_scale))
    for n_bits in experiment.n_bits:
        on = replace(common, epochs=max(1, experiment.noise_epochs), n_bits=n_bits, learning_rate=rate)
        judge = _Judge(experiment, network, data, n_bits, sigmas, jax.random.fold_in(key, n_bits), full_scale)
        plain = kept(f"{n_bits}", f"{n_bits} bits", on, begin)
        tell(f"{name}, {n_bits} bits: under noise")
        judged, aware = judge.all(plain), None
        if experiment.noise_epochs:
            through = replace(on, noise=noise, of_branches=True)
            noisy = kept(f"{n_bits}-noise", f"{n_bits} bits, through noise", through, begin)
            tell(f"{name}, {n_bits} bits, trained through noise: under noise")
            aware = Judged(judge.clean(noisy), judge.branches(noisy))
        yield Case(name, n_bits, judged, aware)


@dataclass(frozen=True)
class _Judge:
    """Judges weights of so many bits on a network's test images."""

    experiment: MixedSignalExperiment
    network: MacNetwork
    data: Images
    n_bits: int
    sigmas: np.ndarray
    key: jax.Array
    full_scale: float

    def clean(self, stored: tuple[Weights, ...]) -> float:
        given = self._given(stored)
        return float(fresh_noise(*given, np.zeros(1), 1, self.key).error[0, 0])

    def branches(self, stored: tuple[Weights, ...]) -> Errors:
        given = self._given(stored)
        return fresh_noise(*given, self.sigmas, self.experiment.draws, self.key, of_branches=True)

    def all(self, stored: tuple[Weights, ...]) -> Judged:
        """The other readings of the same noise only for the fewest bits."""
        given, draws, fresh, frozen = self._given(stored), self.experiment.draws, None, None
        cell = cell_spreads(load(self.experiment.technology), self.n_bits, TAIL)
        sigma = float(weight_noise(WITH_MISMATCH, self.full_scale))
        dies = mismatched(*given, cell, draws, self.key, sigma=sigma, limit=SIGMAS)
        if self.n_bits == min(self.experiment.n_bits):
            fresh = fresh_noise(*given, self.sigmas, draws, self.key)
            frozen = frozen_deviations(*given, self.sigmas, draws, self.key, limit=SIGMAS)
        return Judged(self.clean(stored), self.branches(stored), dies, fresh, frozen)

    def _given(self, stored: tuple[Weights, ...]) -> tuple[MacNetwork, tuple[Weights, ...], np.ndarray, np.ndarray]:
        return self.network, rounded(stored, self.n_bits), self.data.x_test, self.data.y_test


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
