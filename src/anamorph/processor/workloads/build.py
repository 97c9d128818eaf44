"""Networks written down layer by layer: a builder that infers shapes as the published tables give them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Operation, Tensor, Window


class Builder:
    """Collects operations; each method adds one and returns the tensor that it gives."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source
        self._takes: list[Tensor] = []
        self._operations: list[Operation] = []

    def take(self, name: str, *shape: int) -> Tensor:
        """An input of the network."""
        self._takes.append(Tensor(name, shape))
        return self._takes[-1]

    def network(self) -> Network:
        """All that was added."""
        return Network(self._name, self._source, tuple(self._takes), tuple(self._operations))

    def convolution(
        self,
        name: str,
        x: Tensor,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
        connected: int | None = None,
    ) -> Tensor:
        """A square convolution of (channels, height, width); `padding` by default keeps the size at stride 1."""
        c, *size = x.shape
        pad = (kernel - 1) // 2 if padding is None else padding
        height, width = ((n + 2 * pad - kernel) // stride + 1 for n in size)
        y = Tensor(name, (channels, height, width))
        self._operations.append(
            MatrixProduct(
                name,
                (x,),
                (y,),
                c // groups * kernel**2,
                channels // groups,
                height * width,
                groups,
                connected=connected,
                biases=channels if bias else 0,
                window=Window((kernel,) * 2, (stride,) * 2, (pad,) * 4, (1, 1)),
            )  # fmt: skip
        )
        return y

    def dense(
        self, name: str, x: Tensor, columns: int, *, bias: bool = True, steps: int = 1, beside: Sequence[Tensor] = ()
    ) -> Tensor:
        """A product over the last axis of `x`, followed by those of `beside` (same leading axes)."""
        *lead, rows = x.shape
        rows += sum(t.shape[-1] for t in beside)
        y = Tensor(name, (*lead, columns))
        self._operations.append(
            MatrixProduct(name, (x, *beside), (y,), rows, columns, math.prod(lead), steps=steps,
                          biases=columns if bias else 0)
        )  # fmt: skip
        return y

    def fed_back(self, name: str, rows: int, columns: int, steps: int) -> Tensor:
        """A product over what a later layer gave in the step before, which is no tensor of this inference's inputs."""
        y = Tensor(name, (steps, columns))
        self._operations.append(MatrixProduct(name, (), (y,), rows, columns, steps, steps=steps, fed_back=rows))
        return y

    def lstm(self, name: str, x: Tensor, hidden: int, *, beside: Sequence[Tensor] = (), biases: int = 0) -> Tensor:
        """A long short-term memory over (steps, inputs): one product of [x, ..., h] with four gates, and their cell."""
        steps = x.shape[0]
        rows = x.shape[-1] + sum(t.shape[-1] for t in beside) + hidden
        gates, y = Tensor(f"{name}.gates", (steps, 4 * hidden)), Tensor(name, (steps, hidden))
        self._operations += [
            MatrixProduct(gates.name, (x, *beside), (gates,), rows, 4 * hidden, steps, steps=steps, fed_back=hidden,
                          biases=biases),
            *cell(name, gates, y, hidden * steps, steps, "LSTM"),
        ]  # fmt: skip
        return y

    def pool(
        self, name: str, x: Tensor, kernel: int, stride: int, how: str, *, ceil: bool = False, padding: int = 0,
        parameters: int = 0,
    ) -> Tensor:  # fmt: skip
        """A square pooling; `ceil` keeps windows that hang over the edge."""
        c, *size = x.shape
        up = stride - 1 if ceil else 0
        height, width = ((n + 2 * padding - kernel + up) // stride + 1 for n in size)
        shape = (c, height, width)
        return self.auxiliary(name, "pooling", (x,), shape, math.prod(shape) * kernel**2, how, parameters)

    def average(self, name: str, x: Tensor) -> Tensor:
        """The mean of each channel."""
        return self.auxiliary(name, "pooling", (x,), x.shape[:1], x.size, "average")

    def normalise(self, name: str, x: Tensor, parameters: int, detail: str) -> Tensor:
        """A normalisation of every value."""
        return self.auxiliary(name, "normalisation", (x,), x.shape, x.size, detail, parameters)

    def function(self, name: str, x: Tensor, detail: str) -> Tensor:
        """A function of every value."""
        return self.auxiliary(name, "activation", (x,), x.shape, x.size, detail)

    def softmax(self, name: str, x: Tensor) -> Tensor:
        """Softmax along the last axis."""
        return self.auxiliary(name, "softmax", (x,), x.shape, x.size)

    def add(self, name: str, *terms: Tensor) -> Tensor:
        """The sum of tensors of one shape."""
        return self.auxiliary(name, "addition", terms, terms[0].shape, (len(terms) - 1) * terms[0].size)

    def concatenate(self, name: str, *parts: Tensor, axis: int = 0) -> Tensor:
        """Parts one after another along an axis; nothing moves, as each may be written to its place at once."""
        shape = list(parts[0].shape)
        shape[axis] = sum(t.shape[axis] for t in parts)
        return self.auxiliary(name, "rearrangement", parts, tuple(shape), 0, "concatenation")

    def lookup(self, name: str, x: Tensor, words: int, width: int) -> Tensor:
        """A row of a table for each index of `x`."""
        return self.auxiliary(
            name, "embedding lookup", (x,), (*x.shape, width), x.size * width, parameters=words * width
        )

    def auxiliary(
        self,
        name: str,
        kind: str,
        takes: Sequence[Tensor],
        shape: tuple[int, ...],
        operations: int,
        detail: str = "",
        parameters: int = 0,
        steps: int = 1,
    ) -> Tensor:
        """Anything else."""
        y = Tensor(name, shape)
        self._operations.append(Auxiliary(name, kind, tuple(takes), (y,), operations, parameters, steps, detail))
        return y


def cell(name: str, gates: Tensor, y: Tensor, units: int, steps: int, kind: str) -> list[Auxiliary]:
    """What a recurrent unit does with its gates, per inference.

    An LSTM has three sigmoids and two tanh per unit and step, three products and one sum; a GRU two sigmoids and one
    tanh, three products and two sums (h' = n + z (h - n)); a plain one tanh. `units` counts units x steps.
    """
    functions, products, sums = {"LSTM": (5, 3, 1), "GRU": (3, 3, 2), "RNN": (1, 0, 0)}[kind]
    done = [Auxiliary(
        f"{name}.functions", "activation", (gates,), (functions_of := Tensor(f"{name}.functions", gates.shape),),
        functions * units, steps=steps, detail=f"{kind} gates",
    )]  # fmt: skip
    if not products:
        return [Auxiliary(name, "activation", (gates,), (y,), functions * units, steps=steps, detail=f"{kind} state")]
    summed = Tensor(f"{name}.products", y.shape)
    done.append(Auxiliary(f"{name}.products", "elementwise product", (functions_of,), (summed,), products * units,
                          steps=steps, detail=f"{kind} gates"))  # fmt: skip
    done.append(Auxiliary(name, "addition", (summed,), (y,), sums * units, steps=steps, detail=f"{kind} state"))
    return done
