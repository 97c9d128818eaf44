"""Layers of multiply-accumulate neurons on images, and the sums that their noise needs.

Images are ``[images, height, width, channels]``, windows lie within them (no padding). A layer that
multiplies forms the sums of its neurons from weights ``[taps, neurons]``, and the sum of the squared inputs that
each of them sees.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from anamorph.errors import BadInput

#: Height, width, channels.
Image = tuple[int, int, int]


class Layer(ABC):
    """One layer: hashable, since compiled code depends on it."""

    #: What comes in.
    image: Image

    @property
    @abstractmethod
    def image_out(self) -> Image:
        """What goes out."""

    @property
    def shape(self) -> tuple[int, int] | None:
        """Taps and neurons (kernels); None where nothing is multiplied."""
        return None

    @property
    def macs(self) -> int:
        """Multiplications per image, the bias apart."""
        return 0


@dataclass(frozen=True)
class Convolution(Layer):
    """Shared kernels, moved by one pixel at a time; with a kernel as large as the image, a dense layer.

    Attributes:
        image: what comes in.
        kernel: height and width of the window.
        channels: kernels.

    Raises:
        BadInput: a window larger than the image.
    """

    image: Image
    kernel: tuple[int, int]
    channels: int

    def __post_init__(self) -> None:
        if min(*self.kernel, self.channels) < 1 or any(k > n for k, n in zip(self.kernel, self.image, strict=False)):
            raise BadInput("the kernel does not fit the image", where="convolution", expected=f"1 to {self.image[:2]}",
                           got=f"{self.kernel}, {self.channels} channels")  # fmt: skip

    @property
    def image_out(self) -> Image:
        """One pixel per place of the window."""
        return (self.image[0] - self.kernel[0] + 1, self.image[1] - self.kernel[1] + 1, self.channels)

    @property
    def shape(self) -> tuple[int, int]:
        """Taps of a window in all channels, and kernels."""
        return self.kernel[0] * self.kernel[1] * self.image[2], self.channels

    @property
    def macs(self) -> int:
        """One per tap, place and kernel."""
        return self.shape[0] * self.image_out[0] * self.image_out[1] * self.channels

    def sums(
        self, synapses: Float[Array, "taps neurons"], x: Float[Array, "images h w c"]
    ) -> Float[Array, "images y x neurons"]:
        """What each neuron adds up; taps count row by row, channels within a pixel."""
        return _slid(x, synapses.reshape(*self.kernel, self.image[2], -1))

    def energies(self, x: Float[Array, "images h w c"]) -> Float[Array, "images y x 1"]:
        """Sum of the squares of what each place's window holds."""
        squares = jnp.sum(x**2, axis=-1, keepdims=True)
        height, width = self.kernel
        rows, columns, _ = self.image_out
        if rows == columns == 1:
            return jnp.sum(squares, axis=(1, 2), keepdims=True)
        down = functools.reduce(jnp.add, (squares[:, i : i + rows] for i in range(height)))
        return functools.reduce(jnp.add, (down[:, :, j : j + columns] for j in range(width)))


def _slid(x: Array, kernel: Float[Array, "ky kx channels neurons"]) -> Array:
    """What a window sees, times the kernel, at every place.

    As one matrix product of all windows: XLA's own convolution takes twenty times as long on a CPU where its gradient
    is wanted too.
    """
    height, width, channels, neurons = kernel.shape
    rows, columns = x.shape[1] - height + 1, x.shape[2] - width + 1
    if rows == columns == 1:
        windows = x.reshape(len(x), -1)
    else:
        seen = [x[:, i : i + rows, j : j + columns] for i in range(height) for j in range(width)]
        windows = jnp.concatenate(seen, axis=-1).reshape(-1, height * width * channels)
    return (windows @ kernel.reshape(-1, neurons).astype(x.dtype)).reshape(-1, rows, columns, neurons)


def dense(image: Image, neurons: int) -> Convolution:
    """Every value of the image to every neuron."""
    return Convolution(image, image[:2], neurons)


@dataclass(frozen=True)
class Average(Layer):
    """Means over squares that do not overlap, without a multiplier and without noise (shared charge; assumed).

    Attributes:
        image: what comes in.
        size: side of a square.

    Raises:
        BadInput: squares that do not tile the image.
    """

    image: Image
    size: int = 2

    def __post_init__(self) -> None:
        if self.size < 1 or self.image[0] % self.size or self.image[1] % self.size:
            raise BadInput("squares that do not tile the image", where="average", expected=f"a divisor of {self.image}",
                           got=str(self.size))  # fmt: skip

    @property
    def image_out(self) -> Image:
        """One pixel per square."""
        return (self.image[0] // self.size, self.image[1] // self.size, self.image[2])

    def means(self, x: Float[Array, "images h w c"]) -> Float[Array, "images y x c"]:
        """Of every square."""
        height, width, channels = self.image_out
        return x.reshape(-1, height, self.size, width, self.size, channels).mean(axis=(2, 4))
