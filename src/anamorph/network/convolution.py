"""Wirings of images: convolutions, locally connected layers, and averages over windows, unrolled into synapses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anamorph.errors import BadInput
from anamorph.network.wiring import Image, Wiring


@dataclass(frozen=True)
class Convolution(Wiring):
    """Each neuron sees a window of the image before it; windows lie within the image (no padding).

    Attributes:
        image: before, channels, height and width.
        kernel, stride: height and width of the window, and by how much it moves.
        channels: of the image after.
        shared: all places of a channel use one kernel; otherwise each has its own (locally connected).
        positive: no negative weights.

    Raises:
        BadInput: a window larger than the image, a stride or channels below 1.
    """

    image: Image
    kernel: tuple[int, int]
    stride: tuple[int, int]
    channels: int
    shared: bool = True
    positive: bool = False

    def __post_init__(self) -> None:
        _check_window(self.image, self.kernel, self.stride, self.channels)

    @cached_property
    def n_in(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Neurons of the image before."""
        return int(np.prod(self.image))

    @cached_property
    def image_out(self) -> Image:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Channels, height and width of the image after."""
        return (self.channels, *_places(self.image, self.kernel, self.stride))

    @cached_property
    def n_out(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Neurons of the image after."""
        return int(np.prod(self.image_out))

    @property
    def shape(self) -> tuple[int, int]:
        """Taps of a window in all channels; one kernel per channel, or one per neuron."""
        return self.image[0] * self.kernel[0] * self.kernel[1], self.channels if self.shared else self.n_out

    @cached_property
    def sources(self) -> Int[np.ndarray, "taps n_out"]:
        """The neuron behind each tap of each neuron."""
        windows = _windows(self.image, self.kernel, self.stride)
        return np.tile(windows.reshape(-1, windows.shape[-1]), self.channels)

    @cached_property
    def kernels(self) -> Int[np.ndarray, " n_out"]:
        """The kernel that each neuron uses."""
        places = self.n_out // self.channels
        return np.repeat(np.arange(self.channels), places) if self.shared else np.arange(self.n_out)

    @cached_property
    def exists(self) -> Bool[np.ndarray, "n_in n_out"]:
        """In every neuron's window."""
        return _exists(self.sources, self.n_in)

    def matrix(self, parameters: Float[Array, "*batch taps kernels"]) -> Float[Array, "*batch n_in n_out"]:
        """Each tap at its place in every window."""
        return _scattered(parameters[..., self.kernels], self.sources, self.n_in)


@dataclass(frozen=True)
class Pooling(Wiring):
    """Averages over windows, channel by channel: equal positive weights, one parameter for all of them.

    Rectifying layers have no scale of their own, so which value the weight has is for the training to choose.

    Attributes:
        image: before, channels, height and width.
        kernel, stride: of the windows.

    Raises:
        BadInput: as of a convolution.
    """

    image: Image
    kernel: tuple[int, int]
    stride: tuple[int, int]

    positive = True

    def __post_init__(self) -> None:
        _check_window(self.image, self.kernel, self.stride, 1)

    @cached_property
    def n_in(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Neurons of the image before."""
        return int(np.prod(self.image))

    @cached_property
    def image_out(self) -> Image:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As many channels, of averages."""
        return (self.image[0], *_places(self.image, self.kernel, self.stride))

    @cached_property
    def n_out(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Neurons of the image after."""
        return int(np.prod(self.image_out))

    @property
    def shape(self) -> tuple[int, int]:
        """A single weight."""
        return 1, 1

    @cached_property
    def sources(self) -> Int[np.ndarray, "taps n_out"]:
        """The neurons that each neuron averages."""
        windows = _windows(self.image, self.kernel, self.stride)  # channels, taps, places
        return np.moveaxis(windows, 1, 0).reshape(windows.shape[1], -1)

    @cached_property
    def exists(self) -> Bool[np.ndarray, "n_in n_out"]:
        """In every neuron's window, of its own channel."""
        return _exists(self.sources, self.n_in)

    def matrix(self, parameters: Float[Array, "*batch taps kernels"]) -> Float[Array, "*batch n_in n_out"]:
        """The one weight wherever there is a synapse."""
        return parameters * jnp.asarray(self.exists, parameters.dtype)


def _check_window(image: Image, kernel: tuple[int, int], stride: tuple[int, int], channels: int) -> None:
    if min(*image, *kernel, *stride, channels) < 1:
        raise BadInput("a size below 1", where="wiring", got=f"image {image}, kernel {kernel}, stride {stride}, "
                       f"channels {channels}")  # fmt: skip
    if kernel[0] > image[1] or kernel[1] > image[2]:
        raise BadInput("the kernel is larger than the image", where="wiring: kernel", expected=f"at most {image[1:]}",
                       got=str(kernel))  # fmt: skip


def _places(image: Image, kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[int, int]:
    height, width = ((size - k) // s + 1 for size, k, s in zip(image[1:], kernel, stride, strict=True))
    return height, width


def _windows(image: Image, kernel: tuple[int, int], stride: tuple[int, int]) -> Int[np.ndarray, "channels taps places"]:
    """Neuron of each channel at each tap of each window."""
    neuron = np.arange(int(np.prod(image))).reshape(image)
    height, width = _places(image, kernel, stride)
    y = np.arange(kernel[0])[:, None] + stride[0] * np.arange(height)
    x = np.arange(kernel[1])[:, None] + stride[1] * np.arange(width)
    found = neuron[:, y[:, None, :, None], x[None, :, None, :]]  # channels, ky, kx, places in y, in x
    return found.reshape(image[0], kernel[0] * kernel[1], height * width)


def _exists(sources: np.ndarray, n_in: int) -> Bool[np.ndarray, "n_in n_out"]:
    found = np.zeros((n_in, sources.shape[1]), bool)
    found[sources, np.arange(sources.shape[1])] = True
    return found


def _scattered(
    taps: Float[Array, "*batch taps n_out"], sources: np.ndarray, n_in: int
) -> Float[Array, "*batch n_in n_out"]:
    nothing = jnp.zeros((*taps.shape[:-2], n_in, taps.shape[-1]), taps.dtype)
    return nothing.at[..., sources, np.arange(taps.shape[-1])].set(taps)
