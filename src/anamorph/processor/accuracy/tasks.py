"""Built-in tasks: a small network, its data, and how long it is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anamorph.errors import BadInput, nearest
from anamorph.mixed_signal.layers import Average, Convolution, Layer, dense
from anamorph.mixed_signal.network import MacNetwork, convolutional, fully_connected
from anamorph.mixed_signal.study import Images, images_of


def lenet() -> MacNetwork:
    """Six and sixteen kernels of 5 x 5 with averages behind them, 84 neurons, ten classes: LeCun's, a layer shorter."""
    layers: list[Layer] = [Convolution((28, 28, 1), (5, 5), 6)]
    layers.append(Average(layers[-1].image_out))
    layers.append(Convolution(layers[-1].image_out, (5, 5), 16))
    layers.append(Average(layers[-1].image_out))
    layers.append(dense(layers[-1].image_out, 84))
    layers.append(dense(layers[-1].image_out, 10))
    return MacNetwork(tuple(layers))


@dataclass(frozen=True)
class Task:
    """A network and its data.

    Attributes:
        title: for people.
        network: makes its layers.
        data: name of the images in `anamorph.mixed_signal.study`.
        tested: test images at most.
        epochs: of training in floating point.
        further: epochs of training on, through rounding or through cells.
        distort: whether training images are mirrored and shifted.
    """

    title: str
    network: Callable[[], MacNetwork]
    data: str
    tested: int
    epochs: int
    further: int
    distort: bool = False

    def images(self, train: int | None, test: int | None) -> Images:
        """Training and test images, so many of each at most."""
        return images_of(self.data, train, min(self.tested, test or self.tested))


TASKS = {
    "mnist": Task("MNIST, convolutional", lenet, "mnist_cnn", 10_000, 6, 2),
    "mnist_mlp": Task("MNIST, fully connected", lambda: fully_connected((28, 28, 1), (100,), 10), "mnist_fcn",
                      10_000, 10, 2),
    "cifar10": Task("CIFAR-10, convolutional", lambda: convolutional((32, 32, 3), (16, 32), (5, 5), 10), "cifar_cnn",
                    1000, 15, 2, distort=True),
}  # fmt: skip


def task(name: str) -> Task:
    """The task of a name; raises `BadInput` for an unknown one."""
    if name not in TASKS:
        raise BadInput(f"no such task '{name[:80]}'", expected=", ".join(TASKS), advice=nearest(name, TASKS))
    return TASKS[name]
