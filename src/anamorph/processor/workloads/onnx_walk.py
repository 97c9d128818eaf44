"""What a rule knows of a node, and what it makes of it: shapes, attributes, constant inputs, shared cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anamorph.processor.workloads.onnx_file import plain
from anamorph.processor.workloads.operations import Auxiliary, MatrixProduct, Operation, Shape, Tensor


class Unsupported(Exception):
    """A node that cannot be carried, and why."""


class Walk:
    """A graph being turned into operations, node after node.

    Attributes:
        operations: made so far.
        shapes: of every tensor whose shape is known.
        origin: constant tensor -> where its values come from, as a key that equal matrices have in common.
        names: first output of a node -> the name that its operation has.
    """

    def __init__(self, shapes: Mapping[str, Shape], origin: dict[str, str]) -> None:
        self.shapes, self.origin = shapes, origin
        self.operations: list[Operation] = []
        self.names: dict[str, str] = {}
        self._names: dict[str, int] = {}
        self._cells: dict[tuple[str, ...], MatrixProduct] = {}

    def add(self, *operations: Operation) -> None:
        """Operations of a node, in order."""
        self.operations += operations

    def name(self, node: Node) -> str:
        """A name for a node that no other operation has."""
        wanted = found = plain(node.name or node.outputs[0])
        while found in self._names:
            self._names[wanted] += 1  # from where it stopped: many nodes may have one name
            found = f"{wanted}~{self._names[wanted]}"
        self._names[found] = 1
        self.names[node.outputs[0]] = found
        return found

    def shared(self, product: MatrixProduct, *keys: str) -> MatrixProduct:
        """The product as it is, or on the cells of an earlier one whose weights and biases have the same keys."""
        first = self._cells.setdefault(keys, product)
        same = (first.groups, first.rows, first.columns) == (product.groups, product.rows, product.columns)
        return product if first is product or not same else replace(product, weights_of=first.name)


class Node:
    """One node of an ONNX graph."""

    def __init__(self, onnx: Any, proto: Any, walk: Walk) -> None:
        self.name, self.kind, self.walk = proto.name, proto.op_type, walk
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}

    def attribute(self, name: str, default: Any) -> Any:
        """Its value; text as text."""
        value = self.attributes.get(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and bool(self.inputs[index])

    def constant(self, index: int) -> bool:
        """Whether an input is the same for every inference."""
        return self.has(index) and self.inputs[index] in self.walk.origin

    def key(self, index: int) -> str:
        """Where the values of a constant input come from; empty if there is no such input."""
        return self.walk.origin[self.inputs[index]] if self.has(index) else ""

    def shape(self, index: int) -> Shape:
        """Shape of an input."""
        return self.known(self.inputs[index])

    def known(self, name: str) -> Shape:
        """Shape of a tensor."""
        if name not in self.walk.shapes:
            raise Unsupported(f"the shape of '{plain(name)}' is not known before it runs")
        if 0 in self.walk.shapes[name]:
            raise Unsupported(f"'{plain(name)}' is empty")
        return self.walk.shapes[name]

    @property
    def given(self) -> Shape:
        """Shape of the first output."""
        return self.known(self.outputs[0])

    def tensor(self, name: str) -> Tensor:
        """A tensor with its shape."""
        return Tensor(name, self.known(name))

    @property
    def takes(self) -> tuple[Tensor, ...]:
        """Inputs that differ from inference to inference, each once."""
        return tuple(self.tensor(n) for n in dict.fromkeys(self.inputs) if n and n not in self.walk.origin)

    @property
    def gives(self) -> tuple[Tensor, ...]:
        """Outputs that are named."""
        return tuple(self.tensor(n) for n in self.outputs if n)

    @property
    def parameters(self) -> int:
        """Values of its constant inputs."""
        names = (n for n in dict.fromkeys(self.inputs) if n and n in self.walk.origin)
        return sum(math.prod(self.known(n)) for n in names)

    def auxiliary(self, kind: str, operations: int, parameters: int = 0, name: str = "") -> Auxiliary:
        """All of it as one auxiliary operation."""
        return Auxiliary(
            name or self.walk.name(self), kind, self.takes, self.gives, operations, parameters, detail=self.kind
        )
