"""What a network is made of, for the processor: products with stored matrices, and everything else.

A matrix product is done in memory cells, y = W^T x: `rows` inputs on word lines, `columns` outputs on bit lines. A
convolution is one with unrolled kernels (rows = channels x kernel) and a vector per output position; a recurrent layer
is one over [x, h] whose vectors must follow one another. All else (pooling, addition, products of two activations, ...)
is done by the digital auxiliary unit (Bavandpour et al. 2019, Fig. 2a).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from anamorph.errors import BadInput

Shape = tuple[int, ...]
#: What the auxiliary unit does, and what one of its `operations` is.
KINDS = {
    "pooling": "a value of a window taken in",
    "addition": "a sum of two values",
    "elementwise product": "a product or quotient of two values",
    "vector product": "a multiply-accumulate of two activations",
    "activation": "a function of one value",
    "normalisation": "a value normalised",
    "softmax": "a value exponentiated and divided",
    "reduction": "a value taken in",
    "selection": "a value chosen or compared",
    "quantisation": "a value rounded",
    "embedding lookup": "a value read from the table",
    "rearrangement": "a value moved",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """Values that pass from one operation to another; `shape` holds those of one inference, batch included."""

    name: str
    shape: Shape

    def __post_init__(self) -> None:
        if any(n < 0 for n in self.shape):
            raise BadInput("a shape with a negative size", where=self.name, got=str(self.shape))

    @property
    def size(self) -> int:
        """How many values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Window:
    """How a convolution slides over its input: one entry per spatial axis (padding: all starts, then all ends)."""

    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """Products of vectors with `groups` stored matrices of `rows` x `columns`.

    Attributes:
        name: unique in its network.
        takes, gives: tensors in and out.
        rows: inputs of one matrix.
        columns: outputs of one matrix.
        groups: matrices beside each other that share no input (grouped and depthwise convolutions); each gets every
            vector's own part.
        vectors: input vectors of each matrix in one inference.
        steps: how many of them at least must follow one another, as each needs what the one before gave; 1 where all
            can be done at once. `vectors / steps` are independent in each step.
        fed_back: rows that carry results of the step before: its own layer's, or those of one that comes later.
        connected: weights that exist, of groups x rows x columns; all by default (LeCun's partial tables have fewer).
        biases: values added to columns, stored in addition.
        weights_of: the earlier product whose cells this one uses again; None where it has its own.
        window: of a convolution.
    """

    name: str
    takes: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]
    rows: int
    columns: int
    vectors: int
    groups: int = 1
    steps: int = 1
    fed_back: int = 0
    connected: int | None = None
    biases: int = 0
    weights_of: str | None = None
    window: Window | None = None
    kind: str = field(default="matrix product", init=False)

    def __post_init__(self) -> None:
        for what in ("rows", "columns", "vectors", "groups", "steps"):
            if getattr(self, what) < 1:
                raise BadInput(f"no {what}", where=self.name, expected="at least 1", got=str(getattr(self, what)))
        if self.vectors % self.steps:
            raise BadInput(f"{self.vectors} vectors cannot be shared among {self.steps} steps", where=self.name)
        if not 0 <= self.fed_back <= self.rows:
            raise BadInput("more rows fed back than there are", where=self.name, got=str(self.fed_back))
        if not 0 < self.weights <= self.cells:
            raise BadInput("weights without cells", where=self.name, expected=f"at most {self.cells}")

    @property
    def cells(self) -> int:
        """Places for weights in its matrices."""
        return self.groups * self.rows * self.columns

    @property
    def weights(self) -> int:
        """Weights that exist, without biases, whether they are its own or another product's."""
        return self.cells if self.connected is None else self.connected

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; biases are not counted."""
        return self.weights * self.vectors

    @property
    def is_depthwise(self) -> bool:
        """Whether every matrix sees one channel only: the case that fills a crossbar worst."""
        return self.window is not None and self.groups > 1 and self.rows == math.prod(self.window.kernel)


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Something done outside the memory cells.

    Attributes:
        name: unique in its network.
        kind: one of `KINDS`.
        takes, gives: tensors in and out.
        operations: elementary ones per inference; `KINDS` says what one is. 0 for a mere change of shape.
        parameters: values stored for it (scales, tables, constants).
        steps: how many must follow one another, as in a recurrent layer.
        detail: which function, in the network's own words ("MaxPool", "tanh").
    """

    name: str
    kind: str
    takes: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]
    operations: int
    parameters: int = 0
    steps: int = 1
    detail: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"no such kind of operation '{self.kind}'", where=self.name, expected=", ".join(KINDS))
        if self.operations < 0 or self.parameters < 0 or self.steps < 1:
            raise BadInput("a negative count", where=self.name)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of two activations, which no stored matrix can do."""
        return self.operations if self.kind == "vector product" else 0


Operation = MatrixProduct | Auxiliary
