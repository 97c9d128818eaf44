"""A network from an ONNX file: every operator becomes matrix products or auxiliary operations, or is refused by name.

    Conv (groups, dilations), Gemm, MatMul    a product with a stored matrix
    MatMul of two activations, Attention      vector products of the auxiliary unit
    LSTM, GRU, RNN                            a product of [x, h] in steps, and the cell's own arithmetic
    pooling, Add, Mul, functions, ...         auxiliary operations

What is computed from constants alone costs an inference nothing and is left out; so are `Shape` and `Size`, since all
shapes are known. Batch normalisation stays an operation of its own. Weights themselves are not read, only counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anamorph.errors import BadInput
from anamorph.processor.workloads import onnx_auxiliary, onnx_products
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.onnx_file import Checked, package, plain, read
from anamorph.processor.workloads.onnx_recurrent import recurrent
from anamorph.processor.workloads.onnx_walk import Node, Unsupported, Walk
from anamorph.processor.workloads.operations import Shape, Tensor

RULES = onnx_auxiliary.rules() | {
    "Conv": onnx_products.convolution,
    "Gemm": onnx_products.gemm,
    "MatMul": onnx_products.matmul,
    "Attention": onnx_products.attention,
    "LSTM": recurrent,
    "GRU": recurrent,
    "RNN": recurrent,
}
#: Constant whatever they take, as all shapes are known; and those that only make constants.
CONSTANTS = ("Constant", "ConstantOfShape", "EyeLike", "Range", "Shape", "Size")
#: Constants that are their input in another form: equal matrices stay recognisable through these.
_FORMS = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
#: What a rule raises when a node passed the checker and is malformed all the same.
_BROKEN = (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError)
#: Refusals named in one message.
NAMED = 20


def from_onnx(path: Path, dimensions: Mapping[str, int] | None = None) -> Network:
    """The network of a file.

    Args:
        path: of the file.
        dimensions: sizes for dimensions that the file leaves open, by their names.

    Raises:
        BadInput: absent, malformed, hostile or too large; open dimensions; operators that cannot be carried.
    """
    return imported(read(path, dimensions or {}, lambda graph: refuse_unknown(graph, path)), path)[0]


def imported(checked: Checked, path: Path) -> tuple[Network, Walk]:
    """The network of a checked model, and what was found on the way; as of `from_onnx`."""
    onnx = package()
    graph = checked.model.graph
    walk = Walk(_shapes(onnx, graph), {name: name for name in checked.constants})
    refused = []
    for proto in graph.node:
        node = Node(onnx, proto, walk)
        if _is_constant(node):
            continue
        try:
            RULES[node.kind](node)
        except Unsupported as reason:
            refused.append(f"{_named(proto)}: {reason}")
        except _BROKEN:
            refused.append(f"{_named(proto)}: attributes or shapes that do not fit each other")
    if refused:
        raise _refusal(refused, path)
    source = f"ONNX file {plain(path.name)}"
    return Network(plain(path.stem), source, _inputs(checked, walk), tuple(walk.operations)), walk


def refuse_unknown(graph: Any, path: Path) -> None:
    """All nodes with an operator that there is no rule for."""
    refused = [
        _named(node)
        for node in graph.node
        if node.domain not in ("", "ai.onnx") or node.op_type not in RULES and node.op_type not in CONSTANTS
    ]
    if refused:
        raise _refusal(refused, path)


def _refusal(refused: list[str], path: Path) -> BadInput:
    more = f" and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return BadInput(
        f"operators that the processor cannot carry: {', '.join(refused[:NAMED])}{more}", where=str(path),
        advice="Replace them before exporting; docs/processor.md lists what can be carried.",
    )  # fmt: skip


def _named(node: Any) -> str:
    kind = plain(f"{node.domain}.{node.op_type}" if node.domain else node.op_type)
    name = node.name or next((name for name in node.output if name), "")
    return f"{kind} ('{plain(name)}')"


def _shapes(onnx: Any, graph: Any) -> dict[str, Shape]:
    """Shape of each tensor for which all sizes are known."""
    shapes: dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
            continue
        if all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in kind.shape.dim):
            shapes[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
    return shapes


def _is_constant(node: Node) -> bool:
    """Whether it gives the same for every inference; if so, its outputs are recorded as constants."""
    origin = node.walk.origin
    inputs = [name for name in node.inputs if name]
    if node.kind not in CONSTANTS and (not inputs or any(name not in origin for name in inputs)):
        return False
    for output in node.outputs:
        origin[output] = output
    if node.kind in _FORMS:
        form = f"{origin[node.inputs[0]]}|{node.kind}{sorted(node.attributes.items())}{node.inputs[1:]}"
        origin[node.outputs[0]] = hashlib.sha256(form.encode()).hexdigest()
    return True


def _inputs(checked: Checked, walk: Walk) -> tuple[Tensor, ...]:
    return tuple(
        Tensor(value.name, walk.shapes[value.name])
        for value in checked.model.graph.input
        if value.name not in checked.constants
    )
