"""A network: operations in an order in which they can be done, checked, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from anamorph.errors import BadInput
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Operation, Tensor


@dataclass(frozen=True)
class Network:
    """Operations, each after those whose tensors it takes.

    Attributes:
        name: of the network.
        source: where its definition is from.
        takes: its inputs, for one inference.
        operations: in order.

    Raises:
        BadInput: two operations or tensors of one name; a tensor taken before it is given, or with another shape; cells
            shared with a product that is not there or has another matrix.
    """

    name: str
    source: str
    takes: tuple[Tensor, ...]
    operations: tuple[Operation, ...]

    def __post_init__(self) -> None:
        known: dict[str, Tensor] = {}
        done: dict[str, Operation] = {}
        _add(known, self.takes, self.name)
        for op in self.operations:
            if op.name in done:
                raise BadInput("two operations of one name", where=f"{self.name}: {op.name}")
            for tensor in op.takes:
                if known.get(tensor.name) != tensor:
                    got = known.get(tensor.name)
                    raise BadInput(
                        f"takes '{tensor.name}' of shape {tensor.shape}", where=f"{self.name}: {op.name}",
                        expected="what an operation before it gives", got=str(got.shape) if got else "nothing",
                    )  # fmt: skip
            if isinstance(op, MatrixProduct) and op.weights_of is not None:
                _check_shared(op, done.get(op.weights_of), self.name)
            _add(known, op.gives, f"{self.name}: {op.name}")
            done[op.name] = op

    @property
    def products(self) -> tuple[MatrixProduct, ...]:
        """The products with stored matrices."""
        return tuple(op for op in self.operations if isinstance(op, MatrixProduct))

    @property
    def auxiliaries(self) -> tuple[Auxiliary, ...]:
        """What the auxiliary unit does."""
        return tuple(op for op in self.operations if isinstance(op, Auxiliary))

    @cached_property
    def weights(self) -> int:
        """Weights in memory cells, without biases; shared ones once."""
        return sum(op.weights for op in self.products if op.weights_of is None)

    @cached_property
    def biases(self) -> int:
        """Biases of the products; shared ones once."""
        return sum(op.biases for op in self.products if op.weights_of is None)

    @cached_property
    def parameters(self) -> int:
        """All that is stored: weights, biases, and the tables, scales and constants of auxiliary operations."""
        return self.weights + self.biases + sum(op.parameters for op in self.auxiliaries)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates with stored weights, per inference."""
        return sum(op.macs for op in self.products)

    @cached_property
    def vector_macs(self) -> int:
        """Multiply-accumulates of two activations, per inference."""
        return sum(op.macs for op in self.auxiliaries)

    @cached_property
    def activations(self) -> int:
        """Values that pass through memory once: the inputs, and what operations give, mere changes of shape aside."""
        moved = (t for op in self.operations if not _is_view(op) for t in op.gives)
        return sum(t.size for t in (*self.takes, *moved))

    @cached_property
    def largest_tensor(self) -> Tensor:
        """The largest of its tensors: memory must at least hold that."""
        return max((*self.takes, *(t for op in self.operations for t in op.gives)), key=lambda t: t.size)

    def as_json(self) -> dict[str, Any]:
        """Counts and operations as plain values."""
        counts = ("weights", "biases", "parameters", "macs", "vector_macs", "activations")
        rows = []
        for op in self.operations:
            row = {"name": op.name, "kind": op.kind, **asdict(op), "macs": op.macs}
            if isinstance(op, MatrixProduct):
                row |= {"cells": op.cells, "weights": op.weights}
                del row["connected"]
            rows.append(row)
        return {
            "name": self.name,
            "source": self.source,
            **{count: getattr(self, count) for count in counts},
            "takes": [asdict(t) for t in self.takes],
            "operations": rows,
        }


def _is_view(op: Operation) -> bool:
    return isinstance(op, Auxiliary) and op.kind == "rearrangement" and op.operations == 0


def _add(known: dict[str, Tensor], tensors: Iterable[Tensor], where: str) -> None:
    for tensor in tensors:
        if tensor.name in known:
            raise BadInput(f"'{tensor.name}' is given twice", where=where)
        known[tensor.name] = tensor


def _check_shared(op: MatrixProduct, owner: Operation | None, name: str) -> None:
    where = f"{name}: {op.name}"
    if not isinstance(owner, MatrixProduct) or owner.weights_of is not None:
        raise BadInput(f"uses the cells of '{op.weights_of}'", where=where, expected="an earlier product with its own")
    shape, wanted = (op.groups, op.rows, op.columns), (owner.groups, owner.rows, owner.columns)
    if shape != wanted or op.weights != owner.weights:
        raise BadInput(
            "another matrix than that of the cells it uses", where=where, expected=str(wanted), got=str(shape)
        )
